package zerofs.server.cli;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Says in the log when something goes wrong with the store, once, then every ten minutes while it
/// lasts, and when it is over. One task looks.
final class HealthWatch {
  private static final long REMINDER_NANOS = 600_000_000_000L;

  private final Tasks tasks;
  private final Supplier<@Nullable String> trouble;
  private final Consumer<String> warn;
  private final Consumer<String> inform;
  private boolean isWell = true;
  private long sinceNanos;
  private long saidNanos;

  /// @param trouble what is wrong just now; null when nothing is
  HealthWatch(
      Tasks tasks,
      Supplier<@Nullable String> trouble,
      Consumer<String> warn,
      Consumer<String> inform) {
    this.tasks = tasks;
    this.trouble = trouble;
    this.warn = warn;
    this.inform = inform;
  }

  /// @return whether all is well
  boolean look() {
    String reason = trouble.get();
    long now = tasks.nanoTime();
    if (reason == null) {
      if (!isWell) {
        inform.accept("well again, after " + duration(now - sinceNanos));
      }
      isWell = true;
      return true;
    }
    if (isWell) {
      isWell = false;
      sinceNanos = now;
      saidNanos = now;
      warn.accept(reason);
    } else if (now - saidNanos >= REMINDER_NANOS) {
      saidNanos = now;
      warn.accept("for " + duration(now - sinceNanos) + " now: " + reason);
    }
    return false;
  }

  /// As people say it: `7 s`, `3 min 20 s`, `2 h 5 min`.
  static String duration(long nanos) {
    long seconds = (nanos + 500_000_000L) / 1_000_000_000L;
    if (seconds < 60) {
      return seconds + " s";
    }
    return seconds < 3600
        ? seconds / 60 + " min " + seconds % 60 + " s"
        : seconds / 3600 + " h " + seconds % 3600 / 60 + " min";
  }
}
