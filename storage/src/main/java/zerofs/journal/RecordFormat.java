package zerofs.journal;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/// A redo record, as it lies in the stage and, in the same order, in the files.
///
/// ```text
/// bytes 4 | crc32c 4 | sequence 8 | position 8 | payload of `bytes` | zeros to a multiple of 64
/// ```
///
/// The checksum covers all from the sequence to the end of the payload. The position says which lap
/// of the stage it belongs to. Little-endian. Spec: docs/JOURNAL.md "Formats".
final class RecordFormat {
  /// What positions and lengths are multiples of.
  static final int UNIT_BYTES = 64;

  static final int HEADER_BYTES = 24;

  /// Largest payload: a WRITE of 1 MiB and its rows.
  static final int PAYLOAD_BYTES_MAX = (1 << 20) + (128 << 10);

  private RecordFormat() {}

  /// Bytes that a record takes.
  static int bytes(int payloadBytes) {
    return (HEADER_BYTES + payloadBytes + UNIT_BYTES - 1) & -UNIT_BYTES;
  }

  static int checksum(long sequence, long position, List<ByteBuffer> payload) {
    CRC32C crc = new CRC32C();
    update(crc, sequence);
    update(crc, position);
    for (ByteBuffer each : payload) {
      crc.update(each.duplicate());
    }
    return (int) crc.getValue();
  }

  private static void update(CRC32C crc, long value) {
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      crc.update((int) (value >>> shift));
    }
  }
}
