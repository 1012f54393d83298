package zerofs.objectstore;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Adds a fixed time to every request, before it is applied: a store that is far away; and to a PUT
/// what its bytes take over one connection. For tests and benchmarks; under simulated tasks the
/// time is virtual.
public final class LatencyObjectStore implements ObjectStore {
  private final ObjectStore store;
  private final Tasks tasks;
  private final long nanos;
  private final long bytesPerSecond;

  /// @param nanos what every request takes longer; 0 or more
  public LatencyObjectStore(ObjectStore store, Tasks tasks, long nanos) {
    this(store, tasks, nanos, Long.MAX_VALUE);
  }

  /// @param bytesPerSecond of a connection, of which each PUT has its own
  public LatencyObjectStore(ObjectStore store, Tasks tasks, long nanos, long bytesPerSecond) {
    this.store = store;
    this.tasks = tasks;
    this.nanos = nanos;
    this.bytesPerSecond = bytesPerSecond;
  }

  private void travel() {
    travel(0);
  }

  private void travel(long bytes) {
    long takes = nanos + bytes * 1_000_000_000L / bytesPerSecond;
    if (takes > 0) {
      tasks.sleep(takes);
    }
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    travel();
    return store.get(key, offset, length, cause);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    travel();
    return store.getSuffix(key, length, cause);
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    travel(body.bytes());
    return store.put(key, body, cause);
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    travel();
    store.delete(key, cause);
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    travel();
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
