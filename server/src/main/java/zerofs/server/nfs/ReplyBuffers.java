package zerofs.server.nfs;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import zerofs.fs.Filesystem;

/// Direct buffers for what is large, reused. How many are out at a time is bounded by [WireMemory].
final class ReplyBuffers {
  private static final int MIDDLE_BYTES = 72 << 10;
  private static final int LISTING_BYTES = 300 << 10;
  private static final int LARGE_BYTES = Filesystem.IO_BYTES_MAX + (136 << 10);

  /// Buffers of each size that are kept.
  private static final int KEPT_MAX = 8;

  private final Pool middle = new Pool(MIDDLE_BYTES);
  private final Pool listing = new Pool(LISTING_BYTES);
  private final Pool large = new Pool(LARGE_BYTES);

  private static final class Pool {
    private final ConcurrentLinkedQueue<ByteBuffer> free = new ConcurrentLinkedQueue<>();
    private final AtomicInteger count = new AtomicInteger();
    private final int bytes;

    Pool(int bytes) {
      this.bytes = bytes;
    }

    ByteBuffer take() {
      ByteBuffer buffer = free.poll();
      if (buffer == null) {
        return ByteBuffer.allocateDirect(bytes);
      }
      count.decrementAndGet();
      return buffer.clear();
    }

    void giveBack(ByteBuffer buffer) {
      if (count.incrementAndGet() <= KEPT_MAX) {
        free.add(buffer);
      } else {
        count.decrementAndGet();
      }
    }
  }

  /// Bytes of the buffer that is taken for `bytes`.
  static int capacity(int bytes) {
    if (bytes > LARGE_BYTES) {
      throw new IllegalArgumentException(bytes + " bytes");
    }
    if (bytes <= MIDDLE_BYTES) {
      return MIDDLE_BYTES;
    }
    return bytes <= LISTING_BYTES ? LISTING_BYTES : LARGE_BYTES;
  }

  /// A buffer of at least `bytes`.
  ByteBuffer take(int bytes) {
    return pool(capacity(bytes)).take();
  }

  void giveBack(ByteBuffer buffer) {
    pool(buffer.capacity()).giveBack(buffer);
  }

  private Pool pool(int capacity) {
    return switch (capacity) {
      case MIDDLE_BYTES -> middle;
      case LISTING_BYTES -> listing;
      default -> large;
    };
  }
}
