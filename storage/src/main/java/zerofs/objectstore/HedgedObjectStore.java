package zerofs.objectstore;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.objectstore.StoreCounters.Request;

/// Sends a request that has become slow once more, and takes whichever answer is there first
/// (docs/adr/0015): most of what is slow at a store is bad luck with one connection or one of its
/// machines. Only what somebody waits for, only up to a MiB, and never more than a share of what is
/// sent anyway.
///
/// For GETs any answer is as good as the other: objects never change, and both were asked within
/// the call. Each has buffers of its own. For PUTs a second one is what a caller sends who got no
/// answer to the first, only sooner: same key, same bytes, create-only. So CREATED means that one
/// of them was applied; EXISTS may be the other one, which the caller finds out by the nonce (Rule
/// EXISTS_IS_READ); and what arrives late arrives as a repeated PUT always could. Those of
/// LogWriter alone are hedged: it settles all that.
///
/// The bytes of a PUT are its caller's again when the call returns. From a PUT that is still under
/// way then they are taken back ([BodyLoan]); nobody waits for its end, and what becomes of it is
/// not told.
///
/// Any thread. The mutex is held for a few instructions, never across a request.
public final class HedgedObjectStore implements ObjectStore {
  /// What clients or their syncs wait for. Everything else has time.
  private static final Set<Cause> GETS = Set.of(Cause.READ, Cause.METADATA, Cause.BARRIER);

  private static final Set<Cause> PUTS = Set.of(Cause.BARRIER);

  private final ObjectStore store;
  private final Tasks tasks;
  private final Tasks.Mutex mutex;
  private final HedgePolicy policy;
  private final Map<Request, AtomicLong> sent = new EnumMap<>(Request.class);
  private final Map<Request, AtomicLong> won = new EnumMap<>(Request.class);

  /// @param share of further requests that may be sent, GETs and PUTs each: 0.05 = one for twenty
  /// @param floorNanos no request is slow before
  /// @param samplesMin of how many the usual time must be known
  /// @param quietNanos how long after a failed request none is sent
  public record Settings(double share, long floorNanos, int samplesMin, long quietNanos) {
    /// Slow is what takes more than 95 % of at least 30 did, and more than 20 ms; 5 seconds after a
    /// failure.
    public static Settings standard(int percent) {
      return new Settings(percent / 100.0, 20_000_000L, 30, 5_000_000_000L);
    }
  }

  public HedgedObjectStore(ObjectStore store, Tasks tasks, Settings settings) {
    this.store = store;
    this.tasks = tasks;
    this.mutex = tasks.newMutex("hedged requests");
    this.policy = new HedgePolicy(settings, tasks.nanoTime());
    for (Request each : Request.values()) {
      sent.put(each, new AtomicLong());
      won.put(each, new AtomicLong());
    }
  }

  /// How many requests of a kind were sent once more.
  public long sent(Request request) {
    return Objects.requireNonNull(sent.get(request)).get();
  }

  /// How many of those answered first.
  public long won(Request request) {
    return Objects.requireNonNull(won.get(request)).get();
  }

  @FunctionalInterface
  private interface Operation<T extends @Nullable Object> {
    /// @param loan of the bytes it sends; null = they stay lent until it returns
    T run(@Nullable BodyLoan loan) throws StorageException;
  }

  private <T extends @Nullable Object> T hedged(
      Request request, long bytes, boolean wanted, Operation<T> operation) throws StorageException {
    long patience = wanted ? patience(request, bytes) : -1;
    if (patience < 0) {
      return alone(request, bytes, operation);
    }
    Race<T> race = new Race<>(request, bytes, operation);
    race.send();
    try {
      if (race.isSlow(patience)) {
        race.send();
      }
      return race.await();
    } finally {
      race.leave();
    }
  }

  private long patience(Request request, long bytes) {
    mutex.lock();
    try {
      return policy.patienceNanos(request, bytes, tasks.nanoTime());
    } finally {
      mutex.unlock();
    }
  }

  /// On the caller's own thread.
  private <T extends @Nullable Object> T alone(Request request, long bytes, Operation<T> operation)
      throws StorageException {
    long started = tasks.nanoTime();
    boolean failed = false;
    boolean answered = false;
    try {
      T answer = operation.run(null);
      answered = true;
      return answer;
    } catch (StorageException e) {
      failed = true;
      throw e;
    } finally {
      mutex.lock();
      try {
        long now = tasks.nanoTime();
        if (failed) {
          policy.failed(now);
        } else if (answered) {
          policy.answered();
          policy.satisfied(request);
          policy.took(request, bytes, now - started, now);
        }
      } finally {
        mutex.unlock();
      }
    }
  }

  /// A request, and perhaps a second one. All guarded by the mutex.
  private final class Race<T extends @Nullable Object> {
    private final Request request;
    private final long bytes;
    private final Operation<T> operation;
    private final Tasks.Signal changed = mutex.newSignal();
    private final List<Attempt<T>> attempts = new ArrayList<>(2);
    private int running;

    /// Whether nobody waits for it any more.
    private boolean left;

