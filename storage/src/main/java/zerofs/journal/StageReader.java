package zerofs.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/// Reads the records that a killed process left in its stage.
final class StageReader {
  private StageReader() {}

  /// Copies the records after `lastSequence` to files.
  static void copy(Stage stage, long lastSequence, JournalFiles files) throws IOException {
    ByteBuffer header =
        ByteBuffer.allocate(RecordFormat.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer record =
        ByteBuffer.allocateDirect(RecordFormat.bytes(RecordFormat.PAYLOAD_BYTES_MAX));
    long base = stage.base();
    long at = base;
    while (true) {
      stage.get(at, header.clear());
      int payloadBytes = header.getInt(0);
      if (payloadBytes < 0 || payloadBytes > RecordFormat.PAYLOAD_BYTES_MAX) {
        return;
      }
      int bytes = RecordFormat.bytes(payloadBytes);
      if (header.getLong(16) != at || at + bytes - base > stage.size()) {
        return;
      }
      stage.get(at, record.clear().limit(bytes));
      long sequence = header.getLong(8);
      ByteBuffer payload = record.slice(RecordFormat.HEADER_BYTES, payloadBytes);
      if (RecordFormat.checksum(sequence, at, List.of(payload)) != header.getInt(4)) {
        return;
      }
      if (sequence > lastSequence) {
        files.reserve(bytes);
        for (int from = 0; from < bytes; from += JournalFiles.BLOCK_BYTES_MAX) {
          int length = Math.min(JournalFiles.BLOCK_BYTES_MAX, bytes - from);
          files.append(at + from, record.slice(from, length));
        }
      }
      at += bytes;
    }
  }
}
