package zerofs.base;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;

/// Tasks under one seeded scheduler, in virtual time: exactly one runs at any moment, a seed picks
/// which goes on at every wait, lock, fork and yield point, and time moves only when nobody can
/// run, to the earliest timed wait. One seed is one history: [#digest] tells whether two runs took
/// the same one.
///
/// A task belongs to a group, inherited by what it forks: [#kill] stops a group for good, as a
/// crash of one process does, [#suspend] lets it sleep. What a killed task held stays held; its
/// group's locks are its own.
///
/// Locks are watched: taking two of them in both orders fails ([LockOrder]).
///
/// State is touched only by the task that runs, or before [#run]; the hand-over orders memory.
public final class SimulatedTasks implements Tasks {
  private static final long WALL_START_NANOS = 1_700_000_000_000_000_000L;
  private static final int STRIPES = 4;

  private final SplittableRandom random;
  private final List<SimulatedTask> runnable = new ArrayList<>();
  private final List<SimulatedTask> living = new ArrayList<>();
  private final Set<String> suspended = new HashSet<>();
  private final PriorityQueue<SimulatedTask> timed =
      new PriorityQueue<>(
          Comparator.comparingLong((SimulatedTask task) -> task.deadline)
              .thenComparingLong(task -> task.number));
  private final Semaphore ended = new Semaphore(0);
  private final LockOrder order = new LockOrder();
  private @Nullable SimulatedTask current;
  private @Nullable Throwable failure;
  private long now;
  private long digest;
  private long steps;
  private long created;

  public SimulatedTasks(long seed) {
    random = new SplittableRandom(seed);
  }

  private final class SimulatedTask implements Task {
    private final long number = created++;
    private final String name;
    private final String group;
    private final Semaphore baton = new Semaphore(0);
    private final List<SimulatedTask> joiners = new ArrayList<>();

    /// Names of the locks that it holds.
    private final List<String> held = new ArrayList<>();

    private boolean done;
    private boolean killed;
    private boolean waiting;
    private boolean timedOut;
    private long deadline;
    private String waitsFor = "";

    SimulatedTask(String name, String group) {
      this.name = name;
      this.group = group;
    }

    @Override
    public void join() {
      while (!done) {
        joiners.add(running());
        block("the end of " + name);
      }
    }

    @Override
    public boolean isDone() {
      return done;
    }
  }

  /// Runs `main` as the first task, until it ends; then all others are stopped where they are.
  ///
  /// @throws IllegalStateException when an exception escaped a task, or nobody could run any more
  public void run(Runnable main) {
    SimulatedTask first = create("main", "main", main);
    runnable.remove(first);
    current = first;
    first.baton.release();
    ended.acquireUninterruptibly();
    Throwable failed = failure;
    if (failed != null) {
      throw new IllegalStateException(
          "simulation failed after " + steps + " steps: " + failed, failed);
    }
  }

  /// A view whose forks belong to another group: one simulated process.
  public Tasks group(String group) {
    return new Group(group);
  }

  /// Stops a group for good.
  public void kill(String group) {
    for (SimulatedTask each : living) {
      if (each.group.equals(group)) {
        each.killed = true;
      }
    }
    living.removeIf(task -> task.killed);
    runnable.removeIf(task -> task.killed);
    timed.removeIf(task -> task.killed);
  }

  /// Lets a group sleep until [#resume]; its timed waits run out meanwhile.
  public void suspend(String group) {
    suspended.add(group);
  }

  public void resume(String group) {
    suspended.remove(group);
  }

  /// A hash of all choices so far.
  public long digest() {
    return digest;
  }

  /// How often a choice was made.
  public long steps() {
    return steps;
  }

  /// Names of the locks that the task that runs holds.
  public List<String> heldLocks() {
    return List.copyOf(running().held);
  }

  private void taken(String lock) {
    running().held.add(lock);
  }

  private void letGo(String lock) {
    List<String> held = running().held;
    int last = held.lastIndexOf(lock);
    if (last >= 0) { // Else another task had taken it.
      held.remove(last);
    }
  }

  private SimulatedTask running() {
    SimulatedTask task = current;
    if (task == null) {
      throw new IllegalStateException("not inside run()");
    }
    return task;
  }

  private SimulatedTask create(String name, String group, Runnable body) {
    SimulatedTask task = new SimulatedTask(name, group);
    living.add(task);
    runnable.add(task);
    Thread.ofVirtual().name(name).start(() -> carry(task, body));
    return task;
  }