    Race(Request request, long bytes, Operation<T> operation) {
      this.request = request;
      this.bytes = bytes;
      this.operation = operation;
    }

    void send() {
      Attempt<T> attempt = new Attempt<>(tasks, request == Request.PUT);
      mutex.lock();
      try {
        attempts.add(attempt);
        running++;
        count(attempts.size() > 1, sent);
      } finally {
        mutex.unlock();
      }
      tasks.fork("request", Tasks.Kind.WAITING, () -> carry(attempt));
    }

    private void carry(Attempt<T> attempt) {
      try {
        if (!isLeft()) {
          attempt.answer = operation.run(attempt.loan);
          attempt.answered = true;
        }
      } catch (StorageException | RuntimeException e) {
        attempt.failure = e;
      } finally {
        end(attempt);
      }
    }

    private boolean isLeft() {
      mutex.lock();
      try {
        return left;
      } finally {
        mutex.unlock();
      }
    }

    private void end(Attempt<T> attempt) {
      mutex.lock();
      try {
        long now = tasks.nanoTime();
        attempt.endedNanos = now;
        attempt.done = true;
        running--;
        if (attempt.answered) {
          policy.answered();
        } else if (!left && attempt.failure instanceof StorageException) {
          policy.failed(now); // One that lost may do as it likes: it is why there are two.
        }
        if (running == 0 && attempts.size() > 1) {
          policy.ended();
        }
        changed.signalAll();
      } finally {
        mutex.unlock();
      }
    }

    /// Whether it is under way still after that time, and may be sent once more.
    boolean isSlow(long patience) {
      mutex.lock();
      try {
        Attempt<T> first = attempts.getFirst();
        long deadline = first.startedNanos + patience;
        while (!first.done && deadline - tasks.nanoTime() > 0) {
          changed.await(deadline - tasks.nanoTime());
        }
        return !first.done && policy.hedge(request, tasks.nanoTime());
      } finally {
        mutex.unlock();
      }
    }

    /// The first answer. A failure is none as long as the other one is under way: that one then is
    /// what its caller would have sent next.
    T await() throws StorageException {
      mutex.lock();
      try {
        while (true) {
          for (Attempt<T> each : attempts) {
            if (each.done && each.answered) {
              note(each);
              return each.answer;
            }
          }
          if (running == 0) {
            throw failure();
          }
          changed.await();
        }
      } finally {
        mutex.unlock();
      }
    }

    private void note(Attempt<T> winner) {
      policy.satisfied(request);
      Attempt<T> first = attempts.getFirst();
      long now = tasks.nanoTime();
      if (!first.done || first.answered) {
        long end = first.done ? first.endedNanos : now;
        policy.took(request, bytes, end - first.startedNanos, now);
      }
      count(winner != first, won);
    }

    private void count(boolean applies, Map<Request, AtomicLong> counts) {
      if (applies) {
        Objects.requireNonNull(counts.get(request)).incrementAndGet();
      }
    }

    /// What is not known of one of two PUTs is not known of the object.
    private StorageException failure() {
      Exception said = attempts.getFirst().failure;
      for (Attempt<T> each : attempts) {
        Exception failure = each.failure;
        if (failure instanceof RuntimeException e) {
          throw e;
        }
        if (failure instanceof StorageException.OutcomeUnknown) {
          said = failure;
        }
      }
      if (said instanceof StorageException e) {
        return e;
      }
      String givenUp = "a " + request + " was given up";
      return request == Request.PUT
          ? new StorageException.OutcomeUnknown(givenUp)
          : new StorageException.Unavailable(givenUp);
    }

    void leave() {
      mutex.lock();
      try {
        left = true;
      } finally {
        mutex.unlock();
      }
      for (Attempt<T> each : attempts) {
        if (each.loan != null) {
          each.loan.takeBack();
        }
      }
    }
  }

  /// One of the requests of a race.
  private static final class Attempt<T extends @Nullable Object> {
    private final long startedNanos;
    private final @Nullable BodyLoan loan;
    private long endedNanos;
    private boolean done;
    private boolean answered;
    private T answer;
    private @Nullable Exception failure;

    @SuppressWarnings("NullAway") // Null until it is answered, whatever its type.
    Attempt(Tasks tasks, boolean lends) {
      startedNanos = tasks.nanoTime();
      loan = lends ? new BodyLoan(tasks) : null;
      answer = null;
    }
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    return this.<@Nullable Fetched>hedged(
        Request.GET, length, GETS.contains(cause), _ -> store.get(key, offset, length, cause));
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return this.<@Nullable Fetched>hedged(
        Request.GET, length, GETS.contains(cause), _ -> store.getSuffix(key, length, cause));
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    return hedged(
        Request.PUT,
        body.bytes(),
        PUTS.contains(cause),
        loan -> store.put(key, loan == null ? body : new Body(body.parts(), loan), cause));
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    store.delete(key, cause);
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    return store.list(prefix, startAfter, limit, cause);
  }

  @Override
  public @Nullable String shortage() {
    return store.shortage();
  }

  @Override
  public void forget(String key, long from, long to) {
    store.forget(key, from, to);
  }

  @Override
  public void close() {
    store.close();
  }
}
