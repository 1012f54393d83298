package zerofs.base;

/// Threads, locks, waits and time of one process: the seam through which the whole engine can run
/// in a seeded, single-stepped simulation. Nothing else in the engine starts a thread, takes a
/// lock, sleeps or reads a clock.
///
/// Two implementations: [SystemTasks] (the JDK's) and [SimulatedTasks] (one task runs at a time, a
/// seed picks which, time is virtual). Locks are not reentrant in either.
public interface Tasks {
  /// What a task does, and so what kind of thread carries it.
  enum Kind {
    /// Mostly waits: for the store, for a barrier, for a client. A virtual thread.
    WAITING,
    /// Computes for long, or blocks in native calls. A platform thread.
    COMPUTING
  }

  /// Monotonic time, in nanoseconds from an arbitrary origin.
  long nanoTime();

  /// Wall clock: nanoseconds since 1970-01-01T00:00Z. May jump; nothing but timestamps and reports
  /// may depend on it.
  long wallNanos();

  /// Starts `body`. An exception that escapes it goes to the handler given at construction.
  Task fork(String name, Kind kind, Runnable body);

  /// Waits for at least `nanos`.
  void sleep(long nanos);

  /// A place where the simulation may switch tasks; nothing in production.
  void yieldPoint();

  Mutex newMutex(String name);

  SharedMutex newSharedMutex(String name);

  /// A shared mutex for a few instructions that nobody waits in. Entering it shared touches no
  /// memory that those of another stripe change; entering it exclusively looks at all stripes. The
  /// task that entered leaves.
  SharedMutex newGate(String name);

  /// Into how many stripes tasks are divided: a power of two, always the same.
  int stripes();

  /// The stripe of the task that runs, always the same. Tasks that run at the same time mostly have
  /// different ones, so what each stripe has for itself does not move between processors.
  int stripe();

  /// A task that was forked.
  interface Task {
    /// Waits for its end.
    void join();

    boolean isDone();
  }

  /// Mutual exclusion. Not reentrant.
  interface Mutex {
    void lock();

    boolean tryLock();

    void unlock();

    boolean isHeldByCurrentTask();

    /// A new condition of this mutex.
    Signal newSignal();
  }

  /// A condition: its methods are called with its mutex held. Wake-ups may be spurious.
  interface Signal {
    void await();

    /// Waits at most `nanos`; false when the time ran out first.
    boolean await(long nanos);

    void signalAll();
  }

  /// One exclusive holder or many shared ones. Not reentrant, no upgrade. A waiting exclusive
  /// acquirer is preferred to later shared ones, so it cannot starve.
  interface SharedMutex {
    void lockShared();

    boolean tryLockShared();

    void unlockShared();

    void lockExclusive();

    boolean tryLockExclusive();

    void unlockExclusive();
  }
}
