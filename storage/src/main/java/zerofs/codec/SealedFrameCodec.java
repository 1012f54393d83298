package zerofs.codec;

import com.github.luben.zstd.Zstd;
import com.github.luben.zstd.ZstdCompressCtx;
import com.github.luben.zstd.ZstdDecompressCtx;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.GeneralSecurityException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import net.jpountz.lz4.LZ4Compressor;
import net.jpountz.lz4.LZ4Exception;
import net.jpountz.lz4.LZ4Factory;
import net.jpountz.lz4.LZ4SafeDecompressor;
import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StorageException;

/// [FrameCodec] with XChaCha20-Poly1305, zstd and lz4.
///
/// XChaCha20 is HChaCha20 over the first 16 bytes of the nonce, then ChaCha20-Poly1305 (RFC 8439)
/// with the last 8: the first 16 are the same for all frames of an object, so the subkey is derived
/// once per [FrameCodec.ObjectKey], and a frame costs what the JDK's cipher costs.
public final class SealedFrameCodec implements FrameCodec {
  /// Largest frame, bytes of plain data.
  public static final int PLAIN_BYTES_MAX = 1 << 20;

  private static final byte RAW = 0;
  private static final byte ZSTD = 1;
  private static final byte LZ4 = 2;

  /// Of whoever leaves the choice to others.
  private static final int AUTO_LEVEL = 3;

  /// An extent and its overhead, or a block of rows.
  private static final int SEALED_BYTES = (32 << 10) + OVERHEAD_BYTES;

  /// Plain bytes up to which a small context does: an extent, a block of rows.
  private static final int SMALL_BYTES = 40 << 10;

  /// Contexts that are kept. More are made when more tasks are at it at a time, and go afterwards;
  /// each is about half a MiB when it was used.
  private static final int CONTEXTS_MAX = Math.max(8, Runtime.getRuntime().availableProcessors());

  /// The same for frames of up to a MiB, of rows in a log object: about 4 MiB each.
  private static final int LARGE_CONTEXTS_MAX = 1;

  /// Of the whole process: they hold memory of native libraries, which nobody would free with a
  /// codec that is only forgotten.
  private static final BlockingQueue<Context> CONTEXTS = new ArrayBlockingQueue<>(CONTEXTS_MAX);

  private static final BlockingQueue<Context> LARGE_CONTEXTS =
      new ArrayBlockingQueue<>(LARGE_CONTEXTS_MAX);

  private final Keys keys;

  public SealedFrameCodec(Keys keys) {
    this.keys = keys;
  }

  private record SubKey(SecretKeySpec key) implements ObjectKey {
    @Override
    public String toString() {
      return "SubKey[secret]";
    }
  }

  @Override
  public ObjectKey objectKey(ObjectId object, byte[] epochSalt) {
    byte[] name =
        ByteBuffer.allocate(16)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put((byte) object.kind().code())
            .putInt(object.epoch())
            .putLong(object.number())
            .array();
    byte[] key = keys.derive("zerofs object v1", epochSalt, name);
    return new SubKey(new SecretKeySpec(ChaCha.hchacha20(key, name), "ChaCha20"));
  }

  @Override
  public int encode(
      ObjectKey key,
      long frame,
      byte[] aad,
      ByteBuffer source,
      Compression compression,
      ByteBuffer target) {
    int plainBytes = source.remaining();
    if (plainBytes > PLAIN_BYTES_MAX) {
      throw new IllegalArgumentException("frame of " + plainBytes + " bytes");
    }
    Context context = borrow(plainBytes);
    try {
      ByteBuffer payload = context.compress(source.duplicate(), compression);
      Cipher cipher = context.encryptor(key, frame);
      cipher.updateAAD(aad);
      return context.seal(cipher, payload, target);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("sealing a frame failed", e);
    } finally {
      giveBack(context);
    }
  }

