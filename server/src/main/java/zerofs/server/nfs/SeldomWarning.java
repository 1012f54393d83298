package zerofs.server.nfs;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import zerofs.base.Tasks;

/// A warning that a client can cause as often as it likes: it is logged once a minute at most, with
/// how often it came up meanwhile. Any thread.
final class SeldomWarning {
  private static final long QUIET_NANOS = 60_000_000_000L;

  private final Logger log;
  private final Tasks tasks;
  private final AtomicLong nextNanos;
  private final AtomicInteger silent = new AtomicInteger();

  SeldomWarning(Logger log, Tasks tasks) {
    this.log = log;
    this.tasks = tasks;
    this.nextNanos = new AtomicLong(tasks.nanoTime());
  }

  void warn(String sentence) {
    String due = due(sentence);
    if (due != null) {
      log.warn("{}", due);
    }
  }

  /// What to log now; null when nothing.
  @Nullable String due(String sentence) {
    long next = nextNanos.get();
    long now = tasks.nanoTime();
    if (now - next < 0 || !nextNanos.compareAndSet(next, now + QUIET_NANOS)) {
      silent.incrementAndGet();
      return null;
    }
    int others = silent.getAndSet(0);
    return others == 0 ? sentence : sentence + " (and " + others + " more before it)";
  }
}
