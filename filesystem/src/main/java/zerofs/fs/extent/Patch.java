package zerofs.fs.extent;

import java.util.Arrays;
import zerofs.base.Checks;

/// Some bytes of an extent, stored over what lay there before: a frame that holds the bytes of the
/// ranges one after the other. Immutable.
public final class Patch {
  private final FrameRef frame;
  private final long position;
  private final int[] ranges;
  private final int clip;

  /// @param position log position that wrote it
  /// @param ranges from, to, from, to, …: ascending, apart, within the extent
  /// @param clip bytes of the extent from here on were cut off later
  public Patch(FrameRef frame, long position, int[] ranges, int clip) {
    Checks.invariant(ranges.length > 0 && ranges.length % 2 == 0, "ranges of a patch");
    this.frame = frame;
    this.position = position;
    this.ranges = ranges.clone();
    this.clip = clip;
  }

  public FrameRef frame() {
    return frame;
  }

  public long position() {
    return position;
  }

  public int rangeCount() {
    return ranges.length / 2;
  }

  public int from(int range) {
    return ranges[2 * range];
  }

  /// End of a range as written; what lies at or after [#clip] does not count any more.
  public int to(int range) {
    return ranges[2 * range + 1];
  }

  public int clip() {
    return clip;
  }

  /// Bytes in the frame.
  public int bytes() {
    int sum = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      sum += ranges[i + 1] - ranges[i];
    }
    return sum;
  }

  Patch clipped(int length) {
    return length >= clip ? this : new Patch(frame, position, ranges, length);
  }

  /// Whether every byte that `older` wrote was written by this patch as well. Clips don't matter: a
  /// cut that is newer than this patch clips the older one just so, and counting them would make
  /// the outcome depend on which layers are merged first.
  boolean covers(Patch older) {
    for (int i = 0; i < older.ranges.length; i += 2) {
      if (!covers(older.ranges[i], older.ranges[i + 1])) {
        return false;
      }
    }
    return true;
  }

  private boolean covers(int from, int to) {
    for (int i = 0; i < ranges.length; i += 2) {
      if (ranges[i] <= from && to <= ranges[i + 1]) {
        return true;
      }
    }
    return false;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Patch patch
        && frame.equals(patch.frame)
        && position == patch.position
        && clip == patch.clip
        && Arrays.equals(ranges, patch.ranges);
  }

  @Override
  public int hashCode() {
    return frame.hashCode() * 31 + Arrays.hashCode(ranges);
  }

  @Override
  public String toString() {
    return "Patch[" + frame + " " + Arrays.toString(ranges) + " clip=" + clip + "]";
  }
}
