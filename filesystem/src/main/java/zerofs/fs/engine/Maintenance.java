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
final class Maintenance {
  private static final long RETRY_NANOS = 2_000_000_000L;

  private final Tasks tasks;
  private final LsmTree tree;
  private final ManifestAuthor author;
  private final int epoch;
  private final Settings settings;
  private final SpaceUsage usage;
  private final AtomicLong tableNumber = new AtomicLong();
  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;
  private final Tasks.Mutex working;
  private Tasks.@Nullable Task task;
  private boolean closed;
  private boolean failed;

  /// @param flushObjects log objects after which rows are flushed
  /// @param flushBytes bytes of rows after which they are
  record Settings(int flushObjects, long flushBytes) {}

  Maintenance(
      Tasks tasks,
      LsmTree tree,
      ManifestAuthor author,
      int epoch,
      Settings settings,
      SpaceUsage usage) {
    this.tasks = tasks;
    this.tree = tree;
    this.author = author;
    this.epoch = epoch;
    this.settings = settings;
    this.usage = usage;
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
      LsmTree.Flushed flushed = tree.flush(epoch, tableNumber::incrementAndGet);
      if (flushed == null) {
        return;
      }
      List<RunDescriptor> runs = new ArrayList<>();
      if (!flushed.run().tables().isEmpty()) {
        runs.add(flushed.run());
      }
      runs.addAll(tree.storedRuns());
      author.publish(runs, flushed.mark(), flushed.markSequence(), Cause.FLUSH);
      tree.install(runs, flushed.mark());
      failed = false;
    } finally {
      working.unlock();
    }
  }

  /// Not while the store is short of space: a merge takes more before it could free any.
  private void compactWhileDue() throws StorageException {
    while (!closed && !usage.isStoreShort()) {
      working.lock();
      try {
        List<RunDescriptor> runs = tree.compact(epoch, tableNumber::incrementAndGet);
        if (runs == null) {
          return;
        }
        author.publish(
            runs, author.newest().mark(), author.newest().markSequence(), Cause.COMPACTION);
        tree.install(runs, author.newest().mark());
      } finally {
        working.unlock();
      }
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
