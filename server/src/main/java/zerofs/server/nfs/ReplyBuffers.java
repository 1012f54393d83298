package zerofs.server.nfs;

import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import zerofs.fs.Filesystem;

/// Direct buffers for replies, reused: small ones for most, large ones for reads and listings.
final class ReplyBuffers {
  private static final int SMALL_BYTES = 8 << 10;
  private static final int LARGE_BYTES = Filesystem.IO_BYTES_MAX + SMALL_BYTES;
  private static final int LISTING_BYTES = 300 << 10;

  /// Buffers of each size that are kept.
  private static final int KEPT_MAX = 16;

  private final Pool small = new Pool(SMALL_BYTES);
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

  /// A buffer for a reply of at most `bytes` besides its header.
  ByteBuffer take(int bytes) {
    if (bytes <= SMALL_BYTES / 2) {
      return small.take();
    }
    return bytes <= LISTING_BYTES - SMALL_BYTES ? listing.take() : large.take();
  }

  void giveBack(ByteBuffer buffer) {
    switch (buffer.capacity()) {
      case SMALL_BYTES -> small.giveBack(buffer);
      case LISTING_BYTES -> listing.giveBack(buffer);
      case LARGE_BYTES -> large.giveBack(buffer);
      default -> {} // A copy out of the reply cache.
    }
  }
}
