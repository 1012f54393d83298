package zerofs.base;

import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.AbstractQueuedSynchronizer;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;

/// Tasks as the JDK has them: virtual threads to wait, platform threads to compute. Interrupts are
/// not used: waits go on.
public final class SystemTasks implements Tasks {
  /// More stripes than processors: threads fall into them by their number, a few into the same one.
  private static final int STRIPES_PER_PROCESSOR = 8;

  private static final int STRIPES_MAX = 64;
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;

  private final BiConsumer<String, Throwable> uncaught;
  private final int stripeBits;

  /// @param uncaught told the name of a task and what escaped it
  public SystemTasks(BiConsumer<String, Throwable> uncaught) {
    this.uncaught = uncaught;
    int wanted = STRIPES_PER_PROCESSOR * Runtime.getRuntime().availableProcessors();
    this.stripeBits =
        Integer.SIZE - Integer.numberOfLeadingZeros(Math.min(STRIPES_MAX, wanted) - 1);
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public long wallNanos() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  @Override
  public Task fork(String name, Kind kind, Runnable body) {
    CountDownLatch done = new CountDownLatch(1);
    Runnable guarded =
        () -> {
          try {
            body.run();
          } catch (Throwable e) {
            uncaught.accept(name, e);
          } finally {
            done.countDown();
          }
        };
    switch (kind) {
      case WAITING -> Thread.ofVirtual().name(name).start(guarded);
      case COMPUTING -> Thread.ofPlatform().name(name).daemon().start(guarded);
    }
    return new SystemTask(done);
  }

  private record SystemTask(CountDownLatch done) implements Task {
    @Override
    public void join() {
      boolean ended = false;
      while (!ended) {
        try {
          done.await();
          ended = true;
        } catch (InterruptedException e) {
          // Not used: wait on.
        }
      }
    }

    @Override
    public boolean isDone() {
      return done.getCount() == 0;
    }
  }

  @Override
  public void sleep(long nanos) {
    long end = System.nanoTime() + nanos;
    for (long left = nanos; left > 0; left = end - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  @Override
  public void yieldPoint() {
    Thread.onSpinWait();
  }

  @Override
  public Mutex newMutex(String name) {
    return new SystemMutex(name);
  }

  @Override
  public SharedMutex newSharedMutex(String name) {
    return new SystemSharedMutex();
  }

  @Override
  public SharedMutex newGate(String name) {
    return new SystemGate(this);
  }

  @Override
  public int stripes() {
    return 1 << stripeBits;
  }

  @Override
  public int stripe() {
    return (int) (Thread.currentThread().threadId() * GOLDEN >>> Long.SIZE - stripeBits);
  }

  private static final class SystemMutex implements Mutex {
    private final ReentrantLock lock = new ReentrantLock();
    private final String name;

    SystemMutex(String name) {
      this.name = name;
    }

    @Override
    public void lock() {
      lock.lock();
      requireSingle();
    }

    @Override
    public boolean tryLock() {
      boolean locked = lock.tryLock();
      if (locked) {
        requireSingle();
      }
      return locked;
    }

    private void requireSingle() {
      if (lock.getHoldCount() > 1) {
        lock.unlock();
        throw new Checks.InvariantBroken("mutex '" + name + "' is taken twice by one task");
      }
    }

    @Override
    public void unlock() {
      lock.unlock();
    }

    @Override
    public boolean isHeldByCurrentTask() {
      return lock.isHeldByCurrentThread();
    }

    @Override
    public Signal newSignal() {
      return new SystemSignal(lock.newCondition());
    }
  }

  /// Wake-ups may be spurious: callers loop.
  @SuppressWarnings("WaitNotInLoop")
  private record SystemSignal(Condition condition) implements Signal {
    @Override
    public void await() {
      condition.awaitUninterruptibly();
    }

    @Override
    public boolean await(long nanos) {
      try {
        return condition.await(nanos, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        return true; // Not used; a wake-up may be spurious.
      }
    }

    @Override
    public void signalAll() {
      condition.signalAll();
    }
  }

  private static final class SystemSharedMutex implements SharedMutex {
    private final SharedSync sync = new SharedSync();

    @Override
    public void lockShared() {
      sync.acquireShared(1);
    }

    @Override
    public boolean tryLockShared() {
      return sync.tryShare();
    }

    @Override
    public void unlockShared() {
      sync.releaseShared(1);
    }

    @Override
    public void lockExclusive() {
      sync.acquire(1);
    }

    @Override
    public boolean tryLockExclusive() {
      return sync.tryAcquire(1);
    }

    @Override
    public void unlockExclusive() {
      sync.release(1);
    }
  }

  /// The state is the number of sharers, or EXCLUSIVE. Who comes to share queues behind those that
  /// wait already: the JDK's StampedLock lets sharers in as long as one is inside, so two readers
  /// that take turns keep a writer out for good.
  @SuppressWarnings("serial") // Not serialized.
  private static final class SharedSync extends AbstractQueuedSynchronizer {
    private static final int EXCLUSIVE = -1;

    /// Room, so that the states of two locks made one after the other are not in one pair of cache
    /// lines: two threads, each writing its own file, took twice as long.
    @SuppressWarnings("unused")
    private long p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, pa, pb, pc, pd, pe, pf;

    boolean tryShare() {
      while (true) {
        int now = getState();
        if (now == EXCLUSIVE) {
          return false;
        }
        if (compareAndSetState(now, now + 1)) {
          return true;
        }
      }
    }

    @Override
    protected int tryAcquireShared(int ignored) {
      return !hasQueuedPredecessors() && tryShare() ? 1 : -1;
    }

    @Override
    protected boolean tryReleaseShared(int ignored) {
      while (true) {
        int now = getState();
        if (now <= 0) {
          throw new Checks.InvariantBroken("shared lock is not held");
        }
        if (compareAndSetState(now, now - 1)) {
          return now == 1;
        }
      }
    }

    @Override
    protected boolean tryAcquire(int ignored) {
      return compareAndSetState(0, EXCLUSIVE);
    }

    @Override
    protected boolean tryRelease(int ignored) {
      if (getState() != EXCLUSIVE) {
        throw new Checks.InvariantBroken("exclusive lock is not held");
      }
      setState(0);
      return true;
    }
  }
}
