package zerofs.base;

import java.util.concurrent.atomic.LongAdder;

/// How often something was looked for in memory, and how often it had to be fetched. Any thread; to
/// count takes no lock and allocates nothing.
public final class CacheCounter {
  private final LongAdder lookups = new LongAdder();
  private final LongAdder misses = new LongAdder();

  public void lookedUp() {
    lookups.increment();
  }

  public void missed() {
    misses.increment();
  }

  public long lookups() {
    return lookups.sum();
  }

  public long misses() {
    return misses.sum();
  }
}
