package zerofs.fs.extent;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import zerofs.codec.ObjectId;
import zerofs.objectstore.StorageException;

/// Value of a CHUNK row.
///
/// ```text
/// row     = version 1 | objects: count, then (kind 1, epoch, number) each | items until 64 extents
/// item    = tag 1 | ...                      all numbers are varints (LEB128), `z` = zigzag
/// tag  0 NONE   count                        `count` extents that the row says nothing of
/// tag  1 CLIP   count | length | position
/// tag  2 FRAME  object | frame z | offset z | stored | length | position z
/// tag  3 INLINE length | position | bytes
/// tag  4 NEXT   stored                       FRAME of 32768 bytes that follows the last one in its
///                                            object, at the same position
/// tag +8        patches follow: count, then each: object | frame z | offset z | stored
///               | position z | clip | ranges: count, then (gap, bytes) each
/// ```
///
/// `frame` and `offset` are relative to the end of the last frame named in the row, `position` of a
/// frame to its object's number. Spec: docs/FORMAT.md "Chunk row".
public final class ChunkRowFormat {
  private static final byte VERSION = 1;
  private static final int EXTENT_BYTES = 32 << 10;

  private static final int NONE = 0;
  private static final int CLIP = 1;
  private static final int FRAME = 2;
  private static final int INLINE = 3;
  private static final int NEXT = 4;
  private static final int PATCHED = 8;

  private static final int INLINE_BYTES_MAX = 512;
  private static final int RANGES_MAX = 64;
  private static final int PATCHES_MAX = 1 << 16;

  private ChunkRowFormat() {}

  public static byte[] encode(ChunkRow row) {
    return new Encoder(row).encode();
  }

  public static ChunkRow decode(byte[] value) throws StorageException.Corrupt {
    try {
      return new Decoder(value).decode();
    } catch (RuntimeException e) {
      // Underflows and invariant checks of the value types: all mean that the bytes are not a row.
      throw new StorageException.Corrupt("chunk row of " + value.length + " bytes", e);
    }
  }

  /// What relative numbers are relative to.
  private static final class Last {
    private int object = -1;
    private int frame;
    private int end;
    private long position;
  }

  private static final class Encoder {
    private final ChunkRow row;
    private final Map<ObjectId, Integer> objects = new LinkedHashMap<>();
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final Last last = new Last();

    Encoder(ChunkRow row) {
      this.row = row;
    }

    byte[] encode() {
      collectObjects();
      out.write(VERSION);
      varint(objects.size());
      for (ObjectId each : objects.keySet()) {
        out.write(each.kind().code());
        varint(each.epoch());
        varint(each.number());
      }
      for (int i = 0; i < ChunkRow.EXTENTS; ) {
        i += item(i);
      }
      return out.toByteArray();
    }

    private void collectObjects() {
      for (int i = 0; i < ChunkRow.EXTENTS; i++) {
        ExtentState state = row.extent(i);
        if (state.base() == ExtentState.Base.FRAME) {
          objects.putIfAbsent(state.frame().object(), objects.size());
        }
        for (Patch each : state.patches()) {
          objects.putIfAbsent(each.frame().object(), objects.size());
        }
      }
    }

    private int item(int index) {
      ExtentState state = row.extent(index);
      int patched = state.patches().isEmpty() ? 0 : PATCHED;
      int count = patched == 0 ? equalRun(index) : 1;
      switch (state.base()) {
        case NONE -> {
          out.write(NONE | patched);
          varint(count);
        }
        case CLIP -> {
          out.write(CLIP | patched);
          varint(count);
          varint(state.length());
          varint(state.position());
        }
        case FRAME -> {
          count = 1;
          frame(state, patched);
        }
        case INLINE -> {
          count = 1;
          out.write(INLINE | patched);
          varint(state.length());
          varint(state.position());
          out.write(state.inline(), 0, state.length());
        }
      }
      if (patched != 0) {
        patches(state.patches());
      }
      return count;
    }

    private int equalRun(int index) {
      ExtentState state = row.extent(index);
      int end = index + 1;
      while (end < ChunkRow.EXTENTS && row.extent(end).equals(state)) {
        end++;
      }
      return end - index;
    }

    private void frame(ExtentState state, int patched) {
      FrameRef frame = state.frame();
      boolean next =
          object(frame) == last.object
              && frame.frame() == last.frame + 1
              && frame.offset() == last.end
              && state.length() == EXTENT_BYTES
              && state.position() == last.position;
      if (next) {
        out.write(NEXT | patched);
        varint(frame.storedBytes());
        moveTo(frame);
        return;
      }
      out.write(FRAME | patched);
      reference(frame);
      varint(state.length());
      position(frame, state.position());
    }

    private void position(FrameRef frame, long position) {
      zigzag(position - frame.object().number());
      last.position = position;
    }

    private void reference(FrameRef frame) {
      varint(object(frame));
      zigzag((long) frame.frame() - last.frame - 1);
      zigzag((long) frame.offset() - last.end);
      varint(frame.storedBytes());
      moveTo(frame);
    }

    private int object(FrameRef frame) {
      return java.util.Objects.requireNonNull(objects.get(frame.object()));
    }

    private void moveTo(FrameRef frame) {
      last.object = object(frame);
      last.frame = frame.frame();
      last.end = frame.offset() + frame.storedBytes();
    }

    private void patches(List<Patch> patches) {
      varint(patches.size());
      for (Patch each : patches) {
        reference(each.frame());
        position(each.frame(), each.position());
        varint(each.clip());
        varint(each.rangeCount());
        int at = 0;
        for (int i = 0; i < each.rangeCount(); i++) {
          varint(each.from(i) - at);
          varint(each.to(i) - each.from(i));
          at = each.to(i);
        }
      }
    }

