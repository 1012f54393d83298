package zerofs.lsm;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.codec.ObjectId;

/// Decoded blocks of tables, bounded by their bytes. CLOCK with counts: the hand takes one from a
/// block's count each time it comes by, and the block leaves at 0; every use adds one.
///
/// A block that was asked for always enters, with a full count, so it outlasts all that are in now:
/// the operation that missed it starts again, and has to find it. Neighbours that came with it
/// enter with 0. Nothing here hangs on chance, time or the thread that asks: one seed of a
/// simulation stays one history.
///
/// Any thread. A hit takes no lock; the ring is changed under the mutex.
final class BlockCache {
  private static final int COUNT_MAX = 3;

  /// Heap of a block besides its bytes, about.
  private static final int OVERHEAD_BYTES = 150;

  private final long bytesMax;
  private final ConcurrentMap<Key, Entry> entries = new ConcurrentHashMap<>();
  private final Tasks.Mutex mutex;
  private final Deque<Entry> ring = new ArrayDeque<>();
  private volatile long bytes;

  private record Key(ObjectId table, int index) {}

  private static final class Entry {
    private final Key key;
    private final Block block;
    private volatile int count;

    Entry(Key key, Block block, int count) {
      this.key = key;
      this.block = block;
      this.count = count;
    }

    /// Two uses at once may count as one.
    void use() {
      int before = count;
      if (before < COUNT_MAX) {
        count = before + 1;
      }
    }

    long bytes() {
      return (long) block.bytes().length + OVERHEAD_BYTES;
    }
  }

  BlockCache(Tasks tasks, long bytesMax) {
    this.bytesMax = bytesMax;
    this.mutex = tasks.newMutex("block cache");
  }

  @Nullable Block get(ObjectId table, int index) {
    Entry entry = entries.get(new Key(table, index));
    if (entry == null) {
      return null;
    }
    entry.use();
    return entry.block;
  }

  /// Takes in what one request brought: the block that was asked for, at `index`, and those behind
  /// it.
  void add(ObjectId table, int index, List<Block> fetched) {
    mutex.lock();
    try {
      long sum = bytes;
      for (int i = fetched.size() - 1; i >= 0; i--) {
        Key key = new Key(table, index + i);
        Entry entry = new Entry(key, fetched.get(i), i == 0 ? COUNT_MAX : 0);
        if (entries.putIfAbsent(key, entry) == null) {
          ring.addLast(entry);
          sum += entry.bytes();
        }
      }
      while (sum > bytesMax) {
        Entry oldest = ring.removeFirst();
        int count = oldest.count;
        if (count > 0) {
          oldest.count = count - 1;
          ring.addLast(oldest);
        } else {
          entries.remove(oldest.key);
          sum -= oldest.bytes();
        }
      }
      bytes = sum;
    } finally {
      mutex.unlock();
    }
  }

  long bytes() {
    return bytes;
  }
}
