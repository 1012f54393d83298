package zerofs.objectstore;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// A store that misbehaves by a plan: every way in which a request can go wrong that a caller
/// cannot tell from another one. For tests and simulations.
///
/// What arrives late is carried by tasks of the *network*, which outlive the process that sent it.
public final class FaultyObjectStore implements ObjectStore {
  private final ObjectStore store;
  private final Tasks network;
  private final Plan plan;

  /// What goes wrong with one request.
  public enum Fault {
    NONE,
    /// The store says "later"; nothing is applied.
    BUSY,
    /// The store refuses it, as when keys have expired; nothing is applied.
    REFUSED,
    /// No answer comes, nothing was applied. A read says "later".
    LOST,
    /// It is applied, no answer comes. A read says "later".
    REPLY_LOST,
    /// No answer comes; it is applied some time afterwards. A read says "later".
    LATE,
    /// It takes its time: half of it before it is applied, half until the answer is there.
    SLOW,
    /// A read answers with half the bytes it has. Anything else works.
    TRUNCATED
  }

  /// Decides about requests, one after the other.
  public interface Plan {
    /// What goes wrong with this request. May take time, or let others run.
    Fault next(StoreCounters.Request request, String key, Cause cause);

    /// Nanoseconds after which a LATE request is applied; how long a SLOW one takes.
    long lateness();
  }

  /// @param network tasks on which late requests travel
  public FaultyObjectStore(ObjectStore store, Tasks network, Plan plan) {
    this.store = store;
    this.network = network;
    this.plan = plan;
  }

  @FunctionalInterface
  private interface Write<T> {
    T run() throws StorageException;

    /// The same, with all it needs on its way: whoever sent it may go.
    default Write<T> sent() {
      return this;
    }
  }

  private Fault beforeRead(StoreCounters.Request request, String key, Cause cause)
      throws StorageException {
    Fault fault = plan.next(request, key, cause);
    if (fault == Fault.SLOW) {
      network.sleep(plan.lateness());
      return Fault.NONE;
    }
    if (fault == Fault.REFUSED) {
      throw refused();
    }
    if (fault != Fault.NONE && fault != Fault.TRUNCATED) {
      throw new StorageException.Unavailable("fault: no answer to a read of " + key);
    }
    return fault;
  }

  private static StorageException.Refused refused() {
    return new StorageException.Refused(
        StoreTrouble.CREDENTIALS_EXPIRED, "fault: refused", new IllegalStateException("403"));
  }

  private final class Put implements Write<PutOutcome> {
    private final String key;
    private final Body body;
    private final Cause cause;

    Put(String key, Body body, Cause cause) {
      this.key = key;
      this.body = body;
      this.cause = cause;
    }

    @Override
    public PutOutcome run() throws StorageException {
      return store.put(key, body, cause);
    }

    @Override
    public Write<PutOutcome> sent() {
      return new Put(key, body.copied(key), cause);
    }
  }

  private static @Nullable Fetched delivered(@Nullable Fetched whole, Fault fault) {
    if (whole == null || fault == Fault.NONE) {
      return whole;
    }
    int half = whole.bytes().remaining() / 2;
    return new Fetched(whole.bytes().slice(0, half), whole.objectBytes());
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    Fault fault = beforeRead(StoreCounters.Request.GET, key, cause);
    return delivered(store.get(key, offset, length, cause), fault);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    Fault fault = beforeRead(StoreCounters.Request.GET, key, cause);
    return delivered(store.getSuffix(key, length, cause), fault);
  }

  private <T> T written(StoreCounters.Request request, String key, Cause cause, Write<T> write)
      throws StorageException {
    return switch (plan.next(request, key, cause)) {
      case BUSY -> throw new StorageException.Unavailable("fault: busy, nothing was applied");
      case REFUSED -> throw refused();
      case LOST -> throw new StorageException.OutcomeUnknown("fault: the request was lost");
      case REPLY_LOST -> {
        write.run();
        throw new StorageException.OutcomeUnknown("fault: the reply was lost");
      }
      case LATE -> {
        long nanos = plan.lateness();
        Write<T> sent = write.sent();
        network.fork("late request", Tasks.Kind.WAITING, () -> arriveLate(nanos, sent));
        throw new StorageException.OutcomeUnknown("fault: no reply; it is still on its way");
      }
      case SLOW -> {
        long nanos = plan.lateness();
        Write<T> sent = write.sent();
        network.sleep(nanos / 2);
        T answer = sent.run();
        network.sleep(nanos / 2);
        yield answer;
      }
      case NONE, TRUNCATED -> write.run();
    };
  }

  private void arriveLate(long nanos, Write<?> write) {
    network.sleep(nanos);
    try {
      write.run();
    } catch (StorageException e) {
      network.yieldPoint(); // Nobody waits for the answer any more.
    }
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    return written(StoreCounters.Request.PUT, key, cause, new Put(key, body, cause));
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    written(
        StoreCounters.Request.DELETE,
        key,
        cause,
        () -> {
          store.delete(key, cause);
          return true;
        });
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    beforeRead(StoreCounters.Request.LIST, prefix + "*", cause);
    return store.list(prefix, startAfter, limit, cause);
  }

  @Override
  public @Nullable String shortage() {
    return store.shortage();
  }

  @Override
  public void close() {
    store.close();
  }
}
