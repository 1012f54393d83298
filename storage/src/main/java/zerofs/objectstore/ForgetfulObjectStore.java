package zerofs.objectstore;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// A store in memory that deletes the oldest log objects and data segments, so that a benchmark or
/// a long test may write for ever. A PUT costs what it does in [MemoryObjectStore]. What is read
/// must be written anew before it is that old, and its volume can't be opened again.
public final class ForgetfulObjectStore implements ObjectStore {
  private static final long LOG_BYTES_MAX = 64 << 20;

  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final Queue<Listed> log = new ConcurrentLinkedQueue<>();
  private final AtomicLong logBytes = new AtomicLong();

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause) {
    return memory.get(key, offset, length, cause);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) {
    return memory.getSuffix(key, length, cause);
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) {
    PutOutcome outcome = memory.put(key, body, cause);
    if (cause == Cause.BARRIER || cause == Cause.BULK) {
      log.add(new Listed(key, body.bytes()));
      long now = logBytes.addAndGet(body.bytes());
      while (now > LOG_BYTES_MAX) {
        Listed oldest = log.poll();
        if (oldest == null) {
          break;
        }
        memory.delete(oldest.key(), cause);
        now = logBytes.addAndGet(-oldest.objectBytes());
      }
    }
    return outcome;
  }

  @Override
  public void delete(String key, Cause cause) {
    memory.delete(key, cause);
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause) {
    return memory.list(prefix, startAfter, limit, cause);
  }

  @Override
  public void close() {
    memory.close();
  }
}
