package zerofs.base;

/// Where chance enters. Two kinds are kept apart: `secret` bytes feed keys and nonces (a
/// [java.security.SecureRandom] in production), the rest only spreads load (jitter, sampling).
public interface Randomness {
  /// Fills `bytes` with unpredictable bytes.
  void secret(byte[] bytes);

  /// Any long.
  long nextLong();

  /// Uniform in [0, bound).
  default int below(int bound) {
    return (int) Math.floorMod(nextLong() >>> 1, (long) bound);
  }
}
