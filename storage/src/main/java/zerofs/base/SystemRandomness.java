package zerofs.base;

import java.security.SecureRandom;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;

/// The operating system's randomness; for load spreading a fast generator seeded by it.
public final class SystemRandomness implements Randomness {
  private static final long GOLDEN_GAMMA = 0x9e3779b97f4a7c15L;

  private final SecureRandom secure = new SecureRandom();
  private final AtomicLong state = new AtomicLong(secure.nextLong());

  @Override
  public void secret(byte[] bytes) {
    secure.nextBytes(bytes);
  }

  @Override
  public long nextLong() {
    return new SplittableRandom(state.addAndGet(GOLDEN_GAMMA)).nextLong();
  }
}
