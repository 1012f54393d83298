package zerofs.base;

import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/// Randomness that repeats: for simulations and tests only, its secrets are none.
public final class SeededRandomness implements Randomness {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private final AtomicLong state;

  public SeededRandomness(long seed) {
    state = new AtomicLong(seed);
  }

  @Override
  public void secret(byte[] bytes) {
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) nextLong();
    }
  }

  @Override
  public long nextLong() {
    return new SplittableRandom(state.addAndGet(GOLDEN_GAMMA)).nextLong();
  }
}
