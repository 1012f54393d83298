package zerofs.server.nfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import zerofs.base.Tasks;

/// What one connection sends. Small replies that its own thread makes are gathered and sent
/// together; waiting tasks send theirs at once.
final class ReplyOutput {
  /// Room for any reply but those of READ, READDIR and READDIRPLUS.
  static final int SMALL_BYTES = 8 << 10;

  private static final int BATCH_BYTES = 4 * SMALL_BYTES;

  private final SocketChannel channel;
  private final Tasks tasks;
  private final Tasks.Mutex sending;
  private final ByteBuffer batch = ByteBuffer.allocateDirect(BATCH_BYTES);
  private volatile long sendingSinceNanos = Long.MAX_VALUE;

  ReplyOutput(SocketChannel channel, Tasks tasks) {
    this.channel = channel;
    this.tasks = tasks;
    this.sending = tasks.newMutex("connection sending");
  }

  /// Since when the client takes nothing; Long.MAX_VALUE when nothing is being sent. Any thread.
  long sendingSinceNanos() {
    return sendingSinceNanos;
  }

  /// Room for a small reply in the batch. The connection's thread.
  ByteBuffer slot() throws IOException {
    if (batch.remaining() < SMALL_BYTES) {
      flush();
    }
    return batch.slice(batch.position(), SMALL_BYTES);
  }

  /// Adds a reply that was written to the last [#slot]. The connection's thread.
  void addSlot(ByteBuffer reply) {
    batch.position(batch.position() + reply.limit());
  }

  /// Adds a small reply. The connection's thread.
  void add(ByteBuffer reply) throws IOException {
    if (batch.remaining() < reply.remaining()) {
      flush();
    }
    batch.put(reply);
  }

  /// Sends the batch. The connection's thread.
  void flush() throws IOException {
    if (batch.position() > 0) {
      send(batch.flip());
      batch.clear();
    }
  }

  /// Sends the batch, and a large reply after it. The connection's thread.
  void flushWith(ByteBuffer reply) throws IOException {
    send(batch.flip(), reply);
    batch.clear();
  }

  /// Sends replies. Any thread.
  void send(ByteBuffer... parts) throws IOException {
    sending.lock();
    try {
      long left = 0;
      for (ByteBuffer each : parts) {
        left += each.remaining();
      }
      while (left > 0) {
        sendingSinceNanos = tasks.nanoTime();
        left -= channel.write(parts);
      }
    } finally {
      sendingSinceNanos = Long.MAX_VALUE;
      sending.unlock();
    }
  }
}
