package zerofs.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.Iterator;
import java.util.List;
import javax.crypto.Cipher;
import org.jspecify.annotations.Nullable;
import zerofs.base.LocalDirectory;
import zerofs.base.LocalDirectory.LocalFile;
import zerofs.codec.Keys;

/// Reads the records of one epoch from its files, to the first byte that is not as it was written.
final class RecordReader {
  private final LocalDirectory directory;
  private final Keys keys;
  private final int epoch;
  private final Iterator<Long> numbers;
  private final byte[] block =
      new byte
          [JournalFiles.BLOCK_HEADER_BYTES + JournalFiles.BLOCK_BYTES_MAX + JournalFiles.TAG_BYTES];

  /// What was read of the stream and not handed out, from its position to its limit.
  private final ByteBuffer pending =
      ByteBuffer.allocateDirect(
              RecordFormat.bytes(RecordFormat.PAYLOAD_BYTES_MAX) + 2 * JournalFiles.BLOCK_BYTES_MAX)
          .order(ByteOrder.LITTLE_ENDIAN)
          .limit(0);

  private JournalFiles.@Nullable Sealer sealer;
  private @Nullable LocalFile file;
  private long expectedNumber = -1;
  private long fileEnd;
  private long blockNumber;

  /// Position in the stream of the end of `pending`.
  private long streamEnd;

  private boolean ended;
  private End end = new End(-1, 0, 0);

  /// Where the last whole record ends.
  ///
  /// @param number of its file; -1 = there is no record
  /// @param bytes where in that file
  record End(long number, long bytes, long lastSequence) {}

  /// @param numbers of the files, ascending
  RecordReader(LocalDirectory directory, Keys keys, int epoch, List<Long> numbers) {
    this.directory = directory;
    this.keys = keys;
    this.epoch = epoch;
    this.numbers = numbers.iterator();
  }

  /// Where what was read so far ends.
  End end() {
    return end;
  }

  /// The next record, which is good until the next call; null at the end.
  JournalDirectory.@Nullable Redo next() throws IOException {
    while (!ended) {
      JournalDirectory.Redo record = parsed();
      if (record != null) {
        return record;
      }
      if (!ended && !readBlock()) {
        ended = true;
      }
    }
    if (file != null) {
      file.close();
      file = null;
    }
    return null;
  }

  private JournalDirectory.@Nullable Redo parsed() {
    if (pending.remaining() < RecordFormat.HEADER_BYTES) {
      return null;
    }
    int at = pending.position();
    int payloadBytes = pending.getInt(at);
    long sequence = pending.getLong(at + 8);
    long position = pending.getLong(at + 16);
    boolean sane =
        payloadBytes >= 0
            && payloadBytes <= RecordFormat.PAYLOAD_BYTES_MAX
            && position == streamEnd - pending.remaining();
    if (!sane) {
      ended = true;
      return null;
    }
    int bytes = RecordFormat.bytes(payloadBytes);
    if (pending.remaining() < bytes) {
      return null;
    }
    ByteBuffer payload =
        pending.slice(at + RecordFormat.HEADER_BYTES, payloadBytes).order(ByteOrder.LITTLE_ENDIAN);
    if (RecordFormat.checksum(sequence, position, List.of(payload)) != pending.getInt(at + 4)) {
      ended = true;
      return null;
    }
    pending.position(at + bytes);
    end = new End(expectedNumber, fileEnd, sequence);
    return new JournalDirectory.Redo(epoch, sequence, payload);
  }

  /// Reads the next block; false at the end of all.
  private boolean readBlock() throws IOException {
    while (true) {
      if (file != null && readBlockOfFile()) {
        return true;
      }
      if (!openNext()) {
        return false;
      }
    }
  }

  private boolean openNext() throws IOException {
    if (file != null) {
      file.close();
      file = null;
    }
    if (!numbers.hasNext()) {
      return false;
    }
    // A file begins with a record: what is left of the last one was torn.
    streamEnd -= pending.remaining();
    pending.limit(pending.position());
    long number = numbers.next();
    if (expectedNumber >= 0 && number != expectedNumber + 1) {
      return false;
    }
    LocalFile opened = directory.open(JournalFiles.name(epoch, number));
    file = opened;
    sealer = JournalFiles.open(opened, keys, epoch, number);
    expectedNumber = number;
    fileEnd = JournalFiles.HEADER_BYTES;
    blockNumber = 0;
    return sealer != null;
  }

  private boolean readBlockOfFile() throws IOException {
    LocalFile from = java.util.Objects.requireNonNull(file);
    ByteBuffer in = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
    int read = from.read(in, fileEnd);
    if (read < JournalFiles.BLOCK_HEADER_BYTES + JournalFiles.TAG_BYTES) {
      return false;
    }
    int length = in.getInt(4);
    int stored = JournalFiles.BLOCK_HEADER_BYTES + length + JournalFiles.TAG_BYTES;
    long position = in.getLong(16);
    boolean follows = position == streamEnd || (position > streamEnd && !pending.hasRemaining());
    boolean sane =
        in.getInt(0) == JournalFiles.BLOCK_MAGIC
            && length > 0
            && length <= JournalFiles.BLOCK_BYTES_MAX
            && stored <= read
            && in.getLong(8) == blockNumber
            && follows;
    if (!sane || !decrypt(length)) {
      return false;
    }
    int left = pending.remaining();
    pending.compact().put(block, JournalFiles.BLOCK_HEADER_BYTES, length).flip();
    streamEnd = position + length;
    if (left == 0) {
      pending.position(0);
    }
    fileEnd += stored;
    blockNumber++;
    return true;
  }

  private boolean decrypt(int length) {
    try {
      java.util.Objects.requireNonNull(sealer)
          .cipher(Cipher.DECRYPT_MODE, blockNumber, block, JournalFiles.BLOCK_HEADER_BYTES)
          .doFinal(
              block,
              JournalFiles.BLOCK_HEADER_BYTES,
              length + JournalFiles.TAG_BYTES,
              block,
              JournalFiles.BLOCK_HEADER_BYTES);
      return true;
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
