package zerofs.objectstore;

import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// A store at the end of a link with a rate: what PUTs send goes over it piece by piece, in turns
/// when there are several. For tests and benchmarks; under simulated tasks the time is virtual.
public final class LinkObjectStore implements ObjectStore {
  /// What one PUT sends before it is another's turn.
  private static final int PIECE_BYTES = 64 << 10;

  private final ObjectStore store;
  private final Tasks tasks;
  private final long bytesPerSecond;

  /// When the link will have sent all that was given to it.
  private final AtomicLong free;

  public LinkObjectStore(ObjectStore store, Tasks tasks, long bytesPerSecond) {
    this.store = store;
    this.tasks = tasks;
    this.bytesPerSecond = bytesPerSecond;
    this.free = new AtomicLong(tasks.nanoTime());
  }

  private void send(long bytes) {
    for (long at = 0; at < bytes; at += PIECE_BYTES) {
      long nanos = Math.min(PIECE_BYTES, bytes - at) * 1_000_000_000L / bytesPerSecond;
      long now = tasks.nanoTime();
      long done = free.updateAndGet(before -> Math.max(before, now) + nanos);
      tasks.sleep(Math.max(0, done - tasks.nanoTime()));
    }
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    send(body.bytes());
    return store.put(key, body, cause);
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    return store.get(key, offset, length, cause);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return store.getSuffix(key, length, cause);
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
  public void close() {
    store.close();
  }
}
