package zerofs.fs.check;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.objectstore.StorageException;

/// Does one thing to many, a few at a time.
final class Parallel {
  private Parallel() {}

  /// What is done to one.
  interface Work<T> {
    void on(T each) throws StorageException;
  }

  /// Returns when all is done; when one fails, the rest is not begun.
  ///
  /// @throws StorageException what failed first
  static <T> void each(Tasks tasks, int workers, List<T> all, Work<T> work)
      throws StorageException {
    AtomicInteger next = new AtomicInteger();
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < Math.min(workers, all.size()); i++) {
      running.add(
          tasks.fork(
              "fsck " + i,
              Tasks.Kind.WAITING,
              () -> {
                int at = next.getAndIncrement();
                while (at < all.size() && failure.get() == null) {
                  try {
                    work.on(all.get(at));
                  } catch (Throwable e) { // Told by who waits for all: else it would look well.
                    failure.compareAndSet(null, e);
                  }
                  at = next.getAndIncrement();
                }
              }));
    }
    running.forEach(Tasks.Task::join);
    switch (failure.get()) {
      case null -> {}
      case StorageException failed -> throw failed;
      case Error failed -> throw failed;
      case RuntimeException failed -> throw failed;
      case Throwable failed -> throw new IllegalStateException(failed);
    }
  }
}
