package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.Keys;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.page.DrainMemory;
import zerofs.fs.page.Page;
import zerofs.fs.page.Reservation;
import zerofs.fs.page.Slab;
import zerofs.fs.page.SlabMemory;
import zerofs.objectstore.StorageException;

/// A generation is encoded whole or not at all.
class EncoderTest {
  private static final int PAGES = 64;
  private static final int PAGE_BYTES = 32 << 10;

  private final Tasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final Slab slab = new Slab(4L << 20, SlabMemory.direct(), tasks);
  private final SealedFrameCodec real = new SealedFrameCodec(new Keys(new byte[32], new byte[16]));
  private final ObjectId id = new ObjectId(ObjectId.Kind.LOG, 1, 1);

  private Encoder.Encoded encode(FrameCodec codec) throws StorageException {
    Generation generation = new Generation(1, 0, 0);
    byte[] bytes = new byte[PAGE_BYTES];
    Arrays.fill(bytes, (byte) 7);
    try (Reservation memory = Objects.requireNonNull(Reservation.tryReserve(slab, PAGES))) {
      for (int i = 0; i < PAGES; i++) {
        Page page = Page.full(memory, 2, i, PAGE_BYTES, 1);
        page.write(memory, 0, PAGE_BYTES, ByteBuffer.wrap(bytes));
        generation.add(page);
      }
    }
    DrainMemory drain = new DrainMemory(ByteBuffer.allocateDirect(4 << 20), tasks);
    AdaptiveCompression compression = new AdaptiveCompression(new Compression.None(), 4);
    return new Encoder(codec, drain, tasks, compression, 2)
        .encode(generation, id, real.objectKey(id, new byte[16]));
  }

  @Test
  void allPagesAreThere() throws StorageException {
    Encoder.Encoded encoded = encode(real);
    assertThat(encoded.frames()).hasSize(PAGES);
    encoded.memory().close();
  }

  /// As when memory for a context of the compressor can't be had.
  @Test
  void anErrorOfAWorkerIsAFailure() {
    Thread caller = Thread.currentThread();
    CountDownLatch thrown = new CountDownLatch(1);
    FrameCodec failing =
        new FrameCodec() {
          @Override
          public ObjectKey objectKey(ObjectId object, byte[] epochSalt) {
            return real.objectKey(object, epochSalt);
          }

          @Override
          public int encode(
              ObjectKey key,
              long frame,
              byte[] aad,
              ByteBuffer source,
              Compression compression,
              ByteBuffer target) {
            if (Thread.currentThread() == caller) {
              awaitUninterruptibly(thrown);
              return real.encode(key, frame, aad, source, compression, target);
            }
            thrown.countDown();
            throw new OutOfMemoryError("Cannot reserve bytes of direct buffer memory");
          }

          @Override
          public int decode(
              ObjectKey key, long frame, byte[] aad, ByteBuffer source, ByteBuffer target) {
            throw new UnsupportedOperationException();
          }
        };
    assertThatThrownBy(() -> encode(failing)).hasRootCauseInstanceOf(OutOfMemoryError.class);
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
