package zerofs.bench;

import com.github.luben.zstd.ZstdCompressCtx;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.SplittableRandom;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Factory;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.ThreadParams;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.Keys;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;

/// What the machine can do with 32 KiB: what the engine's rows are read against.
public class CalibrationBench {
  static final int BLOCK_BYTES = 32 << 10;
  private static final byte[] NO_AAD = {};

  /// Text in blocks, more than fits into a core's caches.
  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public abstract static class Blocks {
    @Param("64")
    public int textMib;

    ByteBuffer text;
    ByteBuffer target;
    private SplittableRandom random;

    @Setup
    public void makeText(ThreadParams thread) {
      text = Text.direct(textMib << 20, 1);
      target = ByteBuffer.allocateDirect(2 * BLOCK_BYTES);
      random = new SplittableRandom(thread.getThreadIndex());
    }

    int offset() {
      return random.nextInt(text.capacity() / BLOCK_BYTES) * BLOCK_BYTES;
    }

    ByteBuffer block() {
      return text.slice(offset(), BLOCK_BYTES);
    }
  }

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Copy extends Blocks {
    private int last;

    void copy() {
      last = offset();
      target.put(0, text, last, BLOCK_BYTES);
    }

    @TearDown
    public void check() {
      Checked.that(
          target.slice(0, BLOCK_BYTES).equals(text.slice(last, BLOCK_BYTES)), "the copy differs");
      Checked.done(Checked.hash(text.slice(0, BLOCK_BYTES)), "");
    }
  }

  @Benchmark
  public void memcpy(Copy copy) {
    copy.copy();
  }

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Seal extends Blocks {
    private Cipher cipher;
    private SecretKeySpec key;
    private ByteBuffer sealed;
    private long number;

    @Setup
    public void setup() throws GeneralSecurityException {
      cipher = Cipher.getInstance("ChaCha20-Poly1305");
      key = new SecretKeySpec(new byte[32], "ChaCha20");
      sealed = ByteBuffer.allocate(BLOCK_BYTES + FrameCodec.OVERHEAD_BYTES);
    }

    int seal(ByteBuffer plain, int mode, ByteBuffer out) throws GeneralSecurityException {
      byte[] nonce =
          ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putLong(4, number).array();
      cipher.init(mode, key, new IvParameterSpec(nonce));
      cipher.updateAAD(NO_AAD);
      return cipher.doFinal(plain, out);
    }

    @TearDown
    public void check() throws GeneralSecurityException {
      number = 1L << 40;
      ByteBuffer block = text.slice(0, BLOCK_BYTES);
      seal(block.duplicate(), Cipher.ENCRYPT_MODE, sealed.clear());
      long hash = Checked.hash(sealed.flip());
      ByteBuffer plain = ByteBuffer.allocate(BLOCK_BYTES);
      seal(sealed, Cipher.DECRYPT_MODE, plain);
      Checked.that(plain.flip().equals(block), "what was sealed does not open");
      Checked.done(hash, "");
    }
  }

  /// With a subkey that is there already, as the codec has it per object.
  @Benchmark
  public int seal(Seal seal) throws GeneralSecurityException {
    seal.number++;
    return seal.seal(seal.block(), Cipher.ENCRYPT_MODE, seal.sealed.clear());
  }

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Compressors extends Blocks {
    private ZstdCompressCtx zstd;
    private LZ4Compressor lz4;

    @Setup
    public void setup() {
      zstd = new ZstdCompressCtx();
      zstd.setLevel(3);
      lz4 = LZ4Factory.fastestInstance().fastCompressor();
    }

    @TearDown
    public void check() {
      ByteBuffer block = text.slice(0, BLOCK_BYTES);
      int byZstd = zstd(block);
      long hash = Checked.hash(target.slice(0, byZstd));
      int byLz4 = lz4(block);
      hash ^= Checked.hash(target.slice(0, byLz4));
      Checked.that(byZstd > 0 && byLz4 > byZstd && byLz4 < BLOCK_BYTES, "nothing was compressed");
      Checked.done(
          hash,
          "ratio zstd-3 %.2f, lz4 %.2f"
              .formatted((double) BLOCK_BYTES / byZstd, (double) BLOCK_BYTES / byLz4));
      zstd.close();
    }

    int zstd(ByteBuffer source) {
      return zstd.compressDirectByteBuffer(target, 0, target.capacity(), source, 0, BLOCK_BYTES);
    }

    int lz4(ByteBuffer source) {
      return lz4.compress(source, 0, BLOCK_BYTES, target, 0, target.capacity());
    }
  }

  @Benchmark
  public int zstd3(Compressors compressors) {
    return compressors.zstd(compressors.block());
  }

  @Benchmark
  public int lz4(Compressors compressors) {
    return compressors.lz4(compressors.block());
  }

  /// The codec of frames, one for all threads as in a volume.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Codec {
    @Param({"zstd-3", "lz4"})
    public String compression;

    private FrameCodec codec;
    private FrameCodec.ObjectKey key;
    private Compression method;

    @Setup
    public void setup() {
      codec = new SealedFrameCodec(new Keys(new byte[32], new byte[16]));
      key = codec.objectKey(new ObjectId(ObjectId.Kind.LOG, 1, 1), new byte[16]);
      method = Compression.parse(compression);
    }

    int encode(long number, ByteBuffer block, ByteBuffer out) {
      return codec.encode(key, number, NO_AAD, block, method, out);
    }
  }

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Frame extends Blocks {
    private long number;
    private ByteBuffer out;

    @Setup
    public void setup(ThreadParams thread) {
      number = (long) thread.getThreadIndex() << 32;
      out = ByteBuffer.allocate(BLOCK_BYTES + FrameCodec.OVERHEAD_BYTES);
    }

    @TearDown
    public void check(Codec codec) throws Exception {
      ByteBuffer block = text.slice(0, BLOCK_BYTES);
      codec.encode(1L << 40, block, out.clear());
      ByteBuffer plain = ByteBuffer.allocateDirect(BLOCK_BYTES);
      codec.codec.decode(codec.key, 1L << 40, NO_AAD, out.flip(), plain);
      Checked.that(plain.flip().equals(block), "a frame does not decode");
      Checked.done(Checked.hash(out), "");
    }
  }

  /// Compresses and seals a block.
  @Benchmark
  public int frame(Codec codec, Frame frame) {
    return codec.encode(frame.number++, frame.block(), frame.out.clear());
  }
}
