package zerofs.base;

import java.util.concurrent.atomic.LongAdder;

/// How long something took, counted in fixed buckets from 5 µs to 30 s: 1, 2.5 and 5 of each
/// decade. To record takes no lock, allocates nothing, and touches one counter of its bucket and
/// one for the sum, so it may stand on any path. Any thread.
public final class Histogram {
  /// Upper ends of the buckets, inclusive, in nanoseconds; one more bucket holds what took longer.
  private static final long[] BOUNDS = bounds();

  private final LongAdder[] counts = new LongAdder[BOUNDS.length + 1];
  private final LongAdder nanos = new LongAdder();

  public Histogram() {
    for (int i = 0; i < counts.length; i++) {
      counts[i] = new LongAdder();
    }
  }

  private static long[] bounds() {
    long[] bounds = new long[21];
    int count = 0;
    for (long decade = 1_000; decade <= 10_000_000_000L; decade *= 10) {
      for (long each : new long[] {decade, decade * 5 / 2, decade * 5}) {
        if (each >= 5_000 && each <= 10_000_000_000L) {
          bounds[count++] = each;
        }
      }
    }
    bounds[count++] = 30_000_000_000L;
    Checks.invariant(count == bounds.length, "bounds of a histogram");
    return bounds;
  }

  /// Counts one that took so long.
  public void record(long tookNanos) {
    counts[bucket(tookNanos)].increment();
    nanos.add(tookNanos);
  }

  private static int bucket(long tookNanos) {
    int from = 0;
    int to = BOUNDS.length;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (tookNanos <= BOUNDS[middle]) {
        to = middle;
      } else {
        from = middle + 1;
      }
    }
    return from;
  }

  public Snapshot snapshot() {
    long[] sums = new long[counts.length];
    for (int i = 0; i < sums.length; i++) {
      sums[i] = counts[i].sum();
    }
    return new Snapshot(sums, nanos.sum());
  }

  /// Buckets that have an upper end.
  public static int bounded() {
    return BOUNDS.length;
  }

  /// Upper end of a bucket, inclusive, in nanoseconds.
  public static long boundNanos(int bucket) {
    return BOUNDS[bucket];
  }

  /// What was counted so far.
  ///
  /// @param counts by bucket; the last is that without an upper end
  /// @param nanos sum of all durations
  public record Snapshot(long[] counts, long nanos) {
    public long count() {
      long sum = 0;
      for (long each : counts) {
        sum += each;
      }
      return sum;
    }

    /// Both together.
    public Snapshot plus(Snapshot other) {
      long[] sums = counts.clone();
      for (int i = 0; i < sums.length; i++) {
        sums[i] += other.counts[i];
      }
      return new Snapshot(sums, nanos + other.nanos);
    }
  }
}
