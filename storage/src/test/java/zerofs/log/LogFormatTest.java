package zerofs.log;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import zerofs.codec.Keys;
import zerofs.codec.SealedFrameCodec;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.StorageException;

/// Log objects whose footers lie: nobody vouches for a footer until the delta has been opened.
class LogFormatTest {
  private static final byte[] DELTA = new byte[700_000];
  private final LogFormat format =
      new LogFormat(new SealedFrameCodec(new Keys(new byte[32], new byte[16])), new byte[16]);

  private ByteBuffer object() {
    LogHeader header =
        new LogHeader(
            LogHeader.Kind.SEGMENT,
            1,
            5,
            "0".repeat(32),
            "1".repeat(32),
            LogHeader.NO_NONCE,
            4,
            9,
            9);
    new Random(1).nextBytes(DELTA);
    ByteBuffer out = ByteBuffer.allocate(1 << 20);
    format
        .segment(
            header,
            List.of(ByteBuffer.allocate(100)),
            List.of(new FrameOwner(0, 100, 7, 0, false)),
            ByteBuffer.wrap(DELTA))
        .parts()
        .forEach(out::put);
    return ByteBuffer.wrap(java.util.Arrays.copyOf(out.array(), out.position()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  private LogFormat.LogObject decode(ByteBuffer object) throws StorageException {
    return format.decode(
        1,
        5,
        new Fetched(object.slice(), object.limit()),
        (offset, length) -> {
          throw new AssertionError("all bytes are there");
        });
  }

  private static int footer(ByteBuffer object) {
    return object.limit() - LogFormat.FOOTER_BYTES;
  }

  private static void sign(ByteBuffer object) {
    CRC32C crc = new CRC32C();
    crc.update(object.slice(footer(object), LogFormat.FOOTER_BYTES - 4));
    object.putInt(object.limit() - 4, (int) crc.getValue());
  }

  @Test
  void aWholeObjectIsRead() throws Exception {
    LogFormat.LogObject read = decode(object());
    assertThat(read.header().lastSequence()).isEqualTo(9);
    assertThat(read.delta()).isEqualTo(ByteBuffer.wrap(DELTA));
  }

  @Test
  void aFooterCannotAskForMoreMemoryThanItsPiecesFill() {
    ByteBuffer object = object();
    object.putInt(footer(object) + 124, 200 << 20);
    sign(object);
    assertThatThrownBy(() -> decode(object))
        .isInstanceOf(StorageException.Corrupt.class)
        .hasMessageContaining("a section of 209715200 bytes");
  }

  @Test
  void aChangedFooterIsRefusedAndNeverBreaksTheReader() {
    Random random = new Random(2);
    for (int round = 0; round < 300; round++) {
      ByteBuffer object = object();
      // Beyond the identity: a fence or other numbers would be another object, which AAD refuses.
      int at = footer(object) + 112 + 4 * random.nextInt(9);
      int value = random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(1 << 20);
      boolean isUsed = at - footer(object) < 132 || at - footer(object) >= 144;
      if (!isUsed || object.getInt(at) == value) {
        continue;
      }
      object.putInt(at, value);
      sign(object);
      assertThatThrownBy(() -> decode(object)).isInstanceOf(StorageException.class);
    }
  }
}
