package zerofs.objectstore;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Randomness;
import zerofs.base.Tasks;

/// Tries again what the store was not there for: exponential backoff with full jitter, until a
/// deadline per call. A body shorter than what was asked of the object counts as no answer.
///
/// What it does not settle: a PUT whose outcome is unknown. That may have been applied, so sending
/// it again could only answer "exists"; the caller reads the object and compares its own nonce
/// (Rule EXISTS_IS_READ of the log protocol).
public final class RetryingObjectStore implements ObjectStore {
  private final ObjectStore store;
  private final Tasks tasks;
  private final Randomness randomness;
  private final Settings settings;

  /// @param firstDelayNanos longest first delay; doubles up to `delayNanosMax`
  /// @param deadlineNanos how long one call goes on trying
  public record Settings(long firstDelayNanos, long delayNanosMax, long deadlineNanos) {
    /// 50 ms to 2 s, for 30 s.
    public static Settings standard() {
      return new Settings(50_000_000L, 2_000_000_000L, 30_000_000_000L);
    }
  }

  public RetryingObjectStore(
      ObjectStore store, Tasks tasks, Randomness randomness, Settings settings) {
    this.store = store;
    this.tasks = tasks;
    this.randomness = randomness;
    this.settings = settings;
  }

  @FunctionalInterface
  private interface Operation<T extends @Nullable Object> {
    T run() throws StorageException;
  }

  private <T extends @Nullable Object> T retried(Operation<T> operation) throws StorageException {
    long deadline = tasks.nanoTime() + settings.deadlineNanos();
    long delay = settings.firstDelayNanos();
    while (true) {
      try {
        return operation.run();
      } catch (StorageException.Unavailable e) {
        long jittered = 1 + Math.floorMod(randomness.nextLong(), delay);
        if (tasks.nanoTime() + jittered - deadline > 0) {
          throw e;
        }
        tasks.sleep(jittered);
        delay = Math.min(delay * 2, settings.delayNanosMax());
      }
    }
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    return this.<@Nullable Fetched>retried(
        () -> {
          Fetched fetched = store.get(key, offset, length, cause);
          return whole(key, fetched, fetched == null ? 0 : fetched.objectBytes() - offset, length);
        });
  }

  @Override
  @SuppressWarnings("NullAway") // Nullness of a type argument is beyond it.
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return this.<@Nullable Fetched>retried(
        () -> {
          Fetched fetched = store.getSuffix(key, length, cause);
          return whole(key, fetched, fetched == null ? 0 : fetched.objectBytes(), length);
        });
  }

  private static @Nullable Fetched whole(
      String key, @Nullable Fetched fetched, long available, int length)
      throws StorageException.Unavailable {
    if (fetched != null && fetched.bytes().remaining() < Math.clamp(available, 0, length)) {
      throw new StorageException.Unavailable(
          "the store sent "
              + fetched.bytes().remaining()
              + " of "
              + Math.clamp(available, 0, length)
              + " bytes of "
              + key);
    }
    return fetched;
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    return retried(() -> store.put(key, body, cause));
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    retried(
        () -> {
          store.delete(key, cause);
          return true;
        });
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    return retried(() -> store.list(prefix, startAfter, limit, cause));
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
