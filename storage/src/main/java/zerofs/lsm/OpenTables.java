package zerofs.lsm;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.codec.ObjectId;

/// Tables whose filters and indexes are in memory, bounded by their bytes; one that has left is
/// opened again by a GET. CLOCK with counts, as in [BlockCache], for the same reason.
///
/// However large they are, [#TABLES_MIN] of them stay: a lookup may have to ask one of each run,
/// and an operation that starts again at each miss has to find all of its own at once.
///
/// Any thread. A hit takes no lock; the ring is changed under the mutex.
final class OpenTables {
  /// More than twice the runs that there may be ([LsmSettings]): for an operation of a few lookups.
  static final int TABLES_MIN = 32;

  private static final int COUNT_MAX = 3;

  /// Heap of a block's handle besides its key: itself, the array's header, references.
  private static final int HANDLE_BYTES = 56;

  private static final int TABLE_BYTES = 500;

  /// Memory that an index takes for each byte in the object, at most: keys of 20 bytes and more.
  private static final int TAIL_GROWTH = 3;

  private final long bytesMax;
  private final ConcurrentMap<ObjectId, Entry> entries = new ConcurrentHashMap<>();
  private final Tasks.Mutex mutex;
  private final Deque<Entry> ring = new ArrayDeque<>();
  private volatile long bytes;

  private static final class Entry {
    private final Table table;
    private final long memory;
    private volatile int count = COUNT_MAX;

    Entry(Table table) {
      this.table = table;
      this.memory = memory(table);
    }

    /// Two uses at once may count as one.
    void use() {
      int before = count;
      if (before < COUNT_MAX) {
        count = before + 1;
      }
    }
  }

  /// What a table takes of the heap, about.
  private static long memory(Table table) {
    long sum = TABLE_BYTES + table.filter().memory();
    for (Table.BlockHandle each : table.blocks()) {
      sum += HANDLE_BYTES + each.lastKey().length;
    }
    return sum;
  }

  OpenTables(Tasks tasks, long bytesMax) {
    this.bytesMax = bytesMax;
    this.mutex = tasks.newMutex("open tables");
  }

  @Nullable Table get(ObjectId id) {
    Entry entry = entries.get(id);
    if (entry == null) {
      return null;
    }
    entry.use();
    return entry.table;
  }

  void add(Table table) {
    mutex.lock();
    try {
      Entry entry = new Entry(table);
      if (entries.putIfAbsent(table.id(), entry) != null) {
        return;
      }
      ring.addLast(entry);
      long sum = bytes + entry.memory;
      while (sum > bytesMax && ring.size() > TABLES_MIN) {
        Entry oldest = ring.removeFirst();
        int count = oldest.count;
        if (count > 0) {
          oldest.count = count - 1;
          ring.addLast(oldest);
        } else {
          entries.remove(oldest.table.id());
          sum -= oldest.memory;
        }
      }
      bytes = sum;
    } finally {
      mutex.unlock();
    }
  }

  /// Whether a table may come in without another one's leaving.
  ///
  /// @param tailBytes of it in the object
  boolean hasRoom(int tailBytes) {
    mutex.lock();
    try {
      return ring.size() < TABLES_MIN || bytes + TAIL_GROWTH * (long) tailBytes <= bytesMax;
    } finally {
      mutex.unlock();
    }
  }

  /// Lets go of a table that nobody will ask for any more.
  void remove(ObjectId id) {
    mutex.lock();
    try {
      Entry entry = entries.remove(id);
      if (entry != null) {
        ring.remove(entry);
        long sum = bytes - entry.memory;
        bytes = sum;
      }
    } finally {
      mutex.unlock();
    }
  }

  long bytes() {
    return bytes;
  }
}
