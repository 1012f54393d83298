package zerofs.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.zip.CRC32C;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.LocalDirectory;
import zerofs.base.LocalDirectory.LocalFile;
import zerofs.base.Randomness;
import zerofs.codec.Keys;

/// The records of one epoch on disk: a stream of bytes by position, encrypted in blocks, in files
/// that have their size from the start. What the store has by the time is left out of the stream.
///
/// ```text
/// file  = magic 8 | version 4 | - 4 | epoch 8 | number 8 | salt 32 | crc32c 4
///         | zeros to 4096 | blocks
/// block = magic 4 | bytes 4 | number 8 | position 8 | ChaCha20-Poly1305 of the bytes | tag 16
/// ```
///
/// Spec: docs/JOURNAL.md "Formats". One thread at a time.
final class JournalFiles implements AutoCloseable {
  static final int HEADER_BYTES = 4096;
  static final int BLOCK_HEADER_BYTES = 24;
  static final int BLOCK_BYTES_MAX = 64 << 10;
  static final int TAG_BYTES = 16;
  static final int BLOCK_MAGIC = 0x4b4c424a;

  private static final String LABEL = "zerofs journal v1";
  private static final byte[] MAGIC = {'Z', 'F', 'S', 'J', 'R', 'N', 'L', '1'};
  private static final int VERSION = 1;
  private static final int SALT_BYTES = 32;
  private static final int FIXED_BYTES = 64;

  private final LocalDirectory directory;
  private final Keys keys;
  private final Randomness randomness;
  private final int epoch;
  private final int fileBytes;
  private final Deque<Written> written = new ArrayDeque<>();
  private final byte[] block = new byte[BLOCK_HEADER_BYTES + BLOCK_BYTES_MAX + TAG_BYTES];
  private long number;
  private @Nullable LocalFile file;
  private @Nullable Sealer sealer;
  private long fileEnd;
  private long blockNumber;

  /// A file that is full, or being written.
  private static final class Written {
    private final String name;
    private long end;

    Written(String name) {
      this.name = name;
    }
  }

  /// @param fileBytes size of a file
  /// @param firstNumber of the first file
  JournalFiles(
      LocalDirectory directory,
      Keys keys,
      Randomness randomness,
      int epoch,
      int fileBytes,
      long firstNumber) {
    this.directory = directory;
    this.keys = keys;
    this.randomness = randomness;
    this.epoch = epoch;
    this.fileBytes = fileBytes;
    this.number = firstNumber;
  }

  static String name(int epoch, long number) {
    return "%08x-%08x".formatted(epoch, number);
  }

  /// Encrypts or decrypts the blocks of one file.
  static final class Sealer {
    private final SecretKeySpec key;

    Sealer(Keys keys, byte[] salt, int epoch, long number) {
      byte[] context =
          ByteBuffer.allocate(16)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putLong(epoch)
              .putLong(number)
              .array();
      key = new SecretKeySpec(keys.derive(LABEL, salt, context), "ChaCha20");
    }

    /// @param header of the block, associated data
    Cipher cipher(int mode, long blockNumber, byte[] header, int headerBytes)
        throws GeneralSecurityException {
      Cipher cipher = Cipher.getInstance("ChaCha20-Poly1305");
      byte[] nonce =
          ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putLong(4, blockNumber).array();
      cipher.init(mode, key, new IvParameterSpec(nonce));
      cipher.updateAAD(header, 0, headerBytes);
      return cipher;
    }
  }

  /// Reads the header of a file; null when it is not whole or not of that name.
  static @Nullable Sealer open(LocalFile file, Keys keys, int epoch, long number)
      throws IOException {
    ByteBuffer header = ByteBuffer.allocate(FIXED_BYTES + 4).order(ByteOrder.LITTLE_ENDIAN);
    if (file.read(header, 0) < FIXED_BYTES + 4) {
      return null;
    }
    byte[] magic = Arrays.copyOf(header.array(), MAGIC.length);
    boolean good =
        Arrays.equals(magic, MAGIC)
            && header.getInt(8) == VERSION
            && header.getLong(16) == epoch
            && header.getLong(24) == number
            && header.getInt(FIXED_BYTES) == checksum(header.array());
    byte[] salt = Arrays.copyOfRange(header.array(), 32, 32 + SALT_BYTES);
    return good ? new Sealer(keys, salt, epoch, number) : null;
  }