    private void zigzag(long value) {
      varint(value << 1 ^ value >> 63);
    }

    private void varint(long value) {
      long left = value;
      while ((left & ~0x7fL) != 0) {
        out.write((int) (left & 0x7f | 0x80));
        left >>>= 7;
      }
      out.write((int) left);
    }
  }

  private static final class Decoder {
    private final ByteBuffer in;
    private final List<ObjectId> objects = new ArrayList<>();
    private final ChunkRow.Builder row = new ChunkRow.Builder();
    private final Last last = new Last();

    Decoder(byte[] value) {
      in = ByteBuffer.wrap(value);
    }

    ChunkRow decode() throws StorageException.Corrupt {
      require(in.get() == VERSION, "version");
      int count = bounded(in.remaining());
      for (int i = 0; i < count; i++) {
        ObjectId.Kind kind = kind(in.get());
        objects.add(new ObjectId(kind, bounded(Integer.MAX_VALUE), varint()));
      }
      for (int i = 0; i < ChunkRow.EXTENTS; ) {
        i += item(i);
      }
      require(!in.hasRemaining(), "length");
      return row.build();
    }

    private static ObjectId.Kind kind(byte code) throws StorageException.Corrupt {
      for (ObjectId.Kind each : ObjectId.Kind.values()) {
        if (each.code() == code) {
          return each;
        }
      }
      throw new StorageException.Corrupt("chunk row: object kind " + code);
    }

    private int item(int index) throws StorageException.Corrupt {
      int tag = in.get();
      int count = 1;
      ExtentState state;
      switch (tag & ~PATCHED) {
        case NONE -> {
          count = bounded(ChunkRow.EXTENTS - index);
          state = ExtentState.NONE;
        }
        case CLIP -> {
          count = bounded(ChunkRow.EXTENTS - index);
          state = ExtentState.clip(bounded(EXTENT_BYTES), varint());
        }
        case FRAME -> {
          FrameRef frame = reference();
          int length = bounded(EXTENT_BYTES);
          state = ExtentState.frame(frame, length, position(frame));
        }
        case NEXT -> {
          require(last.object >= 0, "frame");
          ObjectId object = objects.get(last.object);
          FrameRef frame = new FrameRef(object, last.frame + 1, last.end, stored());
          moveTo(last.object, frame);
          state = ExtentState.frame(frame, EXTENT_BYTES, last.position);
        }
        case INLINE -> state = inline();
        default -> throw new StorageException.Corrupt("chunk row: tag " + tag);
      }
      require(count > 0, "run");
      if ((tag & PATCHED) != 0) {
        require(count == 1, "patched run");
        state = state.withPatches(patches());
      }
      for (int i = 0; i < count; i++) {
        row.set(index + i, state);
      }
      return count;
    }

    private ExtentState inline() throws StorageException.Corrupt {
      int length = bounded(INLINE_BYTES_MAX);
      long position = varint();
      byte[] bytes = new byte[length];
      in.get(bytes);
      return ExtentState.inline(bytes, position);
    }

    private FrameRef reference() throws StorageException.Corrupt {
      int index = bounded(objects.size() - 1);
      int frame = Math.toIntExact(last.frame + 1 + zigzag());
      int offset = Math.toIntExact(last.end + zigzag());
      require(frame >= 0 && offset >= 0, "frame");
      FrameRef reference = new FrameRef(objects.get(index), frame, offset, stored());
      moveTo(index, reference);
      return reference;
    }

    private void moveTo(int object, FrameRef frame) {
      last.object = object;
      last.frame = frame.frame();
      last.end = Math.addExact(frame.offset(), frame.storedBytes());
    }

    private long position(FrameRef frame) throws StorageException.Corrupt {
      last.position = frame.object().number() + zigzag();
      return last.position;
    }

    private int stored() throws StorageException.Corrupt {
      return bounded(2 * EXTENT_BYTES);
    }

    private List<Patch> patches() throws StorageException.Corrupt {
      int count = bounded(Math.min(PATCHES_MAX, in.remaining()));
      List<Patch> patches = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        FrameRef frame = reference();
        long position = position(frame);
        int clip = bounded(EXTENT_BYTES);
        int[] ranges = new int[2 * bounded(RANGES_MAX)];
        int at = 0;
        for (int j = 0; j < ranges.length; j += 2) {
          ranges[j] = at + bounded(EXTENT_BYTES - at);
          ranges[j + 1] = ranges[j] + bounded(EXTENT_BYTES - ranges[j]);
          at = ranges[j + 1];
        }
        patches.add(new Patch(frame, position, ranges, clip));
      }
      return patches;
    }

    private long zigzag() throws StorageException.Corrupt {
      long value = varint();
      return value >>> 1 ^ -(value & 1);
    }

    private int bounded(int max) throws StorageException.Corrupt {
      long value = varint();
      require(value >= 0 && value <= max, "number");
      return (int) value;
    }

    private long varint() throws StorageException.Corrupt {
      long value = 0;
      for (int shift = 0; shift < 64; shift += 7) {
        byte next = in.get();
        value |= (long) (next & 0x7f) << shift;
        if (next >= 0) {
          return value;
        }
      }
      throw new StorageException.Corrupt("chunk row: number of more than 64 bits");
    }

    private static void require(boolean holds, String what) throws StorageException.Corrupt {
      if (!holds) {
        throw new StorageException.Corrupt("chunk row: " + what + " out of range");
      }
    }
  }
}
