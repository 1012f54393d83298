package zerofs.fs.row;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import zerofs.codec.ObjectId;
import zerofs.objectstore.StorageException;

/// Keys of metadata rows: a kind byte, then big-endian numbers, so that keys sort as the numbers
/// do. Kinds are stored; they never change. Accounting rows sort last: merges emit them while they
/// run (lsm.RowMerger).
///
/// ```text
/// ENTRY   10 | directory 8 | cookie 8      a name, in creation order: readdir runs along it
/// INDEX   12 | directory 8 | name hash 8   cookies of the entries whose names have that hash
/// INODE   14 | inode 8
/// ORPHAN  16 | inode 8                     has no name, was open when it lost its last one
/// GUESSED 18 | inode 8                     its count of extents may be too high
/// CHUNK   20 | inode 8 | chunk 8           64 extents
/// CUT     22 | inode 8 | position 8        a truncation too long for per-chunk clips
/// USAGE   30                               totals of the volume
/// SEGMENT f0 | kind 1 | epoch 4 | number 8 references and bytes of one object, additive
/// ```
public final class RowKeys {
  public static final byte ENTRY = 0x10;
  public static final byte INDEX = 0x12;
  public static final byte INODE = 0x14;
  public static final byte ORPHAN = 0x16;
  public static final byte GUESSED = 0x18;
  public static final byte CHUNK = 0x20;
  public static final byte CUT = 0x22;
  public static final byte USAGE = 0x30;
  public static final byte SEGMENT = (byte) 0xf0;

  private RowKeys() {}

  public static byte[] entry(long directory, long cookie) {
    return pair(ENTRY, directory, cookie);
  }

  public static byte[] index(long directory, long nameHash) {
    return pair(INDEX, directory, nameHash);
  }

  public static byte[] inode(long inode) {
    return single(INODE, inode);
  }

  public static byte[] orphan(long inode) {
    return single(ORPHAN, inode);
  }

  public static byte[] guessed(long inode) {
    return single(GUESSED, inode);
  }

  public static byte[] chunk(long inode, long chunk) {
    return pair(CHUNK, inode, chunk);
  }

  public static byte[] cut(long inode, long position) {
    return pair(CUT, inode, position);
  }

  public static byte[] usage() {
    return new byte[] {USAGE};
  }

  public static byte[] segment(ObjectId id) {
    return ByteBuffer.allocate(14)
        .put(SEGMENT)
        .put((byte) id.kind().code())
        .putInt(id.epoch())
        .putLong(id.number())
        .array();
  }

  /// The object that a SEGMENT row is about.
  public static ObjectId segmentOf(byte[] key) throws StorageException.Corrupt {
    ByteBuffer in = ByteBuffer.wrap(key, 1, key.length - 1);
    try {
      return ObjectId.of(in.get(), in.getInt(), in.getLong());
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new StorageException.Corrupt("accounting row of no object", e);
    }
  }

  /// The first key after all keys of `kind`.
  public static byte[] endOf(byte kind) {
    return new byte[] {(byte) (kind + 1)};
  }

  /// The first number of a key: directory or inode.
  public static long first(byte[] key) {
    return ByteBuffer.wrap(key).getLong(1);
  }

  /// The second number of a key: cookie, hash, chunk or position.
  public static long second(byte[] key) {
    return ByteBuffer.wrap(key).getLong(9);
  }

  private static byte[] single(byte kind, long number) {
    return ByteBuffer.allocate(9).put(kind).putLong(number).array();
  }

  private static byte[] pair(byte kind, long first, long second) {
    return ByteBuffer.allocate(17).put(kind).putLong(first).putLong(second).array();
  }
}