  @Override
  public int decode(ObjectKey key, long frame, byte[] aad, ByteBuffer source, ByteBuffer target)
      throws StorageException.Corrupt {
    int sealedBytes = source.remaining();
    if (sealedBytes < OVERHEAD_BYTES || sealedBytes > PLAIN_BYTES_MAX + OVERHEAD_BYTES) {
      throw new StorageException.Corrupt("frame " + frame + " of " + sealedBytes + " bytes");
    }
    Context context = borrow(Math.max(sealedBytes, target.remaining()));
    try {
      Cipher cipher = context.decryptor(key, frame);
      cipher.updateAAD(aad);
      context.payload.clear();
      cipher.doFinal(source.duplicate(), context.payload);
      return context.decompress(context.payload.flip(), target);
    } catch (AEADBadTagException e) {
      throw new StorageException.Corrupt(
          "frame " + frame + " of " + sealedBytes + " bytes fails its authentication", e);
    } catch (GeneralSecurityException e) {
      throw new StorageException.Corrupt("frame " + frame + " does not open", e);
    } finally {
      giveBack(context);
    }
  }

  private static Context borrow(int plainBytes) {
    boolean isSmall = plainBytes <= SMALL_BYTES;
    Context context = (isSmall ? CONTEXTS : LARGE_CONTEXTS).poll();
    return context == null ? new Context(isSmall ? SMALL_BYTES : PLAIN_BYTES_MAX) : context;
  }

  private static void giveBack(Context context) {
    boolean isSmall = context.plainBytesMax == SMALL_BYTES;
    if (!(isSmall ? CONTEXTS : LARGE_CONTEXTS).offer(context)) {
      context.close();
    }
  }

  /// What one thread needs to encode or decode a frame.
  private static final class Context {
    private final int plainBytesMax;

    /// Compressed, or as it is.
    private final ByteBuffer payload;

    // Made when they are needed: most contexts only decode.
    private @Nullable ByteBuffer plain;
    private @Nullable ZstdCompressCtx compressor;
    private @Nullable ZstdDecompressCtx decompressor;
    private final LZ4Compressor lz4 = LZ4Factory.fastestInstance().fastCompressor();
    private final LZ4SafeDecompressor unlz4 = LZ4Factory.fastestInstance().safeDecompressor();
    private final Cipher encryptor = cipher();
    private final Cipher decryptor = cipher();

    /// Room for the frame of an extent.
    private final byte[] sealed = new byte[SEALED_BYTES];

    private int level;

    Context(int plainBytesMax) {
      this.plainBytesMax = plainBytesMax;
      this.payload = ByteBuffer.allocateDirect(1 + bound(plainBytesMax));
    }

    /// What the compressors want as room (LZ4_compressBound is the other one).
    private static int bound(int plainBytes) {
      return Math.max((int) Zstd.compressBound(plainBytes), plainBytes + plainBytes / 255 + 16);
    }

    private static Cipher cipher() {
      try {
        return Cipher.getInstance("ChaCha20-Poly1305");
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("the JDK lacks ChaCha20-Poly1305", e);
      }
    }

    private static IvParameterSpec nonce(long frame) {
      return new IvParameterSpec(
          ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putLong(4, frame).array());
    }

    Cipher encryptor(ObjectKey key, long frame) throws GeneralSecurityException {
      SecretKeySpec spec = ((SubKey) key).key();
      try {
        encryptor.init(Cipher.ENCRYPT_MODE, spec, nonce(frame));
        return encryptor;
      } catch (java.security.InvalidKeyException e) {
        // The cipher refuses the key and nonce it has just used. A frame that is encoded again has
        // the same bytes, so this is no reuse; a fresh cipher does it.
        Cipher fresh = cipher();
        fresh.init(Cipher.ENCRYPT_MODE, spec, nonce(frame));
        return fresh;
      }
    }

    Cipher decryptor(ObjectKey key, long frame) throws GeneralSecurityException {
      decryptor.init(Cipher.DECRYPT_MODE, ((SubKey) key).key(), nonce(frame));
      return decryptor;
    }

    /// Encrypts in an array that is kept: given a direct buffer, the JDK's cipher makes one as
    /// large as the frame each time.
    int seal(Cipher cipher, ByteBuffer plain, ByteBuffer target) throws GeneralSecurityException {
      int plainBytes = plain.remaining();
      if (plainBytes + OVERHEAD_BYTES > sealed.length) {
        return cipher.doFinal(plain, target);
      }
      plain.get(sealed, 0, plainBytes);
      int sealedBytes = cipher.doFinal(sealed, 0, plainBytes, sealed, 0);
      target.put(sealed, 0, sealedBytes);
      return sealedBytes;
    }

