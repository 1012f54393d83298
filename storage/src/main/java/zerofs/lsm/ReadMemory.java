package zerofs.lsm;

import zerofs.base.Tasks;

/// Memory that reads of metadata may take while they are under way, from before the request until
/// what came is in a cache. Without a bound each of a thousand clients' operations that misses at
/// once would hold a part of its own. Nobody waits for it twice at a time. Any thread.
final class ReadMemory {
  private final long bytesMax;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal freed;
  private long taken;

  ReadMemory(Tasks tasks, long bytesMax) {
    this.bytesMax = bytesMax;
    this.mutex = tasks.newMutex("read memory");
    this.freed = mutex.newSignal();
  }

  /// Blocks until there is room; more than there ever is waits to be alone.
  void take(long bytes) {
    mutex.lock();
    try {
      while (taken > 0 && taken + bytes > bytesMax) {
        freed.await();
      }
      taken += bytes;
    } finally {
      mutex.unlock();
    }
  }

  void give(long bytes) {
    mutex.lock();
    try {
      taken -= bytes;
      freed.signalAll();
    } finally {
      mutex.unlock();
    }
  }
}
