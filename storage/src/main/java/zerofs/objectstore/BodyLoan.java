package zerofs.objectstore;

import java.io.Serial;
import zerofs.base.Tasks;

/// The right of one PUT to read the bytes of its body, which whoever lent them can take back while
/// the PUT is under way: then he needs not wait for its end before he uses their memory again.
///
/// A store reads between [#begin] and [#end], a stretch at a time, and keeps nothing but copies.
/// [#takeBack] waits for the stretch that is being read; after it no byte is read any more, so the
/// PUT is applied with what it has copied, whole, or not at all.
///
/// Any thread may take back; one reads.
final class BodyLoan {
  private final Tasks.Mutex mutex;
  private boolean over;
  private boolean missed;

  BodyLoan(Tasks tasks) {
    mutex = tasks.newMutex("body of a PUT");
  }

  /// Says that a store wanted bytes which were taken back. Nobody waits for the outcome, and the
  /// store is well.
  static final class TakenBack extends RuntimeException {
    @Serial private static final long serialVersionUID = 1;

    TakenBack(String key) {
      super("the body of a PUT of " + key + " was taken back: another one has settled it");
    }
  }

  /// Begins to read a stretch; false when the bytes were taken back.
  boolean begin() {
    mutex.lock();
    if (over) {
      missed = true;
      mutex.unlock();
      return false;
    }
    return true;
  }

  void end() {
    mutex.unlock();
  }

  void takeBack() {
    mutex.lock();
    try {
      over = true;
    } finally {
      mutex.unlock();
    }
  }

  /// Whether somebody wanted to read what was taken back.
  boolean wasMissed() {
    mutex.lock();
    try {
      return missed;
    } finally {
      mutex.unlock();
    }
  }
}