    ByteBuffer compress(ByteBuffer source, Compression compression) {
      int plainBytes = source.remaining();
      payload.clear();
      int compressed =
          switch (compression) {
            case Compression.None() -> plainBytes;
            case Compression.Auto() -> zstd(direct(source), AUTO_LEVEL);
            case Compression.Zstd(int wanted) -> zstd(direct(source), wanted);
            case Compression.Lz4() -> lz4(direct(source));
          };
      boolean pays = compressed < plainBytes - plainBytes / 20;
      if (!pays) {
        payload.put(RAW).put(source);
        return payload.flip();
      }
      payload.put(0, compression instanceof Compression.Lz4 ? LZ4 : ZSTD);
      return payload.position(0).limit(1 + compressed);
    }

    /// The native compressors read direct buffers without a copy of their own; a heap source is
    /// metadata.
    private ByteBuffer direct(ByteBuffer source) {
      return source.isDirect() ? source : plain().put(source.duplicate()).flip();
    }

    /// A buffer that is kept: who makes direct ones all the time has memory taken until the
    /// collector runs.
    private ByteBuffer plain() {
      ByteBuffer kept = plain;
      if (kept == null) {
        kept = ByteBuffer.allocateDirect(plainBytesMax);
        plain = kept;
      }
      return kept.clear();
    }

    private int zstd(ByteBuffer source, int wanted) {
      ZstdCompressCtx with = compressor;
      if (with == null) {
        with = new ZstdCompressCtx();
        compressor = with;
      }
      if (level != wanted) {
        with.setLevel(wanted);
        level = wanted;
      }
      return with.compressDirectByteBuffer(
          payload, 1, payload.capacity() - 1, source, source.position(), source.remaining());
    }

    private int lz4(ByteBuffer source) {
      return lz4.compress(
          source, source.position(), source.remaining(), payload, 1, payload.capacity() - 1);
    }

    int decompress(ByteBuffer in, ByteBuffer target) throws StorageException.Corrupt {
      byte algorithm = in.get();
      switch (algorithm) {
        case RAW -> {
          int bytes = in.remaining();
          require(bytes <= target.remaining(), bytes);
          target.put(in);
          return bytes;
        }
        case ZSTD -> {
          return unzstd(in, target);
        }
        case LZ4 -> {
          try {
            int bytes =
                unlz4.decompress(
                    in,
                    in.position(),
                    in.remaining(),
                    target,
                    target.position(),
                    target.remaining());
            target.position(target.position() + bytes);
            return bytes;
          } catch (LZ4Exception e) {
            throw new StorageException.Corrupt("lz4 data does not decode", e);
          }
        }
        default -> throw new StorageException.Corrupt("compression algorithm " + algorithm);
      }
    }

    private int unzstd(ByteBuffer in, ByteBuffer target) throws StorageException.Corrupt {
      ZstdDecompressCtx with = decompressor;
      if (with == null) {
        with = new ZstdDecompressCtx();
        decompressor = with;
      }
      try {
        if (target.isDirect()) {
          int bytes =
              with.decompressDirectByteBuffer(
                  target, target.position(), target.remaining(), in, in.position(), in.remaining());
          target.position(target.position() + bytes);
          return bytes;
        }
        ByteBuffer direct = plain();
        int room = Math.min(target.remaining(), direct.capacity());
        int bytes =
            with.decompressDirectByteBuffer(direct, 0, room, in, in.position(), in.remaining());
        target.put(direct.limit(bytes));
        return bytes;
      } catch (com.github.luben.zstd.ZstdException e) {
        throw new StorageException.Corrupt("zstd data does not decode", e);
      }
    }

    private static void require(boolean fits, int bytes) throws StorageException.Corrupt {
      if (!fits) {
        throw new StorageException.Corrupt("frame holds " + bytes + " bytes, more than expected");
      }
    }

    void close() {
      if (compressor != null) {
        compressor.close();
      }
      if (decompressor != null) {
        decompressor.close();
      }
    }
  }
}
