package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import zerofs.base.Tasks;
import zerofs.lsm.LsmTree;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.StorageException;

/// Fetches metadata before anybody asks for it, so that the first lookups after a start do not wait
/// for one request each. Some requests side by side, newest tables first, as far as the memory for
/// it reaches. What fails is left to whoever needs it.
final class Warmup {
  private static final int WORKERS = 4;

  private final Tasks tasks;
  private final LsmTree tree;
  private final Tasks.Mutex mutex;
  private final List<Tasks.Task> workers = new ArrayList<>();
  private volatile boolean closed;

  Warmup(Tasks tasks, LsmTree tree) {
    this.tasks = tasks;
    this.tree = tree;
    this.mutex = tasks.newMutex("warm-up");
  }

  /// Begins, unless it is closed. Once.
  ///
  /// @param withBlocks of rows, not only filters and indexes
  void start(boolean withBlocks) {
    List<TableDescriptor> tables = tree.storedTables();
    AtomicInteger next = new AtomicInteger();
    mutex.lock();
    try {
      for (int i = 0; !closed && i < Math.min(WORKERS, tables.size()); i++) {
        workers.add(tasks.fork("warm-up", Tasks.Kind.WAITING, () -> run(tables, next, withBlocks)));
      }
    } finally {
      mutex.unlock();
    }
  }

  private void run(List<TableDescriptor> tables, AtomicInteger next, boolean withBlocks) {
    try {
      boolean hasRoom = true;
      while (hasRoom) {
        int mine = next.getAndIncrement();
        hasRoom = mine < tables.size() && tree.warm(tables.get(mine), withBlocks, () -> !closed);
      }
    } catch (StorageException e) {
      // The store is away, or a compaction has replaced the table.
      tasks.yieldPoint();
    }
  }

  /// No request begins from now on.
  void close() {
    mutex.lock();
    try {
      closed = true;
    } finally {
      mutex.unlock();
    }
  }

  /// Blocks until none is under way; after [#close].
  void join() {
    workers.forEach(Tasks.Task::join);
  }
}
