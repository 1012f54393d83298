package zerofs.fs.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.page.Page;
import zerofs.fs.page.Reservation;
import zerofs.fs.page.Slab;

/// Decides which clean pages leave memory when it is needed: CLOCK over the chunks, a bit per page.
/// A page that a generation still has to store never leaves.
final class PageCache {
  static final long CLEAN = Page.CLEAN;

  private static final long KEPT_NANOS = 1_000_000L;

  /// A chunk row in memory is about 4 KiB of heap.
  private final int rowsMax;

  private final Slab slab;
  private final Tasks.Mutex mutex;
  private final Deque<Chunk> ring = new ArrayDeque<>();

  /// Calls that keep chunks in memory: each only until it has looked at them.
  private final AtomicInteger keepers = new AtomicInteger();

  private final Tasks tasks;

  /// Chunks in the ring; every write looks at it, so it is read without the mutex.
  private volatile int ringSize;

  PageCache(Slab slab, Tasks tasks, int rowsMax) {
    this.slab = slab;
    this.tasks = tasks;
    this.mutex = tasks.newMutex("page cache");
    this.rowsMax = rowsMax;
  }

  Slab slab() {
    return slab;
  }

  /// Takes a chunk that was just made. Locks of inodes may be held.
  void add(Chunk chunk) {
    mutex.lock();
    try {
      ring.addLast(chunk);
      ringSize = ring.size();
    } finally {
      mutex.unlock();
    }
  }

  int chunks() {
    return ringSize;
  }

  /// A call begins (1) or ends (-1) to keep chunks in memory.
  void keeps(int more) {
    keepers.addAndGet(more);
  }

  /// Waits until there may be memory where [#reserve] found none: a moment when a call keeps some
  /// of it, else until something was stored. Called without locks.
  void awaitMemory(Files.Backpressure backpressure) throws FsException {
    if (keepers.get() > 0) {
      tasks.sleep(KEPT_NANOS);
    } else {
      backpressure.await();
    }
  }

  /// Reserves memory, making room if need be; null when too much of it waits to be stored. Called
  /// without locks.
  @Nullable Reservation reserve(int blocks) {
    if (chunks() > rowsMax) {
      reclaim(0, 8);
    }
    Reservation reservation = Reservation.tryReserve(slab, blocks);
    if (reservation == null) {
      reclaim(blocks, Integer.MAX_VALUE);
      reservation = Reservation.tryReserve(slab, blocks);
    }
    return reservation;
  }

  /// Makes room for rows that are about to be read. Called without locks.
  void reclaimRows(int rows) {
    if (chunks() > rowsMax) {
      reclaim(0, 2 * rows);
    }
  }

  /// Looks at chunks until `blocks` are free, twice round at most.
  private void reclaim(int blocks, int looksMax) {
    int looks = Math.min(looksMax, 2 * chunks() + 1);
    for (int i = 0; i < looks && (blocks == 0 || slab.availableBlocks() < blocks); i++) {
      Chunk chunk = takeFirst();
      if (chunk == null) {
        return;
      }
      if (look(chunk)) {
        add(chunk);
      }
    }
  }

  private @Nullable Chunk takeFirst() {
    mutex.lock();
    try {
      Chunk first = ring.pollFirst();
      ringSize = ring.size();
      return first;
    } finally {
      mutex.unlock();
    }
  }

  /// @return whether the chunk stays
  private boolean look(Chunk chunk) {
    Tasks.SharedMutex lock = chunk.file().node().lock();
    if (!lock.tryLockExclusive()) {
      return true;
    }
    try {
      if (chunk.file().chunk(chunk.index()) != chunk) {
        return false; // Its file was cut or removed.
      }
      if (chunk.isPinned()) {
        return true;
      }
      long referenced = chunk.takeReferenced();
      for (int i = 0; i < ChunkRow.EXTENTS; i++) {
        Page page = chunk.page(i);
        boolean idle = (referenced & 1L << i) == 0;
        if (page != null && page.generation() == CLEAN && idle) {
          chunk.setPage(i, null);
          page.free();
        }
      }
      chunk.takeReferenced();
      if (chunk.pageCount() > 0 || referenced != 0) {
        return true;
      }
      chunk.file().forget(chunk);
      return false;
    } finally {
      lock.unlockExclusive();
    }
  }
}