  private void carry(SimulatedTask task, Runnable body) {
    task.baton.acquireUninterruptibly();
    try {
      body.run();
    } catch (Throwable e) {
      if (failure == null) {
        failure = e;
      }
    }
    task.done = true;
    living.remove(task);
    task.joiners.forEach(this::wake);
    if (task.number == 0 || failure != null) {
      ended.release();
      return;
    }
    SimulatedTask next = choose();
    if (next != null) {
      current = next;
      next.baton.release();
    }
  }

  private void wake(SimulatedTask task) {
    if (task.waiting && !task.killed) {
      task.waiting = false;
      timed.remove(task);
      runnable.add(task);
    }
  }

  /// The next task to run; null when the simulation has failed.
  private @Nullable SimulatedTask choose() {
    while (true) {
      List<SimulatedTask> awake =
          suspended.isEmpty()
              ? runnable
              : runnable.stream().filter(task -> !suspended.contains(task.group)).toList();
      if (!awake.isEmpty()) {
        SimulatedTask next = awake.get(random.nextInt(awake.size()));
        runnable.remove(next);
        steps++;
        digest = (digest ^ next.number) * 0x100000001b3L + now;
        return next;
      }
      SimulatedTask earliest = timed.poll();
      if (earliest == null) {
        failure = new IllegalStateException("nobody can run: " + report());
        ended.release();
        return null;
      }
      now = Math.max(now, earliest.deadline);
      earliest.timedOut = true;
      earliest.waiting = false;
      runnable.add(earliest);
    }
  }

  private String report() {
    StringBuilder out = new StringBuilder();
    for (SimulatedTask each : living) {
      out.append(each.group).append('/').append(each.name);
      out.append(" waits for ").append(each.waitsFor).append("; ");
    }
    return out.toString();
  }

  /// Waits until it is woken.
  private void block(String what) {
    SimulatedTask self = running();
    self.waiting = true;
    self.timedOut = false;
    self.waitsFor = what;
    switchFrom(self);
  }

  /// Waits until it is woken or time runs out; false when it ran out.
  private boolean block(String what, long nanos) {
    SimulatedTask self = running();
    self.deadline = now + Math.max(1, nanos);
    timed.add(self);
    block(what);
    return !self.timedOut;
  }

  private void switchFrom(SimulatedTask self) {
    SimulatedTask next = choose();
    if (next == self) {
      return;
    }
    if (next != null) {
      current = next;
      next.baton.release();
    }
    self.baton.acquireUninterruptibly(); // For ever, if it is killed meanwhile.
  }

  @Override
  public long nanoTime() {
    return now;
  }

  @Override
  public long wallNanos() {
    return WALL_START_NANOS + now;
  }

  @Override
  public Task fork(String name, Kind kind, Runnable body) {
    return forkIn(running().group, name, body);
  }

  private Task forkIn(String group, String name, Runnable body) {
    SimulatedTask task = create(name, group, body);
    yieldPoint();
    return task;
  }

  @Override
  public void sleep(long nanos) {
    block("time", nanos);
  }

  @Override
  public void yieldPoint() {
    SimulatedTask self = running();
    runnable.add(self);
    switchFrom(self);
  }

  @Override
  public Mutex newMutex(String name) {
    return new SimulatedMutex(name);
  }

  @Override
  public SharedMutex newSharedMutex(String name) {
    return new SimulatedSharedMutex(name);
  }

  @Override
  public SharedMutex newGate(String name) {
    return new SimulatedSharedMutex(name);
  }

  @Override
  public int stripes() {
    return STRIPES;
  }

  @Override
  public int stripe() {
    return (int) (running().number % STRIPES);
  }

  private final class SimulatedMutex implements Mutex {
    private final String name;
    private final List<SimulatedTask> waiters = new ArrayList<>();
    private @Nullable SimulatedTask owner;

    SimulatedMutex(String name) {
      this.name = name;
    }

    @Override
    public void lock() {
      yieldPoint();
      Checks.invariant(owner != running(), "mutex '" + name + "' is taken twice by one task");
      order.waitsFor(name, running().held);
      while (owner != null) {
        waiters.add(running());
        block("mutex " + name);
      }
      owner = running();
      taken(name);
    }

    @Override
    public boolean tryLock() {
      yieldPoint();
      if (owner != null) {
        return false;
      }
      owner = running();
      taken(name);
      return true;
    }

