package zerofs.objectstore;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;
import zerofs.base.Histogram;
import zerofs.base.Tasks;
import zerofs.objectstore.StoreCounters.Request;

/// Counts requests by cause and kind, takes their time, and knows whether the store answers: it
/// does not once a request has failed, and none was answered since that one was sent.
@SuppressWarnings("EnumOrdinal") // Indices of a table in memory, never stored.
public final class TracedObjectStore implements ObjectStore {
  private static final int KINDS = Request.values().length;

  private final ObjectStore store;
  private final Tasks tasks;
  private final AtomicLongArray counts = new AtomicLongArray(Cause.values().length * KINDS);
  private final AtomicLongArray errors = new AtomicLongArray(Cause.values().length * KINDS);
  private final AtomicLongArray troubles = new AtomicLongArray(StoreTrouble.values().length);
  private final AtomicLongArray bytes = new AtomicLongArray(Cause.values().length * KINDS);
  private final Map<Request, Histogram> durations = new EnumMap<>(Request.class);
  private volatile @Nullable String trouble;

  /// When a request was last answered.
  private volatile long answeredNanos;

  public TracedObjectStore(ObjectStore store, Tasks tasks) {
    this.store = store;
    this.tasks = tasks;
    this.answeredNanos = tasks.nanoTime();
    for (Request each : Request.values()) {
      durations.put(each, new Histogram());
    }
  }

  private static int place(Cause cause, Request request) {
    return cause.ordinal() * KINDS + request.ordinal();
  }

  public StoreCounters counters() {
    return new StoreCounters(
        StoreCounters.table((cause, request) -> counts.get(place(cause, request))),
        StoreCounters.table((cause, request) -> errors.get(place(cause, request))),
        StoreCounters.table((cause, request) -> bytes.get(place(cause, request))));
  }

  /// Requests that failed for a reason.
  public long failures(StoreTrouble reason) {
    return troubles.get(reason.ordinal());
  }

  /// How long requests of a kind took, failed ones too.
  public Histogram.Snapshot durations(Request request) {
    return Objects.requireNonNull(durations.get(request)).snapshot();
  }

  /// Why the store is taken not to answer; null when it does.
  public @Nullable String trouble() {
    return trouble;
  }

  @FunctionalInterface
  private interface Operation<T extends @Nullable Object> {
    T run() throws StorageException;
  }

  private <T extends @Nullable Object> T counted(
      Cause cause, Request request, Operation<T> operation) throws StorageException {
    counts.incrementAndGet(place(cause, request));
    long started = tasks.nanoTime();
    try {
      T answer = operation.run();
      answeredNanos = tasks.nanoTime();
      trouble = null;
      return answer;
    } catch (StorageException e) {
      errors.incrementAndGet(place(cause, request));
      troubles.incrementAndGet(e.trouble().ordinal());
      // One that got stuck while the store went on to answer others proves nothing, however late it
      // is given up.
      if (started - answeredNanos >= 0) {
        trouble = String.valueOf(e.getMessage());
      }
      throw e;
    } finally {
      Objects.requireNonNull(durations.get(request)).record(tasks.nanoTime() - started);
    }
  }

  private @Nullable Fetched got(Cause cause, @Nullable Fetched fetched) {
    if (fetched != null) {
      bytes.addAndGet(place(cause, Request.GET), fetched.bytes().remaining());
    }
    return fetched;
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    return got(
        cause,
        this.<@Nullable Fetched>counted(
            cause, Request.GET, () -> store.get(key, offset, length, cause)));
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return got(
        cause,
        this.<@Nullable Fetched>counted(
            cause, Request.GET, () -> store.getSuffix(key, length, cause)));
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    bytes.addAndGet(place(cause, Request.PUT), body.bytes());
    return counted(cause, Request.PUT, () -> store.put(key, body, cause));
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    counted(
        cause,
        Request.DELETE,
        () -> {
          store.delete(key, cause);
          return true;
        });
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    return counted(cause, Request.LIST, () -> store.list(prefix, startAfter, limit, cause));
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
