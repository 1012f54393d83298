package zerofs.fs.row;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import zerofs.objectstore.StorageException;

/// Value of a SEGMENT row: how much of one object is still referred to. Rows of one object add up:
/// the delta that stores an object credits it, and the merge that drops a reference debits it in
/// the same output, so that one manifest shows both.
///
/// ```text
/// references 8 | bytes 8 | total 8 | death 8       little-endian
/// ```
///
/// @param references frames referred to; negative in a debit
/// @param bytes stored bytes of those frames; negative in a debit
/// @param total stored bytes of all its frames, also those that nothing ever referred to; 0 in a
///   debit
/// @param death highest log position at which a reference was dropped; 0 = none was
public record SegmentUsage(long references, long bytes, long total, long death) {
  private static final int BYTES = 32;

  public SegmentUsage plus(SegmentUsage other) {
    return new SegmentUsage(
        references + other.references,
        bytes + other.bytes,
        total + other.total,
        Math.max(death, other.death));
  }

  public byte[] encode() {
    return ByteBuffer.allocate(BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(references)
        .putLong(bytes)
        .putLong(total)
        .putLong(death)
        .array();
  }

  public static SegmentUsage decode(byte[] value) throws StorageException.Corrupt {
    if (value.length != BYTES) {
      throw new StorageException.Corrupt("segment accounting row of " + value.length + " bytes");
    }
    ByteBuffer in = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
    return new SegmentUsage(in.getLong(), in.getLong(), in.getLong(), in.getLong());
  }
}
