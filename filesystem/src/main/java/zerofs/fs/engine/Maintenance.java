package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.log.ManifestAuthor;
import zerofs.lsm.LsmTree;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Flushes rows in memory to sorted runs in the store, and merges those: one task, which alone
/// writes manifests. With nothing to do it makes no request.
///
/// A compaction may take minutes, and rows come meanwhile: so it gives way to a flush that is due
/// before each of its reads, and between two of its tables to a compaction of what flushes add.
/// When they are behind all the same, writers wait ([#isBehind]).
final class Maintenance implements LsmTree.Pause {
  /// How often the size of a flush may wait in memory: what comes while one is written fits.
  private static final int BEHIND = 2;

  private static final long RETRY_NANOS = 2_000_000_000L;

  private final Tasks tasks;
  private final LsmTree tree;
  private final ManifestAuthor author;
  private final int epoch;
  private final Settings settings;
  private final SpaceUsage usage;
  private final Runnable flushed;
  private final AtomicLong tableNumber = new AtomicLong();
  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;
  private final Tasks.Mutex working;
  private Tasks.@Nullable Task task;
  private volatile boolean closed;
  private boolean failed;

  /// @param flushObjects log objects after which rows are flushed
  /// @param flushBytes bytes of rows after which they are
  record Settings(int flushObjects, long flushBytes) {}

  /// @param flushed told after each flush

  Maintenance(
      Tasks tasks,
      LsmTree tree,
      ManifestAuthor author,
      int epoch,
      Settings settings,
      SpaceUsage usage,
      Runnable flushed) {
    this.tasks = tasks;
    this.tree = tree;
    this.author = author;
    this.epoch = epoch;
    this.settings = settings;
    this.usage = usage;
    this.flushed = flushed;
    this.mutex = tasks.newMutex("maintenance");
    this.changed = mutex.newSignal();
    this.working = tasks.newMutex("maintenance work");
  }

  void start() {
    task = tasks.fork("maintenance", Tasks.Kind.WAITING, this::run);
  }

  /// Another log object counts as stored.
  void stored() {
    if (isDue()) {
      mutex.lock();
      try {
        changed.signalAll();
      } finally {
        mutex.unlock();
      }
    }
  }

  private boolean isDue() {
    return tree.unflushedObjects() >= settings.flushObjects()
        || tree.unflushedBytes() >= settings.flushBytes();
  }

  /// Whether so many rows wait in memory that no more should come.
  boolean isBehind() {
    return tree.unflushedBytes() >= BEHIND * settings.flushBytes();
  }

  private void run() {
    while (awaitWork()) {
      try {
        flushNow();
        compactWhileDue();
      } catch (StorageException.Fenced | StorageException.Closed e) {
        return;
      } catch (StorageException e) {
        // The log holds everything; what could not be flushed is tried again.
        awaitRetry();
      }
    }
  }

  private boolean awaitWork() {
    mutex.lock();
    try {
      while (!closed && !isDue()) {
        changed.await();
      }
      return !closed;
    } finally {
      mutex.unlock();
    }
  }

  private void awaitRetry() {
    mutex.lock();
    try {
      failed = true;
      if (!closed) {
        changed.await(RETRY_NANOS);
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Whether the last try failed.
  boolean hasFailed() {
    return failed;
  }

  /// Flushes everything that counts as stored: rows come to the tree only then (Rule
  /// FLUSH_STORED_ONLY).
  void flushNow() throws StorageException {
    working.lock();
    try {
      flush();
    } finally {
      working.unlock();
    }
  }

  private void flush() throws StorageException {
    LsmTree.Flushed rows = tree.flush(epoch, tableNumber::incrementAndGet);
    if (rows == null) {
      return;
    }
    List<RunDescriptor> runs = new ArrayList<>();
    if (!rows.run().tables().isEmpty()) {
      runs.add(rows.run());
    }
    runs.addAll(tree.storedRuns());
    author.publish(runs, rows.mark(), rows.markSequence(), Cause.FLUSH);
    tree.install(runs, rows.mark());
    failed = false;
    flushed.run();
  }

  private void compactWhileDue() throws StorageException {
    boolean more = true;
    while (more) {
      working.lock();
      try {
        more = compact();
      } finally {
        working.unlock();
      }
    }
  }

  /// Not while the store is short of space: a merge takes more before it could free any.
  ///
  /// @return whether another may be due
  private boolean compact() throws StorageException {
    if (closed || usage.isStoreShort()) {
      return false;
    }
    List<RunDescriptor> runs = tree.compact(epoch, tableNumber::incrementAndGet, this);
    if (runs == null) {
      return false;
    }
    author.publish(runs, author.newest().mark(), author.newest().markSequence(), Cause.COMPACTION);
    tree.install(runs, author.newest().mark());
    return true;
  }

  @Override
  public void beforeRead() throws StorageException {
    if (closed) {
      throw new StorageException.Closed("the volume is closed");
    }
    if (isDue()) {
      flush();
    }
  }

  @Override
  public void beforeTable() throws StorageException {
    beforeRead();
    while (compact()) {
      // Else the runs that flushes add meanwhile would slow every lookup down.
    }
  }

  void close() {
    mutex.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
    if (task != null) {
      task.join();
    }
  }
}
