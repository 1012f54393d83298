package zerofs.base;

import java.io.Serial;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Says that a memory-only attempt needs something that is not in memory. It carries how to bring
/// it in: let go of every lock, run [#fetch], start again from the beginning. Control flow, not a
/// fault: it has no stack trace.
public final class Miss extends RuntimeException {
  @Serial private static final long serialVersionUID = 1;

  /// Brings in what was missing; blocks; called without locks.
  @FunctionalInterface
  public interface Fetch {
    void run() throws Exception;
  }

  private final transient @Nullable Fetch fetch;

  public Miss(Fetch fetch) {
    super("not in memory", null, false, false);
    this.fetch = fetch;
  }

  public Fetch fetch() {
    return Objects.requireNonNull(fetch);
  }
}
