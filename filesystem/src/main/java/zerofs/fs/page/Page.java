package zerofs.fs.page;

import java.nio.ByteBuffer;
import java.util.Arrays;
import zerofs.base.Checks;

/// The decoded bytes of one extent, off heap.
///
/// *Full*: the bytes below `length` are here and all later ones are zero; nothing stored under it
/// matters. *Partial*: only its valid ranges are known; what lies between them is in the bucket.
///
/// A page belongs to the generation that changed it last. While that generation is open the page
/// changes in place; once it is sealed (frozen) an encoder may be reading it, so a writer replaces
/// it by a [#copy]. Guarded by the lock of its inode: changed under the exclusive, read under the
/// shared one; a frozen page is read by its encoder without a lock.
public final class Page {
  /// Bytes of an extent.
  public static final int EXTENT_BYTES = Slab.BLOCK_BYTES;

  /// Valid ranges that a partial page may have; a write that would make one more fetches first.
  public static final int RANGES_MAX = 8;

  /// Generation number of a clean page.
  public static final long CLEAN = 0;

  private static final int[] NO_RANGES = {};
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(EXTENT_BYTES);

  private final Slab slab;
  private final long inode;
  private final long extent;
  private int address;
  private long generation;
  private boolean full;
  private int length;
  private int[] ranges = NO_RANGES;
  private boolean freed;
  private boolean standIn;
  private boolean leftBehind;
  private int changes;

  private Page(Slab slab, long inode, long extent, int address, long generation) {
    this.slab = slab;
    this.inode = inode;
    this.extent = extent;
    this.address = address;
    this.generation = generation;
  }

  /// A full page without bytes: all zero.
  public static Page full(Reservation memory, long inode, long extent, int bytes, long generation) {
    Page page = partial(memory, inode, extent, bytes, generation);
    page.full = true;
    return page;
  }

  /// A partial page without ranges.
  public static Page partial(
      Reservation memory, long inode, long extent, int bytes, long generation) {
    return new Page(memory.slab(), inode, extent, memory.allocate(bytes), generation);
  }

  /// A copy that belongs to `newGeneration`; this one is left to its encoder.
  public Page copy(Reservation memory, int bytes, long newGeneration) {
    int capacity = Math.max(bytes, end());
    Page copy = new Page(slab, inode, extent, memory.allocate(capacity), newGeneration);
    copy.full = full;
    copy.length = length;
    copy.ranges = ranges;
    copy.leftBehind = leftBehind;
    if (full) {
      slab.copy(address, copy.address, 0, length);
    } else {
      for (int i = 0; i < ranges.length; i += 2) {
        slab.copy(address, copy.address, ranges[i], ranges[i + 1]);
      }
    }
    return copy;
  }

  /// A copy of a frozen page that stands for it while its encoder has it: it belongs to the same
  /// generation, but no encoder knows it, so it changes in place.
  public Page standIn(Reservation memory, int bytes) {
    Page copy = copy(memory, bytes, generation);
    copy.standIn = true;
    return copy;
  }

  /// Whether an encoder may be reading it, so that it may neither change nor be freed.
  ///
  /// @param open the open generation
  public boolean isFrozen(long open) {
    return generation != CLEAN && generation != open && !standIn;
  }

  public long inode() {
    return inode;
  }

  public long extent() {
    return extent;
  }

  public long generation() {
    return generation;
  }

  public void setGeneration(long newGeneration) {
    generation = newGeneration;
    standIn = false;
  }

  /// Whether it just was left behind: a writer has reached its end, and it holds all its bytes.
  /// Once while the extent is in memory: what is written again and again is better stored late.
  ///
  /// @param to where the last write ended
  public boolean wasLeftBehind(int to) {
    if (leftBehind || to < EXTENT_BYTES || !isWhole()) {
      return false;
    }
    leftBehind = true;
    return true;
  }

  /// Whether it holds every byte of its extent.
  public boolean isWhole() {
    return full && length == EXTENT_BYTES;
  }

  /// How often its bytes changed: the same number at two times of one generation means the same
  /// bytes.
  public int changes() {
    return changes;
  }

  public boolean isFull() {
    return full;
  }

  /// Bytes of a full page that are not known to be zero.
  public int length() {
    return length;
  }

