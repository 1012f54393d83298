package zerofs.fs.row;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import zerofs.fs.FileType;
import zerofs.objectstore.StorageException;

/// Value of an INODE row.
///
/// ```text
///  0 version 1 | 1 type 1 | 2 mode, flags 2 | 4 nlink 4 | 8 uid 4 | 12 gid 4 | 16 size 8
/// 24 units 8
/// 32 major 4 | 36 minor 4 | 40 atime 12 | 52 mtime 12 | 64 ctime 12 | 76 btime 12
/// 88 change 8 | 96 parent 8 | 104 nextCookie 8 | 112 verifier 8 | 120 target bytes 2
/// ```
///
/// Mode is the low 12 bits; of the flags, bit 15 says that units may be too high. The target
/// follows. A time is seconds 8, nanoseconds 4. Little-endian. An empty value is a removed inode.
/// Spec: docs/FORMAT.md "Inode row".
public final class InodeFormat {
  static final byte VERSION = 1;
  static final int FIXED_BYTES = 122;

  private static final int MODE_BITS = 0xfff;
  private static final int GUESSED = 0x8000;

  private InodeFormat() {}

  public static byte[] encode(Inode inode) {
    byte[] target = inode.target;
    int targetBytes = target == null ? 0 : target.length;
    ByteBuffer out = ByteBuffer.allocate(FIXED_BYTES + targetBytes).order(ByteOrder.LITTLE_ENDIAN);
    int flags = inode.guessed ? GUESSED : 0;
    out.put(VERSION).put((byte) inode.type.code()).putShort((short) (inode.mode | flags));
    out.putInt(inode.nlink).putInt(inode.uid).putInt(inode.gid);
    out.putLong(inode.size).putLong(inode.units).putInt(inode.major).putInt(inode.minor);
    out.putLong(inode.atime).putInt(inode.atimeNanos);
    out.putLong(inode.mtime).putInt(inode.mtimeNanos);
    out.putLong(inode.ctime).putInt(inode.ctimeNanos);
    out.putLong(inode.btime).putInt(inode.btimeNanos);
    out.putLong(inode.change).putLong(inode.parent);
    out.putLong(inode.nextCookie).putLong(inode.verifier);
    out.putShort((short) targetBytes);
    if (target != null) {
      out.put(target);
    }
    return out.array();
  }

  public static Inode decode(long number, byte[] value) throws StorageException.Corrupt {
    if (value.length < FIXED_BYTES || value[0] != VERSION) {
      throw new StorageException.Corrupt(
          "row of inode " + number + ": length=" + value.length + " is not an inode of version 1");
    }
    ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    Inode.Draft draft = Inode.create(number, type(number, in.get(1)));
    int modeAndFlags = Short.toUnsignedInt(in.getShort(2));
    draft.mode = modeAndFlags & MODE_BITS;
    draft.guessed = (modeAndFlags & GUESSED) != 0;
    in.position(4);
    draft.nlink = in.getInt();
    draft.uid = in.getInt();
    draft.gid = in.getInt();
    draft.size = in.getLong();
    draft.units = in.getLong();
    draft.major = in.getInt();
    draft.minor = in.getInt();
    draft.atime = in.getLong();
    draft.atimeNanos = in.getInt();
    draft.mtime = in.getLong();
    draft.mtimeNanos = in.getInt();
    draft.ctime = in.getLong();
    draft.ctimeNanos = in.getInt();
    draft.btime = in.getLong();
    draft.btimeNanos = in.getInt();
    draft.change = in.getLong();
    draft.parent = in.getLong();
    draft.nextCookie = in.getLong();
    draft.verifier = in.getLong();
    int targetBytes = Short.toUnsignedInt(in.getShort());
    if (in.remaining() != targetBytes) {
      throw new StorageException.Corrupt(
          "row of inode " + number + ": target of " + targetBytes + " bytes, " + in.remaining());
    }
    if (draft.type == FileType.SYMLINK) {
      byte[] target = new byte[targetBytes];
      in.get(target);
      draft.target = target;
    }
    return draft.build();
  }

  private static FileType type(long number, byte code) throws StorageException.Corrupt {
    try {
      return FileType.ofCode(code);
    } catch (IllegalArgumentException e) {
      throw new StorageException.Corrupt("row of inode " + number + ": type " + code, e);
    }
  }
}
