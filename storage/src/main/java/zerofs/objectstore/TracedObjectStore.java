package zerofs.objectstore;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StoreCounters.Request;

/// Counts requests by cause and kind, and knows whether the last one failed.
@SuppressWarnings("EnumOrdinal") // Indices of a table in memory, never stored.
public final class TracedObjectStore implements ObjectStore {
  private static final int KINDS = Request.values().length;

  private final ObjectStore store;
  private final AtomicLongArray counts = new AtomicLongArray(Cause.values().length * KINDS);
  private final LongAdder bytesPut = new LongAdder();
  private final LongAdder bytesGot = new LongAdder();
  private final LongAdder errors = new LongAdder();
  private volatile @Nullable String trouble;

  public TracedObjectStore(ObjectStore store) {
    this.store = store;
  }

  public StoreCounters counters() {
    Map<Cause, Map<Request, Long>> requests = new EnumMap<>(Cause.class);
    for (Cause cause : Cause.values()) {
      Map<Request, Long> row = new EnumMap<>(Request.class);
      for (Request request : Request.values()) {
        row.put(request, counts.get(cause.ordinal() * KINDS + request.ordinal()));
      }
      requests.put(cause, row);
    }
    return new StoreCounters(requests, bytesPut.sum(), bytesGot.sum(), errors.sum());
  }

  /// Why the last request to end failed; null when it did not.
  public @Nullable String trouble() {
    return trouble;
  }

  @FunctionalInterface
  private interface Operation<T extends @Nullable Object> {
    T run() throws StorageException;
  }

  private <T extends @Nullable Object> T counted(
      Cause cause, Request request, Operation<T> operation) throws StorageException {
    counts.incrementAndGet(cause.ordinal() * KINDS + request.ordinal());
    try {
      T answer = operation.run();
      trouble = null;
      return answer;
    } catch (StorageException e) {
      errors.increment();
      trouble = String.valueOf(e.getMessage());
      throw e;
    }
  }

  private @Nullable Fetched got(@Nullable Fetched fetched) {
    if (fetched != null) {
      bytesGot.add(fetched.bytes().remaining());
    }
    return fetched;
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    return got(
        this.<@Nullable Fetched>counted(
            cause, Request.GET, () -> store.get(key, offset, length, cause)));
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return got(
        this.<@Nullable Fetched>counted(
            cause, Request.GET, () -> store.getSuffix(key, length, cause)));
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    bytesPut.add(body.bytes());
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
