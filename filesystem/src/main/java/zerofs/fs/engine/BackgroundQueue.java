package zerofs.fs.engine;

import java.util.LinkedHashSet;
import java.util.SequencedSet;
import java.util.function.Consumer;
import zerofs.base.Tasks;

/// Work that nobody waits for: one task does it, piece by piece, in the order in which it was asked
/// for; the same piece waits only once.
///
/// @param <T> a piece of work; equal = the same
final class BackgroundQueue<T> {
  private final Tasks tasks;
  private final String name;
  private final int waitingMax;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;
  private final SequencedSet<T> waiting = new LinkedHashSet<>();
  private volatile boolean closed;
  private boolean busy;

  /// @param waitingMax more than so many pieces are not kept: for work that is found again
  BackgroundQueue(Tasks tasks, String name, int waitingMax) {
    this.tasks = tasks;
    this.name = name;
    this.waitingMax = waitingMax;
    this.mutex = tasks.newMutex(name);
    this.changed = mutex.newSignal();
  }

  /// Starts; `work` does one piece, and deals with what goes wrong.
  Tasks.Task start(Consumer<T> work) {
    return tasks.fork(name, Tasks.Kind.WAITING, () -> run(work));
  }

  /// Queues a piece. Locks of inodes may be held.
  void add(T piece) {
    mutex.lock();
    try {
      if (waiting.size() < waitingMax && waiting.add(piece)) {
        changed.signalAll();
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Whether a long piece should end early.
  boolean isClosed() {
    return closed;
  }

  private void run(Consumer<T> work) {
    while (true) {
      T piece;
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
        piece = waiting.removeFirst();
        busy = true;
      } finally {
        mutex.unlock();
      }
      work.accept(piece);
    }
  }

  /// Blocks until nothing waits.
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
