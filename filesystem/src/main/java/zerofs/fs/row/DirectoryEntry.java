package zerofs.fs.row;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import zerofs.fs.FileType;
import zerofs.fs.Name;
import zerofs.objectstore.StorageException;

/// Value of an ENTRY row: `type 1 | inode 8 | name`, little-endian. An empty value is a removed
/// entry. The cookie is part of the key.
public record DirectoryEntry(long cookie, FileType type, long inode, Name name) {
  private static final int FIXED_BYTES = 9;

  public byte[] encode() {
    byte[] raw = name.raw();
    return ByteBuffer.allocate(FIXED_BYTES + raw.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put((byte) type.code())
        .putLong(inode)
        .put(raw)
        .array();
  }

  public static DirectoryEntry decode(long cookie, byte[] value) throws StorageException.Corrupt {
    if (value.length <= FIXED_BYTES) {
      throw new StorageException.Corrupt(
          "directory entry " + cookie + " of " + value.length + " bytes");
    }
    ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    try {
      return new DirectoryEntry(
          cookie,
          FileType.ofCode(in.get()),
          in.getLong(),
          Name.of(Arrays.copyOfRange(value, FIXED_BYTES, value.length)));
    } catch (IllegalArgumentException e) {
      throw new StorageException.Corrupt("directory entry " + cookie + ": unknown type", e);
    }
  }

  /// Value of an INDEX row: the cookies, 8 bytes each; empty = none.
  public static byte[] encodeCookies(long[] cookies) {
    ByteBuffer out = ByteBuffer.allocate(cookies.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (long each : cookies) {
      out.putLong(each);
    }
    return out.array();
  }

  public static long[] decodeCookies(byte[] value) throws StorageException.Corrupt {
    if (value.length % 8 != 0) {
      throw new StorageException.Corrupt("directory index row of " + value.length + " bytes");
    }
    long[] cookies = new long[value.length / 8];
    ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(cookies);
    return cookies;
  }
}