  /// Bytes that are here: what a frame of it holds at most.
  public int validBytes() {
    if (full) {
      return length;
    }
    int sum = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      sum += ranges[i + 1] - ranges[i];
    }
    return sum;
  }

  /// Valid ranges of a partial page: from, to, from, to, …; ascending, neither touching nor
  /// overlapping. Not to be changed.
  public int[] ranges() {
    return ranges;
  }

  public boolean isFreed() {
    return freed;
  }

  /// Bytes of slab that it occupies.
  public int capacity() {
    return slab.capacity(address);
  }

  /// Whether a write of `[from, to)` would leave it with more ranges than it may have.
  public boolean wouldExceedRanges(int from, int to) {
    return !full && merged(from, to).length > 2 * RANGES_MAX;
  }

  /// Whether all of `[from, to)` can be read from it.
  public boolean covers(int from, int to) {
    if (full || from >= to) {
      return true;
    }
    for (int i = 0; i < ranges.length; i += 2) {
      if (ranges[i] <= from && to <= ranges[i + 1]) {
        return true;
      }
    }
    return false;
  }

  /// Copies `[from, to)` to `target`, whose position advances. It must be covered.
  public void read(int from, int to, ByteBuffer target) {
    int valid = full ? Math.min(to, Math.max(from, length)) : to;
    if (from < valid) {
      slab.read(address, from, valid - from, target);
    }
    zeros(target, to - Math.max(from, valid));
  }

  /// Writes `to - from` bytes of `source`, whose position advances. `memory` is used when the piece
  /// must grow.
  public void write(Reservation memory, int from, int to, ByteBuffer source) {
    changes++;
    grow(memory, to);
    if (full) {
      fillZeros(length, from);
      length = Math.max(length, to);
    } else {
      ranges = merged(from, to);
      Checks.invariant(ranges.length <= 2 * RANGES_MAX, "too many ranges in a page");
    }
    slab.write(address, from, to - from, source);
  }

  /// Puts what is stored under a partial page below its ranges: it becomes full.
  ///
  /// @param base the stored bytes, from its position to its limit; later bytes are zero
  public void fillBelow(Reservation memory, ByteBuffer base) {
    Checks.invariant(!full, "a full page has nothing below it");
    changes++;
    int baseBytes = base.remaining();
    int start = base.position();
    int end = Math.max(end(), baseBytes);
    grow(memory, end);
    int at = 0;
    for (int i = 0; i <= ranges.length; i += 2) {
      int gapEnd = i < ranges.length ? ranges[i] : end;
      int copied = Math.min(gapEnd, baseBytes);
      if (at < copied) {
        slab.write(address, at, copied - at, base.duplicate().position(start + at));
      }
      fillZeros(Math.max(at, copied), gapEnd);
      at = i < ranges.length ? ranges[i + 1] : end;
    }
    full = true;
    length = end;
    ranges = NO_RANGES;
  }

  /// Drops all bytes from `bytes` on.
  public void clip(int bytes) {
    changes++;
    if (full) {
      length = Math.min(length, bytes);
      return;
    }
    int[] kept = new int[ranges.length];
    int count = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      if (ranges[i] < bytes) {
        kept[count++] = ranges[i];
        kept[count++] = Math.min(ranges[i + 1], bytes);
      }
    }
    ranges = Arrays.copyOf(kept, count);
  }

  /// Whether clipping to `bytes` would change it.
  public boolean reaches(int bytes) {
    return end() > bytes;
  }

  /// A partial page whose ranges were all clipped away says nothing.
  public boolean isEmptyPartial() {
    return !full && ranges.length == 0;
  }

  /// Says that what lies under a partial page is all zero: it becomes full.
  public void fillZerosBelow() {
    Checks.invariant(!full, "a full page has nothing below it");
    changes++;
    int at = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      fillZeros(at, ranges[i]);
      at = ranges[i + 1];
    }
    length = end();
    full = true;
    ranges = NO_RANGES;
  }

  /// A view of its memory, for encoders.
  public ByteBuffer view() {
    return slab.view(address);
  }

  /// Frees its memory; once.
  public void free() {
    Checks.invariant(!freed, "page freed twice");
    freed = true;
    slab.free(address);
  }

  private int end() {
    return full ? length : ranges.length == 0 ? 0 : ranges[ranges.length - 1];
  }

  private void grow(Reservation memory, int bytes) {
    if (bytes <= slab.capacity(address)) {
      return;
    }
    int larger = memory.allocate(bytes);
    slab.copy(address, larger, 0, slab.capacity(address));
    slab.free(address);
    address = larger;
  }

  private void fillZeros(int from, int to) {
    if (from < to) {
      slab.write(address, from, to - from, ZEROS.duplicate());
    }
  }

  private static void zeros(ByteBuffer target, int count) {
    for (int left = count; left > 0; ) {
      int step = Math.min(left, EXTENT_BYTES);
      target.put(ZEROS.duplicate().limit(step));
      left -= step;
    }
  }

  /// Copies zeros for a hole of `count` bytes to `target`.
  public static void readHole(int count, ByteBuffer target) {
    zeros(target, count);
  }

  private int[] merged(int from, int to) {
    int[] out = new int[ranges.length + 2];
    int count = 0;
    int start = from;
    int end = to;
    int i = 0;
    for (; i < ranges.length && ranges[i + 1] < start; i += 2) {
      out[count++] = ranges[i];
      out[count++] = ranges[i + 1];
    }
    for (; i < ranges.length && ranges[i] <= end; i += 2) {
      start = Math.min(start, ranges[i]);
      end = Math.max(end, ranges[i + 1]);
    }
    out[count++] = start;
    out[count++] = end;
    for (; i < ranges.length; i += 2) {
      out[count++] = ranges[i];
      out[count++] = ranges[i + 1];
    }
    return count == out.length ? out : Arrays.copyOf(out, count);
  }
}
