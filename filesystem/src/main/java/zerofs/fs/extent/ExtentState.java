package zerofs.fs.extent;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What one row says of one extent: a base, and patches over it, oldest first. Immutable.
///
/// The base is one of
/// - NONE: says nothing, what older rows say shows through;
/// - CLIP: what older rows say shows through, clipped to `length` bytes; 0 hides all of it;
/// - FRAME: the bytes below `length` are in a frame, later ones are zero; hides older rows;
/// - INLINE: likewise, the bytes are in the row itself.
///
/// A patch that a clip leaves without bytes stays, since it still says that the extent exists.
public final class ExtentState {
  /// Kinds of base. Codes are stored.
  public enum Base {
    NONE,
    CLIP,
    FRAME,
    INLINE
  }

  /// Patches that an extent may have before a background fold should rewrite it.
  public static final int PATCHES_MAX = 4;

  private static final byte[] NO_BYTES = {};

  /// Says nothing.
  public static final ExtentState NONE =
      new ExtentState(Base.NONE, 0, 0, null, NO_BYTES, List.of());

  private final Base base;
  private final int length;
  private final long position;
  private final @Nullable FrameRef frame;
  private final byte[] inline;
  private final List<Patch> patches;

  private ExtentState(
      Base base,
      int length,
      long position,
      @Nullable FrameRef frame,
      byte[] inline,
      List<Patch> patches) {
    this.base = base;
    this.length = length;
    this.position = position;
    this.frame = frame;
    this.inline = inline;
    this.patches = patches;
  }

  public static ExtentState clip(int length, long position) {
    return new ExtentState(Base.CLIP, length, position, null, NO_BYTES, List.of());
  }

  public static ExtentState frame(FrameRef frame, int length, long position) {
    return new ExtentState(Base.FRAME, length, position, frame, NO_BYTES, List.of());
  }

  /// @param bytes not changed afterwards by anyone
  public static ExtentState inline(byte[] bytes, long position) {
    return new ExtentState(Base.INLINE, bytes.length, position, null, bytes, List.of());
  }

  public static ExtentState patch(Patch patch) {
    return NONE.withPatches(List.of(patch));
  }

  ExtentState withPatches(List<Patch> newPatches) {
    return new ExtentState(base, length, position, frame, inline, List.copyOf(newPatches));
  }

  public Base base() {
    return base;
  }

  /// Valid bytes of a FRAME or INLINE base, bytes left of older ones by a CLIP.
  public int length() {
    return length;
  }

  /// Log position that wrote the base.
  public long position() {
    return position;
  }

  public FrameRef frame() {
    return java.util.Objects.requireNonNull(frame, "base has no frame");
  }

  /// Bytes of an INLINE base; the first [#length] count. Not to be changed.
  public byte[] inline() {
    return inline;
  }

  public List<Patch> patches() {
    return patches;
  }

  public boolean saysNothing() {
    return base == Base.NONE && patches.isEmpty();
  }

  /// Of a resolved state (nothing older exists): whether the extent exists.
  public boolean exists() {
    return base == Base.FRAME || base == Base.INLINE || !patches.isEmpty();
  }

  public boolean needsFold() {
    return patches.size() > PATCHES_MAX;
  }

  private boolean hidesOlder() {
    return base == Base.FRAME || base == Base.INLINE;
  }

  /// `newer` over `older`. Associative.
  static ExtentState merge(ExtentState newer, ExtentState older, DebitSink sink) {
    if (newer.saysNothing()) {
      return older;
    }
    if (older.saysNothing()) {
      return newer;
    }
    if (newer.hidesOlder()) {
      older.dropAll(newer.position, sink);
      return newer;
    }
    ExtentState below =
        newer.base == Base.CLIP ? older.clipped(newer.length, newer.position, sink) : older;
    if (newer.patches.isEmpty()) {
      return below;
    }
    return below.withPatches(stacked(below.patches, newer.patches, sink));
  }

  /// What is left of this state when the extent is cut to `bytes` bytes.
  ExtentState clipped(int bytes, long cutPosition, DebitSink sink) {
    if (bytes == 0) {
      dropAll(cutPosition, sink);
      return clip(0, cutPosition);
    }
    List<Patch> kept = patches.stream().map(patch -> patch.clipped(bytes)).toList();
    return switch (base) {
      case NONE -> new ExtentState(Base.CLIP, bytes, cutPosition, null, NO_BYTES, kept);
      case CLIP ->
          new ExtentState(Base.CLIP, Math.min(length, bytes), cutPosition, null, NO_BYTES, kept);
      case FRAME, INLINE ->
          new ExtentState(base, Math.min(length, bytes), position, frame, inline, kept);
    };
  }

  /// What stays when nothing older exists.
  ExtentState bottom() {
    return base == Base.CLIP ? NONE.withPatches(patches) : this;
  }

  private static List<Patch> stacked(List<Patch> below, List<Patch> above, DebitSink sink) {
    List<Patch> all = new ArrayList<>(below);
    for (Patch patch : above) {
      all.removeIf(
          older -> {
            boolean covered = patch.covers(older);
            if (covered) {
              sink.drop(older.frame(), patch.position());
            }
            return covered;
          });
      all.add(patch);
    }
    return all;
  }

  private void dropAll(long death, DebitSink sink) {
    if (frame != null) {
      sink.drop(frame, death);
    }
    for (Patch patch : patches) {
      sink.drop(patch.frame(), death);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ExtentState state
        && base == state.base
        && length == state.length
        && position == state.position
        && java.util.Objects.equals(frame, state.frame)
        && Arrays.equals(inline, state.inline)
        && patches.equals(state.patches);
  }

  @Override
  public int hashCode() {
    return java.util.Objects.hash(base, length, position, frame, patches);
  }

  @Override
  public String toString() {
    return base + "(" + length + " @" + position + " " + frame + ")" + patches;
  }
}