    @Override
    public void unlock() {
      Checks.invariant(owner == running(), "mutex '" + name + "' is not held");
      owner = null;
      letGo(name);
      List<SimulatedTask> woken = List.copyOf(waiters);
      waiters.clear();
      woken.forEach(SimulatedTasks.this::wake);
    }

    @Override
    public boolean isHeldByCurrentTask() {
      return owner == running();
    }

    @Override
    public Signal newSignal() {
      return new SimulatedSignal(this);
    }
  }

  private final class SimulatedSignal implements Signal {
    private final SimulatedMutex mutex;
    private final List<SimulatedTask> waiters = new ArrayList<>();

    SimulatedSignal(SimulatedMutex mutex) {
      this.mutex = mutex;
    }

    @Override
    public void await() {
      mutex.unlock();
      waiters.add(running());
      block("signal of " + mutex.name);
      mutex.lock();
    }

    @Override
    public boolean await(long nanos) {
      mutex.unlock();
      waiters.add(running());
      boolean signalled = block("signal of " + mutex.name, nanos);
      waiters.remove(running());
      mutex.lock();
      return signalled;
    }

    @Override
    public void signalAll() {
      List<SimulatedTask> woken = List.copyOf(waiters);
      waiters.clear();
      woken.forEach(SimulatedTasks.this::wake);
    }
  }

  private final class SimulatedSharedMutex implements SharedMutex {
    private final String name;
    private final List<SimulatedTask> waiters = new ArrayList<>();
    private int shared;
    private int exclusiveWaiting;
    private boolean exclusive;

    SimulatedSharedMutex(String name) {
      this.name = name;
    }

    private void awaitChange() {
      waiters.add(running());
      block(name);
    }

    private void changed() {
      List<SimulatedTask> woken = List.copyOf(waiters);
      waiters.clear();
      woken.forEach(SimulatedTasks.this::wake);
    }

    @Override
    public void lockShared() {
      yieldPoint();
      order.waitsFor(name, running().held);
      // As the real one: so who takes it twice, with a writer between, is found out here.
      while (exclusive || exclusiveWaiting > 0) {
        awaitChange();
      }
      shared++;
      taken(name);
    }

    @Override
    public boolean tryLockShared() {
      yieldPoint();
      if (exclusive) {
        return false;
      }
      shared++;
      taken(name);
      return true;
    }

    @Override
    public void unlockShared() {
      Checks.invariant(shared > 0, "shared lock is not held");
      shared--;
      letGo(name);
      changed();
    }

    @Override
    public void lockExclusive() {
      yieldPoint();
      order.waitsFor(name, running().held);
      exclusiveWaiting++;
      while (exclusive || shared > 0) {
        awaitChange();
      }
      exclusiveWaiting--;
      exclusive = true;
      taken(name);
    }

    @Override
    public boolean tryLockExclusive() {
      yieldPoint();
      if (exclusive || shared > 0) {
        return false;
      }
      exclusive = true;
      taken(name);
      return true;
    }

    @Override
    public void unlockExclusive() {
      Checks.invariant(exclusive, "exclusive lock is not held");
      exclusive = false;
      letGo(name);
      changed();
    }
  }

  /// One simulated process.
  private final class Group implements Tasks {
    private final String group;

    Group(String group) {
      this.group = group;
    }

    @Override
    public long nanoTime() {
      return SimulatedTasks.this.nanoTime();
    }

    @Override
    public long wallNanos() {
      return SimulatedTasks.this.wallNanos();
    }

    @Override
    public Task fork(String name, Kind kind, Runnable body) {
      return forkIn(group, name, body);
    }

    @Override
    public void sleep(long nanos) {
      SimulatedTasks.this.sleep(nanos);
    }

    @Override
    public void yieldPoint() {
      SimulatedTasks.this.yieldPoint();
    }

    @Override
    public Mutex newMutex(String name) {
      return SimulatedTasks.this.newMutex(name);
    }

    @Override
    public SharedMutex newSharedMutex(String name) {
      return SimulatedTasks.this.newSharedMutex(name);
    }

    @Override
    public SharedMutex newGate(String name) {
      return SimulatedTasks.this.newGate(name);
    }

    @Override
    public int stripes() {
      return SimulatedTasks.this.stripes();
    }

    @Override
    public int stripe() {
      return SimulatedTasks.this.stripe();
    }
  }
}
