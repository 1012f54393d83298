package zerofs.fs.check;

import java.nio.ByteBuffer;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.fs.check.Finding.Kind;
import zerofs.fs.row.Inode;
import zerofs.log.FrameOwner;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.lsm.SortedRows;
import zerofs.manifest.Manifest;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Reads log objects and data segments, and compares them with what rows say of their frames. Any
/// thread.
final class SegmentsCheck {
  private static final int SUFFIX_BYTES = 256 << 10;
  private static final int READ_BYTES_MAX = 4 << 20;
  private static final byte[] NO_AAD = {};

  private final ObjectStore store;
  private final FrameCodec codec;
  private final LogFormat format;
  private final Manifest manifest;
  private final Findings findings;
  private final @Nullable References references;
  private final boolean readsData;
  private final AtomicLong frames = new AtomicLong();
  private final AtomicLong bytes = new AtomicLong();

  /// Frames that are referred to and can't be read; all of an object: from 0 on.
  private final Map<ObjectId, BitSet> unreadable = new ConcurrentHashMap<>();

  /// @param references null when not all rows could be read
  /// @param readsData whether every frame is decoded
  SegmentsCheck(
      ObjectStore store,
      FrameCodec codec,
      LogFormat format,
      Manifest manifest,
      Findings findings,
      @Nullable References references,
      boolean readsData) {
    this.store = store;
    this.codec = codec;
    this.format = format;
    this.manifest = manifest;
    this.findings = findings;
    this.references = references;
    this.readsData = readsData;
  }

  long frames() {
    return frames.get();
  }

  long bytes() {
    return bytes.get();
  }

  Map<ObjectId, BitSet> unreadable() {
    return unreadable;
  }

  /// Told of an object that is referred to and is not there.
  void missing(ObjectId object) {
    findings.add(Kind.SEGMENT_MISSING, object.key() + " is missing: file data refers to it");
    lost(object);
  }

  private void lost(ObjectId object) {
    References.Frames said = references == null ? null : references.of(object);
    if (said != null) {
      BitSet all = new BitSet();
      all.set(0, said.end());
      unreadable.put(object, all);
    }
  }

  /// @return whether it is a fence, or one can't tell
  boolean check(ObjectId object) throws StorageException {
    String key = object.key();
    try {
      ObjectStore.Fetched suffix = store.getSuffix(key, SUFFIX_BYTES, Cause.ADMIN);
      if (suffix == null) {
        return true; // Gone since it was listed: nothing refers to such a one.
      }
      LogFormat.Segment segment =
          format.decodeSegment(
              object, suffix, (offset, length) -> store.get(key, offset, length, Cause.ADMIN));
      bytes.addAndGet(suffix.objectBytes());
      frames.addAndGet(segment.directory().size());
      if (!segment.header().salt().equals(manifest.epochEntry(object.epoch()).salt())) {
        throw new StorageException.Corrupt(key + " is of another writer of its epoch");
      }
      if (segment.header().kind() == LogHeader.Kind.SEGMENT) {
        SortedRows.decode(segment.delta());
      } else if (segment.delta().hasRemaining()) {
        throw new StorageException.Corrupt(key + " has rows, but is no segment of the log");
      }
      new Frames(object, segment).check();
      return segment.header().isFence();
    } catch (StorageException.Corrupt e) {
      findings.add(Kind.SEGMENT_DAMAGED, named(key, e));
      lost(object);
      return true;
    }
  }

  private static String named(String key, StorageException.Corrupt e) {
    String text = String.valueOf(e.getMessage());
    return text.startsWith(key) ? text : key + ": " + text;
  }

  /// The frames of one object.
  private final class Frames {
    private final ObjectId object;
    private final List<FrameOwner> directory;
    private final FrameCodec.ObjectKey objectKey;
    private final References.@Nullable Frames said;
    private final BitSet bad = new BitSet();

    Frames(ObjectId object, LogFormat.Segment segment) {
      this.object = object;
      this.directory = segment.directory();
      this.objectKey = codec.objectKey(object, HexFormat.of().parseHex(segment.header().salt()));
      this.said = references == null ? null : references.of(object);
    }

    void check() throws StorageException {
      places();
      if (readsData) {
        decode();
      }
      if (!bad.isEmpty()) {
        unreadable.put(object, bad);
      }
    }

    private void wrong(Kind kind, int frame, String text) {
      findings.add(kind, object.key() + ", frame " + frame + ": " + text);
      if (said != null && said.said(frame) != 0) {
        bad.set(frame);
      }
    }

    private void places() {
      References.Frames rows = said;
      if (rows == null) {
        return;
      }
      int offset = 0;
      BitSet there = new BitSet();
      for (FrameOwner owner : directory) {
        int i = owner.frame();
        there.set(i);
        long is =
            References.fingerprint(
                offset, owner.storedBytes(), owner.owner(), owner.index(), owner.isPatch());
        if (rows.said(i) == References.SHARED) {
          wrong(Kind.FRAME_SHARED, i, "two extents refer to it");
        } else if (rows.said(i) != 0 && rows.said(i) != is) {
          wrong(
              Kind.FRAME_WRONG,
              i,
              "it holds extent "
                  + owner.index()
                  + " of inode "
                  + owner.owner()
                  + ", what refers to it says otherwise");
        }
        offset += owner.storedBytes();
      }
      for (int i = 0; i < rows.end(); i++) {
        if (rows.said(i) != 0 && !there.get(i)) {
          wrong(Kind.FRAME_WRONG, i, "there is none, though an extent refers to it");
        }
      }
    }

    private void decode() throws StorageException {
      ByteBuffer plain = ByteBuffer.allocate(Inode.EXTENT_BYTES);
      long start = 0;
      for (int from = 0; from < directory.size(); ) {
        int length = directory.get(from).storedBytes();
        int to = from + 1;
        while (to < directory.size()
            && length + directory.get(to).storedBytes() <= READ_BYTES_MAX) {
          length += directory.get(to++).storedBytes();
        }
        ObjectStore.Fetched fetched = store.get(object.key(), start, length, Cause.ADMIN);
        if (fetched == null || fetched.bytes().remaining() != length) {
          throw new StorageException.Corrupt(object.key() + " changed while it was read");
        }
        int at = 0;
        for (int i = from; i < to; i++) {
          int stored = directory.get(i).storedBytes();
          decode(directory.get(i), fetched.bytes().slice(at, stored), plain.clear());
          at += stored;
        }
        start += length;
        from = to;
      }
    }

    private void decode(FrameOwner owner, ByteBuffer stored, ByteBuffer plain) {
      int frame = owner.frame();
      try {
        int length = codec.decode(objectKey, frame, NO_AAD, stored, plain);
        References.Frames rows = said;
        if (rows != null && rows.said(frame) != 0) {
          int wanted = rows.bytes(frame);
          if (owner.isPatch() ? length != wanted : length < wanted) {
            wrong(
                Kind.FRAME_WRONG,
                frame,
                "it holds " + length + " bytes, what refers to it says " + wanted);
          }
        }
      } catch (StorageException.Corrupt e) {
        wrong(Kind.FRAME_DAMAGED, frame, String.valueOf(e.getMessage()));
      }
    }
  }
}
