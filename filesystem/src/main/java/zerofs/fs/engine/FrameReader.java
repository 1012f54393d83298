package zerofs.fs.engine;

import java.nio.ByteBuffer;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.row.Inode;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// Reads frames from the store and puts extents together. Blocks; any thread.
final class FrameReader {
  /// Most bytes of one GET.
  private static final int RUN_BYTES_MAX = 8 << 20;

  /// A gap between two wanted frames that is cheaper to read than another request.
  private static final int GAP_BYTES_MAX = 128 << 10;

  private static final byte[] NO_AAD = {};

  private final ObjectStore store;
  private final FrameCodec codec;
  private final EpochKeys keys;

  FrameReader(ObjectStore store, FrameCodec codec, EpochKeys keys) {
    this.store = store;
    this.codec = codec;
    this.keys = keys;
  }

  /// Bytes of one object, from `offset` on.
  record Run(ObjectId object, long offset, ByteBuffer bytes) {
    boolean holds(FrameRef frame) {
      return object.equals(frame.object())
          && frame.offset() >= offset
          && frame.offset() + (long) frame.storedBytes() <= offset + bytes.remaining();
    }
  }

  /// Whether a run that began at `first` and ended at `last` may be extended to hold `next`.
  static boolean joins(FrameRef first, FrameRef last, FrameRef next) {
    long end = last.offset() + (long) last.storedBytes();
    return first.object().equals(next.object())
        && next.offset() >= first.offset()
        && next.offset() <= end + GAP_BYTES_MAX
        && next.offset() + (long) next.storedBytes() - first.offset() <= RUN_BYTES_MAX;
  }

  /// GETs the bytes from the first to the last frame of a run.
  Run read(FrameRef first, FrameRef last) throws StorageException {
    int length = Math.toIntExact(last.offset() + (long) last.storedBytes() - first.offset());
    String key = first.object().key();
    ObjectStore.Fetched fetched = store.get(key, first.offset(), length, ObjectStore.Cause.READ);
    if (fetched == null) {
      throw new StorageException.Corrupt("object " + key + " is missing: file data refers to it");
    }
    if (fetched.bytes().remaining() != length) {
      throw new StorageException.Corrupt(
          "object "
              + key
              + " has "
              + fetched.objectBytes()
              + " bytes, expected at least "
              + (first.offset() + (long) length));
    }
    return new Run(first.object(), first.offset(), fetched.bytes());
  }

  /// Decodes one frame out of a run to the position of `target`.
  void decode(FrameRef frame, Run run, ByteBuffer target) throws StorageException {
    int at = Math.toIntExact(frame.offset() - run.offset());
    ByteBuffer source = run.bytes().duplicate();
    source.position(source.position() + at);
    source.limit(source.position() + frame.storedBytes());
    codec.decode(keys.key(frame.object()), frame.frame(), NO_AAD, source, target);
  }

  /// Puts an extent together: `target` (32 KiB) receives its bytes; returns how many are not known
  /// to be zero.
  int assemble(ExtentState state, RunSource runs, ByteBuffer target) throws StorageException {
    int length = base(state, runs, target);
    ByteBuffer scratch = null;
    for (Patch patch : state.patches()) {
      if (scratch == null) {
        scratch = ByteBuffer.allocateDirect(Inode.EXTENT_BYTES);
      }
      scratch.clear();
      decode(patch.frame(), runs.holding(patch.frame()), scratch);
      length = Math.max(length, apply(patch, scratch.flip(), target));
    }
    return length;
  }

  /// Finds the run that holds a frame.
  @FunctionalInterface
  interface RunSource {
    Run holding(FrameRef frame) throws StorageException;
  }

  private int base(ExtentState state, RunSource runs, ByteBuffer target) throws StorageException {
    target.clear();
    int length =
        switch (state.base()) {
          case NONE, CLIP -> 0;
          case INLINE -> {
            target.put(state.inline(), 0, state.length());
            yield state.length();
          }
          case FRAME -> {
            decode(state.frame(), runs.holding(state.frame()), target);
            yield Math.min(state.length(), target.position());
          }
        };
    zero(target, length, Inode.EXTENT_BYTES);
    return length;
  }

  private static int apply(Patch patch, ByteBuffer bytes, ByteBuffer target)
      throws StorageException {
    if (bytes.remaining() != patch.bytes()) {
      throw new StorageException.Corrupt(
          "patch frame " + patch.frame() + " has " + bytes.remaining() + " bytes");
    }
    int at = 0;
    int end = 0;
    for (int i = 0; i < patch.rangeCount(); i++) {
      int to = Math.min(patch.to(i), patch.clip());
      if (patch.from(i) < to) {
        target.put(patch.from(i), bytes, at, to - patch.from(i));
        end = to;
      }
      at += patch.to(i) - patch.from(i);
    }
    return end;
  }

  private static void zero(ByteBuffer target, int from, int to) {
    for (int i = from; i < to; i += Long.BYTES) {
      if (to - i >= Long.BYTES) {
        target.putLong(i, 0);
      } else {
        for (int j = i; j < to; j++) {
          target.put(j, (byte) 0);
        }
      }
    }
  }
}
