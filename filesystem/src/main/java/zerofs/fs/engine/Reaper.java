package zerofs.fs.engine;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongConsumer;
import zerofs.base.Tasks;

/// Removes inodes without names in the background: those that were too large to go in one commit,
/// and those that were open when the process ended. The ORPHAN row of each stays until it is done,
/// so the work goes on over restarts.
final class Reaper {
  private final Tasks tasks;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;
  private final Deque<Long> waiting = new ArrayDeque<>();
  private boolean closed;
  private boolean busy;

  Reaper(Tasks tasks) {
    this.tasks = tasks;
    this.mutex = tasks.newMutex("reaper");
    this.changed = mutex.newSignal();
  }

  /// Starts; `removal` removes one inode, and logs what goes wrong.
  Tasks.Task start(LongConsumer removal) {
    return tasks.fork("reaper", Tasks.Kind.WAITING, () -> run(removal));
  }

  /// Queues an inode. Locks of inodes may be held.
  void add(long inode) {
    mutex.lock();
    try {
      waiting.add(inode);
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  private void run(LongConsumer removal) {
    while (true) {
      long inode;
      mutex.lock();
      try {
        busy = false;
        changed.signalAll();
        while (waiting.isEmpty() && !closed) {
          changed.await();
        }
        if (closed) {
          return;
        }
        inode = waiting.removeFirst();
        busy = true;
      } finally {
        mutex.unlock();
      }
      removal.accept(inode);
    }
  }

  /// Blocks until nothing waits to be removed.
  void awaitIdle() {
    mutex.lock();
    try {
      while ((busy || !waiting.isEmpty()) && !closed) {
        changed.await();
      }
    } finally {
      mutex.unlock();
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
  }
}