  private static int checksum(byte[] header) {
    CRC32C crc = new CRC32C();
    crc.update(header, 0, FIXED_BYTES);
    return (int) crc.getValue();
  }

  /// Makes the next file, durable and empty. What the one before holds is durable first: no file
  /// follows one that may lack its end.
  private void begin() throws IOException {
    if (file != null) {
      file.sync();
      file.close();
      file = null;
    }
    String name = name(epoch, number);
    LocalFile made = directory.open(name);
    byte[] salt = new byte[SALT_BYTES];
    randomness.secret(salt);
    ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    header.put(MAGIC).putInt(VERSION).putInt(0).putLong(epoch).putLong(number).put(salt);
    header.putInt(FIXED_BYTES, checksum(header.array()));
    ByteBuffer zeros = ByteBuffer.allocate(BLOCK_BYTES_MAX);
    for (long at = HEADER_BYTES; at < fileBytes; at += zeros.capacity()) {
      made.write(zeros.clear().limit((int) Math.min(zeros.capacity(), fileBytes - at)), at);
    }
    made.write(header.clear(), 0);
    made.sync();
    directory.sync();
    sealer = new Sealer(keys, salt, epoch, number);
    file = made;
    written.add(new Written(name));
    number++;
    fileEnd = HEADER_BYTES;
    blockNumber = 0;
  }

  /// Makes the first file, so that the first record does not wait for it.
  void prepare() throws IOException {
    if (file == null) {
      begin();
    }
  }

  /// Sees to it that whole records of so many bytes fit into the current file, so that each file
  /// begins with a record.
  void reserve(long bytes) throws IOException {
    long blocks = (bytes + BLOCK_BYTES_MAX - 1) / BLOCK_BYTES_MAX;
    long stored = bytes + blocks * (BLOCK_HEADER_BYTES + TAG_BYTES);
    Checks.invariant(HEADER_BYTES + stored <= fileBytes, "a stage fits into a file");
    if (file == null || fileEnd + stored > fileBytes) {
      begin();
    }
  }

  /// Appends bytes of the stream that begin at `position`: at most one block, for which there is
  /// room.
  void append(long position, ByteBuffer bytes) throws IOException {
    int length = bytes.remaining();
    int stored = BLOCK_HEADER_BYTES + length + TAG_BYTES;
    ByteBuffer out = ByteBuffer.wrap(block).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(BLOCK_MAGIC).putInt(length).putLong(blockNumber).putLong(position);
    bytes.get(block, BLOCK_HEADER_BYTES, length);
    try {
      java.util.Objects.requireNonNull(sealer)
          .cipher(Cipher.ENCRYPT_MODE, blockNumber, block, BLOCK_HEADER_BYTES)
          .doFinal(block, BLOCK_HEADER_BYTES, length, block, BLOCK_HEADER_BYTES);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("ChaCha20-Poly1305 of the JDK fails", e);
    }
    java.util.Objects.requireNonNull(file).write(ByteBuffer.wrap(block, 0, stored), fileEnd);
    fileEnd += stored;
    blockNumber++;
    written.getLast().end = position + length;
  }

  /// Makes durable what was appended.
  void sync() throws IOException {
    if (file != null) {
      file.sync();
    }
  }

  /// Deletes files that hold only what lies before `position`, but for the one being written. One
  /// is gone for good before the next one goes: a reader stops at a gap between files, and a power
  /// cut may bring back the older of two.
  void freeUpTo(long position) throws IOException {
    while (oldestEnd() <= position) {
      directory.delete(written.removeFirst().name);
      directory.sync();
    }
  }

  /// Where the oldest file ends, if it is full; otherwise far away.
  long oldestEnd() {
    return written.size() > 1 ? written.getFirst().end : Long.MAX_VALUE;
  }

  @Override
  public void close() throws IOException {
    if (file != null) {
      file.close();
      file = null;
    }
  }
}
