package zerofs.objectstore;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StoreCounters.Request;

/// When a request is slow, and whether it may be sent once more: memory and arithmetic, no clock
/// and no lock. Whoever owns it guards it. docs/adr/0015 has the reasons.
final class HedgePolicy {
  /// What is longer waits for the link rather than for the store: sent twice it would take twice
  /// the link.
  static final int BYTES_MAX = 1 << 20;

  /// Up to here the first byte is what takes the time.
  private static final int SMALL_BYTES_MAX = 128 << 10;

  /// How many a quiet time may save up. Spent at once they are still few beside what is under way.
  private static final double SAVED_MAX = 10;

  /// Hedged requests of which one is under way: each may hold a connection and a MiB of heap until
  /// it times out.
  private static final int UNDER_WAY_MAX = 8;

  /// Sent since the store answered anything at all: beyond that it is the store that is slow.
  private static final int UNANSWERED_MAX = 2;

  private final HedgedObjectStore.Settings settings;
  private final Map<Request, Kind> kinds = new EnumMap<>(Request.class);
  private boolean troubled;
  private long troubleNanos;
  private int underWay;
  private int unanswered;

  /// GETs, or PUTs.
  private static final class Kind {
    private final LatencyWindow small;
    private final LatencyWindow large;
    private double saved;

    Kind(long now) {
      small = new LatencyWindow(now);
      large = new LatencyWindow(now);
    }

    @Nullable LatencyWindow window(long bytes) {
      if (bytes > BYTES_MAX) {
        return null;
      }
      return bytes > SMALL_BYTES_MAX ? large : small;
    }
  }

  HedgePolicy(HedgedObjectStore.Settings settings, long now) {
    this.settings = settings;
    kinds.put(Request.GET, new Kind(now));
    kinds.put(Request.PUT, new Kind(now));
  }

  private Kind kind(Request request) {
    return Objects.requireNonNull(kinds.get(request));
  }

  /// After how long a request is to be hedged, counted from its start; negative when it is not,
  /// however long it takes.
  long patienceNanos(Request request, long bytes, long now) {
    LatencyWindow window = kind(request).window(bytes);
    if (window == null || !mayHedge(request, now)) {
      return -1;
    }
    long slow = window.slowNanos(settings.samplesMin(), now);
    return slow < 0 ? -1 : Math.max(settings.floorNanos(), slow);
  }

  private boolean mayHedge(Request request, long now) {
    boolean isWell = !troubled || now - troubleNanos >= settings.quietNanos();
    return isWell
        && kind(request).saved >= 1
        && underWay < UNDER_WAY_MAX
        && unanswered < UNANSWERED_MAX;
  }

  /// Whether one that is slow may be sent once more now; if so, that is spent, and [#ended] follows
  /// once both are over.
  boolean hedge(Request request, long now) {
    if (!mayHedge(request, now)) {
      return false;
    }
    kind(request).saved--;
    underWay++;
    unanswered++;
    return true;
  }

  void ended() {
    underWay--;
  }

  /// One that was not a hedge ended well, or is no longer waited for: it took so long, or will.
  void took(Request request, long bytes, long nanos, long now) {
    LatencyWindow window = kind(request).window(bytes);
    if (window != null) {
      window.record(nanos, now);
    }
  }

  /// Somebody got what he asked for.
  void satisfied(Request request) {
    Kind kind = kind(request);
    kind.saved = Math.min(SAVED_MAX, kind.saved + settings.share());
  }

  /// The store answered.
  void answered() {
    unanswered = 0;
  }

  /// The store refused, said "later", or did not answer: it has enough to do.
  void failed(long now) {
    troubled = true;
    troubleNanos = now;
    kinds.values().forEach(kind -> kind.saved = 0);
  }
}
