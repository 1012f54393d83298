package zerofs.fs.engine;

import zerofs.fs.row.Inode;

/// How one file is being read, guessed from where its reads lie: in order, or anywhere. Readers of
/// the file race on it: it is a hint.
///
/// A read is *near* when it begins at most a MiB from where the one before ended; clients that have
/// several reads in flight send them a little out of order.
final class ReadPattern {
  /// More than the largest read.
  private static final long NEAR_BYTES = Inode.EXTENT_BYTES * 33L;

  /// As many reads, each far from the one before, say that the file is read anywhere.
  private static final int JUMPS_RANDOM = 4;

  /// From as many bytes in order on, what follows is read ahead; and a file that was read anywhere
  /// counts as read in order again.
  private static final long STREAM_BYTES = 128 << 10;

  private static final int AHEAD_FACTOR = 4;

  private long end;
  private long streak;
  private int jumps;

  /// What a fetch brings beside what the read needs.
  ///
  /// @param restOfChunk whether the extents up to the end of the chunk
  /// @param alone whether nothing that lies around the frames in their object
  /// @param aheadBytes how far beyond the read the file is to be read ahead
  record Plan(boolean restOfChunk, boolean alone, long aheadBytes) {
    static final Plan NEITHER = new Plan(false, false, 0);
  }

  /// Notes a read that was answered.
  void read(long from, long to) {
    if (isNear(from)) {
      long last = end;
      streak += Math.max(0, to - Math.max(last, from));
      end = Math.max(last, to);
      if (streak >= STREAM_BYTES) {
        jumps = 0;
      }
    } else {
      jumps = Math.min(JUMPS_RANDOM, jumps + 1);
      streak = 0;
      end = to;
    }
  }

  /// What a read that misses should bring.
  Plan plan(long from) {
    boolean isRandom = jumps >= JUMPS_RANDOM;
    if (!isNear(from)) {
      return isRandom ? new Plan(false, true, 0) : Plan.NEITHER;
    }
    long ordered = streak;
    if (ordered >= STREAM_BYTES) {
      return new Plan(true, false, AHEAD_FACTOR * ordered);
    }
    return new Plan(ordered > 0 && !isRandom, isRandom, 0);
  }

  private boolean isNear(long from) {
    return Math.abs(from - end) <= NEAR_BYTES;
  }
}
