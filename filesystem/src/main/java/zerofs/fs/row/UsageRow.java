package zerofs.fs.row;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import zerofs.objectstore.StorageException;

/// Value of the USAGE row: totals of the volume. `allocatedBytes 8 | inodes 8`, little-endian.
public record UsageRow(long allocatedBytes, long inodes) {
  public byte[] encode() {
    return ByteBuffer.allocate(16)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(allocatedBytes)
        .putLong(inodes)
        .array();
  }

  public static UsageRow decode(byte[] value) throws StorageException.Corrupt {
    if (value.length != 16) {
      throw new StorageException.Corrupt("usage row of " + value.length + " bytes");
    }
    ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    return new UsageRow(in.getLong(), in.getLong());
  }
}
