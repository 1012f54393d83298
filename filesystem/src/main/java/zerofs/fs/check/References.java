package zerofs.fs.check;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import zerofs.codec.ObjectId;
import zerofs.fs.extent.FrameRef;

/// What chunk rows say of the frames of segments: ten bytes for each frame of an object, so that
/// all of a large volume fit into memory. One thread.
final class References {
  /// More than a segment can have.
  static final int FRAMES_MAX = 1 << 22;

  /// Referred to by several extents.
  static final long SHARED = 1;

  private static final int FRAMES_FIRST = 16;

  private final Map<ObjectId, Frames> objects = new HashMap<>();

  /// Frames of one object.
  static final class Frames {
    private long[] said = new long[FRAMES_FIRST];
    private char[] bytes = new char[FRAMES_FIRST];
    private int highest;

    /// Fingerprint of what was said of a frame; 0 = nothing refers to it.
    long said(int frame) {
      return frame < said.length ? said[frame] : 0;
    }

    /// Bytes that it holds, of a patch; of an extent, no fewer.
    int bytes(int frame) {
      return bytes[frame];
    }

    /// One more than the highest frame that is referred to.
    int end() {
      return highest + 1;
    }

    private void grow(int frame) {
      if (frame >= said.length) {
        int length = Math.max(frame + 1, 2 * said.length);
        said = Arrays.copyOf(said, length);
        bytes = Arrays.copyOf(bytes, length);
      }
      highest = Math.max(highest, frame);
    }
  }

  /// A frame as an extent or a segment's directory describes it, in one number that is neither 0
  /// nor SHARED.
  static long fingerprint(int offset, int stored, long inode, long extent, boolean isPatch) {
    long hash = mix(inode + 0x9e3779b97f4a7c15L);
    hash = mix(hash ^ extent);
    hash = mix(hash ^ ((long) offset << 32 | stored));
    hash = mix(hash ^ (isPatch ? 1 : 0));
    return hash == 0 || hash == SHARED ? 2 : hash;
  }

  /// (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.)
  private static long mix(long bits) {
    long mixed = (bits ^ bits >>> 30) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ mixed >>> 27) * 0x94d049bb133111ebL;
    return mixed ^ mixed >>> 31;
  }

  /// @param bytes of a patch, or of an extent that are valid
  /// @return false when no segment has a frame of that number
  boolean add(FrameRef frame, long inode, long extent, boolean isPatch, int bytes) {
    if (frame.frame() < 0 || frame.frame() >= FRAMES_MAX) {
      return false;
    }
    Frames frames = objects.computeIfAbsent(frame.object(), _ -> new Frames());
    frames.grow(frame.frame());
    long print = fingerprint(frame.offset(), frame.storedBytes(), inode, extent, isPatch);
    frames.said[frame.frame()] = frames.said(frame.frame()) == 0 ? print : SHARED;
    frames.bytes[frame.frame()] = (char) bytes;
    return true;
  }

  @Nullable Frames of(ObjectId object) {
    return objects.get(object);
  }

  Map<ObjectId, Frames> objects() {
    return objects;
  }
}
