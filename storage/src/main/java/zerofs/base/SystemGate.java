package zerofs.base;

import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;

/// The JDK's side of [Tasks#newGate]: shared holders count themselves in a stripe of their own.
///
/// Who enters shared adds itself to its stripe, then looks whether the gate is closed. Who enters
/// exclusively closes it, then looks at every stripe until nobody is inside. Each writes before it
/// reads, and both accesses are volatile, so they are in one total order (JLS §17.4.4): of two that
/// meet, at least one sees the other. The one that entered shared then steps back.
///
/// What an earlier holder did is seen by the next one: leaving changes the stripe that an exclusive
/// one reads as zero; leaving exclusively opens `closed`, which a shared one reads as open, or lets
/// go `turn`, which one that stepped back takes.
///
/// Nobody starves. One exclusive at a time holds `turn`; once it has closed the gate, only those
/// inside keep it waiting, and they leave soon. Who stepped back waits for `turn`, and enters while
/// holding it, when nobody can be closing the gate.
final class SystemGate implements Tasks.SharedMutex {
  /// Who is inside stays for a microsecond, so it is looked for first without letting go of the
  /// processor; one that lost its processor is waited for.
  private static final int LOOKS_SPINNING = 200;

  private static final long PARK_NANOS = 20_000;

  private final Tasks tasks;
  private final int stripes;
  private final ReentrantLock turn = new ReentrantLock();

  /// How many are inside, by stripe; the last element is 1 while the gate is closed.
  private final SpacedLongs inside;

  SystemGate(Tasks tasks) {
    this.tasks = tasks;
    this.stripes = tasks.stripes();
    this.inside = new SpacedLongs(stripes + 1);
  }

  private boolean isClosed() {
    return inside.get(stripes) != 0;
  }

  @Override
  public void lockShared() {
    int stripe = tasks.stripe();
    inside.getAndAdd(stripe, 1);
    if (isClosed()) {
      inside.getAndAdd(stripe, -1);
      enterInTurn(stripe);
    }
  }

  private void enterInTurn(int stripe) {
    turn.lock();
    try {
      inside.getAndAdd(stripe, 1);
    } finally {
      turn.unlock();
    }
  }

  @Override
  public boolean tryLockShared() {
    int stripe = tasks.stripe();
    inside.getAndAdd(stripe, 1);
    if (isClosed()) {
      inside.getAndAdd(stripe, -1);
      return false;
    }
    return true;
  }

  @Override
  public void unlockShared() {
    int stripe = tasks.stripe();
    long before = inside.getAndAdd(stripe, -1);
    if (before <= 0) {
      inside.getAndAdd(stripe, 1);
      throw new Checks.InvariantBroken("gate is not held shared");
    }
  }

  @Override
  public void lockExclusive() {
    turn.lock();
    if (turn.getHoldCount() > 1) {
      turn.unlock();
      throw new Checks.InvariantBroken("gate is taken twice by one task");
    }
    inside.set(stripes, 1);
    for (int stripe = 0; stripe < stripes; stripe++) {
      awaitEmpty(stripe);
    }
  }

  private void awaitEmpty(int stripe) {
    for (int looks = 0; inside.get(stripe) != 0; looks++) {
      if (looks < LOOKS_SPINNING) {
        Thread.onSpinWait();
      } else {
        LockSupport.parkNanos(PARK_NANOS);
      }
    }
  }

  @Override
  public boolean tryLockExclusive() {
    if (turn.isHeldByCurrentThread() || !turn.tryLock()) {
      return false;
    }
    inside.set(stripes, 1);
    for (int stripe = 0; stripe < stripes; stripe++) {
      if (inside.get(stripe) != 0) {
        unlockExclusive();
        return false;
      }
    }
    return true;
  }

  @Override
  public void unlockExclusive() {
    if (!turn.isHeldByCurrentThread()) {
      throw new Checks.InvariantBroken("gate is not held exclusively");
    }
    inside.set(stripes, 0);
    turn.unlock();
  }
}
