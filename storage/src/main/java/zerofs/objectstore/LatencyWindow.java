package zerofs.objectstore;

import java.util.Arrays;

/// How long requests of one kind took in the last minutes, to an eighth: what is slow among them.
/// Whoever owns it guards it.
///
/// Two halves; when the newer one is over the older one is forgotten. So what it knows is between
/// one and two halves old, and nothing once nobody has asked for that long.
final class LatencyWindow {
  /// Long enough for a client that syncs every few seconds, short enough to follow a store through
  /// a day.
  static final long HALF_NANOS = 120_000_000_000L;

  /// What ends sooner than this after the usual time is not slow: where all requests take about as
  /// long, one in twenty is beyond 95 % of them, and a second one would not be back before it.
  private static final double USUAL = 1.25;

  private static final double SLOW_SHARE = 0.95;
  private static final int STEPS_PER_OCTAVE = 8;
  private static final int STEP_BITS = 3;

  /// Microseconds: more than a minute counts as that.
  private static final long MICROS_MAX = (1L << 26) - 1;

  private static final int BUCKETS = (26 - STEP_BITS + 1) * STEPS_PER_OCTAVE;

  private int[] older = new int[BUCKETS];
  private int[] newer = new int[BUCKETS];
  private long since;

  /// @param now when it begins
  LatencyWindow(long now) {
    since = now;
  }

  private void turn(long now) {
    if (now - since < HALF_NANOS) {
      return;
    }
    int[] empty = older;
    older = newer;
    newer = empty;
    Arrays.fill(newer, 0);
    if (now - since >= 2 * HALF_NANOS) {
      Arrays.fill(older, 0);
    }
    since = now;
  }

  void record(long nanos, long now) {
    turn(now);
    newer[bucket(nanos)]++;
  }

  private static int bucket(long nanos) {
    long micros = Math.clamp(nanos / 1_000, 0, MICROS_MAX);
    if (micros < STEPS_PER_OCTAVE) {
      return (int) micros;
    }
    int octave = Long.SIZE - 1 - Long.numberOfLeadingZeros(micros) - STEP_BITS;
    return (octave + 1) * STEPS_PER_OCTAVE + (int) (micros >>> octave) - STEPS_PER_OCTAVE;
  }

  /// What is greater than all that a bucket holds.
  private static long endNanos(int bucket) {
    int octave = Math.max(0, bucket / STEPS_PER_OCTAVE - 1);
    long step = bucket - (long) octave * STEPS_PER_OCTAVE;
    return (step + 1 << octave) * 1_000;
  }

  /// After how long a request counts as slow; negative when fewer than `samplesMin` are known.
  long slowNanos(int samplesMin, long now) {
    turn(now);
    int samples = 0;
    for (int i = 0; i < BUCKETS; i++) {
      samples += older[i] + newer[i];
    }
    if (samples < samplesMin) {
      return -1;
    }
    return Math.max(quantile(SLOW_SHARE * samples), (long) (USUAL * quantile(0.5 * samples)));
  }

  private long quantile(double rank) {
    int bucket = -1;
    for (long below = 0; below < rank; ) {
      bucket++;
      below += older[bucket] + newer[bucket];
    }
    return endNanos(Math.max(0, bucket));
  }
}
