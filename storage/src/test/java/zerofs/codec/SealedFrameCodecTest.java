package zerofs.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.objectstore.StorageException;

class SealedFrameCodecTest {
  private static final byte[] SALT = new byte[16];
  private static final ObjectId ID = new ObjectId(ObjectId.Kind.LOG, 3, 77);

  private final FrameCodec codec = new SealedFrameCodec(new Keys(new byte[32], new byte[16]));

  private byte[] encode(byte[] plain, Compression compression) {
    ByteBuffer out = ByteBuffer.allocate(plain.length + FrameCodec.OVERHEAD_BYTES);
    codec.encode(
        codec.objectKey(ID, SALT), 5, new byte[0], ByteBuffer.wrap(plain), compression, out);
    byte[] frame = new byte[out.position()];
    out.flip().get(frame);
    return frame;
  }

  private byte[] decode(ObjectId id, long number, byte[] frame, int max) throws StorageException {
    ByteBuffer out = ByteBuffer.allocateDirect(max);
    codec.decode(codec.objectKey(id, SALT), number, new byte[0], ByteBuffer.wrap(frame), out);
    byte[] plain = new byte[out.position()];
    out.flip().get(plain);
    return plain;
  }

  /// draft-irtf-cfrg-xchacha-03 §2.2.1.
  @Test
  void hchacha20FitsTheVectorOfTheDraft() {
    HexFormat hex = HexFormat.of();
    byte[] key = hex.parseHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    byte[] nonce = hex.parseHex("000000090000004a0000000031415927");
    assertThat(hex.formatHex(ChaCha.hchacha20(key, nonce)))
        .isEqualTo("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc");
  }

  @Test
  void whatIsEncodedDecodesWhateverTheCompressionAndSize() throws Exception {
    Random random = new Random(1);
    List<Compression> all =
        List.of(new Compression.None(), new Compression.Lz4(), new Compression.Zstd(3));
    for (Compression compression : all) {
      for (int size : new int[] {0, 1, 15, 100, 4096, 32768, 65537, 1 << 20}) {
        byte[] noise = new byte[size];
        random.nextBytes(noise);
        assertThat(decode(ID, 5, encode(noise, compression), size)).isEqualTo(noise);
        byte[] text = new byte[size];
        byte[] frame = encode(text, compression);
        assertThat(decode(ID, 5, frame, size)).isEqualTo(text);
        if (size > 1000 && !(compression instanceof Compression.None)) {
          assertThat(frame.length).isLessThan(size / 2);
        }
      }
    }
  }

  @Test
  void everyFlippedBitIsRefused() {
    byte[] frame =
        encode(
            "some bytes that matter".getBytes(java.nio.charset.StandardCharsets.UTF_8),
            new Compression.None());
    for (int bit = 0; bit < frame.length * 8; bit++) {
      byte[] damaged = frame.clone();
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> decode(ID, 5, damaged, 100))
          .isInstanceOf(StorageException.Corrupt.class);
    }
  }

  @Test
  void aFrameOfAnotherPlaceIsRefused() {
    byte[] frame = encode(new byte[100], new Compression.Zstd(1));
    ObjectId other = new ObjectId(ObjectId.Kind.LOG, 3, 78);
    assertThatThrownBy(() -> decode(ID, 6, frame, 100))
        .isInstanceOf(StorageException.Corrupt.class);
    assertThatThrownBy(() -> decode(other, 5, frame, 100))
        .isInstanceOf(StorageException.Corrupt.class);
    assertThatThrownBy(() -> decode(ID, 5, frame, 99)).isInstanceOf(StorageException.Corrupt.class);
  }
}
