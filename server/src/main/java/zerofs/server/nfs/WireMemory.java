package zerofs.server.nfs;

import java.util.LinkedHashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import zerofs.base.Tasks;

/// Memory that all connections share for what is large or waits: records that are still arriving,
/// requests that wait for the store, large replies. It has a limit; who asks beyond it waits. So
/// that nobody waits for a client that has stopped to send or to read, the connection that has been
/// stuck on its client for the longest is closed then: an honest client comes again.
///
/// Whoever holds memory of one `WireMemory` waits for nothing but the store, its own client, or
/// memory of a later one, so waits have no cycle: records before requests. Any thread.
final class WireMemory {
  private static final Logger LOG = LoggerFactory.getLogger(WireMemory.class);

  /// How long a client may be stuck while others wait for its memory.
  private static final long STUCK_NANOS_MAX = 1_000_000_000L;

  private final SeldomWarning closing;
  private final String what;
  private final long limitBytes;
  private final Tasks tasks;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal freed;
  private final Map<Holder, Long> held = new LinkedHashMap<>();
  private long usedBytes;

  /// A connection.
  interface Holder {
    /// Since when it waits for its client, by [Tasks#nanoTime]; Long.MAX_VALUE when it does not.
    long stuckSinceNanos();

    /// Makes it end and give back all it holds, soon.
    void close();
  }

  WireMemory(String what, long limitBytes, Tasks tasks) {
    this.what = what;
    this.limitBytes = limitBytes;
    this.tasks = tasks;
    this.closing = new SeldomWarning(LOG, tasks);
    this.mutex = tasks.newMutex("wire memory");
    this.freed = mutex.newSignal();
  }

  /// What one connection should hold at most.
  long shareBytes() {
    return limitBytes / 2;
  }

  /// Takes without waiting; false when there is too little.
  boolean tryTake(Holder holder, long bytes) {
    mutex.lock();
    try {
      return takeIfFree(holder, bytes);
    } finally {
      mutex.unlock();
    }
  }

  /// Takes, and waits until there is enough.
  void take(Holder holder, long bytes) {
    boolean taken = tryTake(holder, bytes);
    while (!taken) {
      Holder stuck = null;
      mutex.lock();
      try {
        taken = takeIfFree(holder, bytes);
        if (!taken && !freed.await(STUCK_NANOS_MAX)) {
          stuck = longestStuck();
        }
      } finally {
        mutex.unlock();
      }
      if (stuck != null) {
        closing.warn(
            "closing " + stuck + ": others need the memory for " + what + " that it holds");
        stuck.close();
      }
    }
  }

  private boolean takeIfFree(Holder holder, long bytes) {
    // One that is larger than all of it goes when it is alone: nothing may wait for ever.
    if (usedBytes > 0 && usedBytes + bytes > limitBytes) {
      return false;
    }
    usedBytes += bytes;
    held.merge(holder, bytes, Long::sum);
    return true;
  }

  private @org.jspecify.annotations.Nullable Holder longestStuck() {
    Holder longest = null;
    long since = tasks.nanoTime() - STUCK_NANOS_MAX;
    for (Holder each : held.keySet()) {
      long stuck = each.stuckSinceNanos();
      if (stuck != Long.MAX_VALUE && stuck - since <= 0) {
        longest = each;
        since = stuck;
      }
    }
    return longest;
  }

  void giveBack(Holder holder, long bytes) {
    mutex.lock();
    try {
      usedBytes -= bytes;
      held.computeIfPresent(holder, (_, all) -> all == bytes ? null : (Long) (all - bytes));
      freed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  long limitBytes() {
    return limitBytes;
  }

  long usedBytes() {
    mutex.lock();
    try {
      return usedBytes;
    } finally {
      mutex.unlock();
    }
  }
}
