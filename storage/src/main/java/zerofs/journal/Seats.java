package zerofs.journal;

import java.util.function.BooleanSupplier;
import zerofs.base.Tasks;

/// Where tasks wait for something that many of them wait for at once, mostly each in a seat of its
/// own. In one place they would wake one after the other, each taking the lock that the one before
/// lets go of: on a busy machine that takes longer than an fdatasync.
final class Seats {
  /// More than tasks that usually wait at a time; others share.
  private static final int COUNT = 16;

  private final Tasks.Mutex[] mutexes = new Tasks.Mutex[COUNT];
  private final Tasks.Signal[] signals = new Tasks.Signal[COUNT];

  Seats(Tasks tasks, String name) {
    for (int i = 0; i < COUNT; i++) {
      mutexes[i] = tasks.newMutex(name);
      signals[i] = mutexes[i].newSignal();
    }
  }

  /// Blocks until `done`, which looks at volatile fields only.
  ///
  /// @param number that few of those who wait have in common modulo 16
  void await(long number, BooleanSupplier done) {
    int seat = (int) (number & COUNT - 1);
    mutexes[seat].lock();
    try {
      while (!done.getAsBoolean()) {
        signals[seat].await();
      }
    } finally {
      mutexes[seat].unlock();
    }
  }

  /// Wakes all, after what they wait for has changed.
  void wake() {
    for (int i = 0; i < COUNT; i++) {
      mutexes[i].lock();
      try {
        signals[i].signalAll();
      } finally {
        mutexes[i].unlock();
      }
    }
  }
}
