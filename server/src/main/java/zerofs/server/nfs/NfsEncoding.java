package zerofs.server.nfs;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.FileType;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.SetTime;
import zerofs.fs.SetAttributes.Time;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// Attributes on the wire (RFC 1813 §2.5, §2.6).
final class NfsEncoding {
  /// What a directory says its size is, as ext4's smallest.
  private static final long DIRECTORY_BYTES = 4096;

  private NfsEncoding() {}

  static int type(FileType type) {
    return switch (type) {
      case REGULAR -> 1;
      case DIRECTORY -> 2;
      case BLOCK_DEVICE -> 3;
      case CHARACTER_DEVICE -> 4;
      case SYMLINK -> 5;
      case SOCKET -> 6;
      case FIFO -> 7;
    };
  }

  /// fsid: the first half of the volume's id.
  static long fsid(String volumeId) {
    return ByteBuffer.wrap(HexFormat.of().parseHex(volumeId)).getLong();
  }

  /// fattr3.
  static void attributes(XdrWriter out, String volumeId, Attributes attributes) {
    boolean isDirectory = attributes.type() == FileType.DIRECTORY;
    out.int32(type(attributes.type())).int32(attributes.mode()).int32(attributes.nlink());
    out.int32(attributes.uid()).int32(attributes.gid());
    out.int64(isDirectory ? DIRECTORY_BYTES : attributes.size());
    out.int64(isDirectory ? DIRECTORY_BYTES : attributes.allocatedBytes());
    out.int32(attributes.major()).int32(attributes.minor());
    out.int64(fsid(volumeId)).int64(attributes.inode());
    out.int32((int) attributes.atimeSeconds()).int32(attributes.atimeNanos());
    out.int32((int) attributes.mtimeSeconds()).int32(attributes.mtimeNanos());
    out.int32((int) attributes.ctimeSeconds()).int32(attributes.ctimeNanos());
  }

  /// post_op_attr.
  static void postOp(XdrWriter out, String volumeId, @Nullable Attributes attributes) {
    out.bool(attributes != null);
    if (attributes != null) {
      attributes(out, volumeId, attributes);
    }
  }

  /// wcc_data. The attributes from before count only if nothing but the operation itself came
  /// between: the change counter tells.
  static void wcc(
      XdrWriter out, String volumeId, @Nullable Attributes before, @Nullable Attributes after) {
    boolean atomic = before != null && after != null && after.change() - before.change() <= 1;
    out.bool(atomic);
    if (atomic && before != null) {
      boolean isDirectory = before.type() == FileType.DIRECTORY;
      out.int64(isDirectory ? DIRECTORY_BYTES : before.size());
      out.int32((int) before.mtimeSeconds()).int32(before.mtimeNanos());
      out.int32((int) before.ctimeSeconds()).int32(before.ctimeNanos());
    }
    postOp(out, volumeId, after);
  }

  /// post_op_fh3 of a handle that is known.
  static void postOpHandle(XdrWriter out, String volumeId, long inode) {
    out.bool(true);
    new FileHandle(volumeId, inode).encode(out);
  }

  /// sattr3.
  static SetAttributes setAttributes(XdrReader in) throws XdrException {
    Integer mode = in.bool() ? (Integer) (in.int32() & 07777) : null;
    Integer uid = in.bool() ? (Integer) in.int32() : null;
    Integer gid = in.bool() ? (Integer) in.int32() : null;
    Long size = in.bool() ? (Long) in.int64() : null;
    SetTime atime = setTime(in);
    SetTime mtime = setTime(in);
    return new SetAttributes(mode, uid, gid, size, atime, mtime, null);
  }

  private static @Nullable SetTime setTime(XdrReader in) throws XdrException {
    int how = in.int32();
    return switch (how) {
      case 0 -> null;
      case 1 -> new SetTime.Now();
      case 2 -> new SetTime.At(time(in));
      default -> throw new XdrException("time_how " + how);
    };
  }

  /// nfstime3. Seconds are unsigned on the wire; clients send times before 1970 as their two's
  /// complement, so the sign is kept.
  static Time time(XdrReader in) throws XdrException {
    long seconds = in.int32();
    int nanos = in.int32();
    if (nanos < 0 || nanos >= 1_000_000_000) {
      throw new XdrException("nanoseconds " + nanos);
    }
    return new Time(seconds, nanos);
  }
}
