package zerofs.objectstore;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/// Reads the bytes of a body in order, straight from its buffers, as long as they are not taken
/// back. One thread.
final class BodyStream extends InputStream {
  private final ObjectStore.Body body;
  private final Deque<ByteBuffer> parts = new ArrayDeque<>();

  BodyStream(ObjectStore.Body body) {
    this.body = body;
    for (ByteBuffer part : body.parts()) {
      parts.add(part.duplicate());
    }
  }

  @Override
  public int read() throws IOException {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) throws IOException {
    while (!parts.isEmpty() && !parts.getFirst().hasRemaining()) {
      parts.removeFirst();
    }
    if (parts.isEmpty()) {
      return length == 0 ? 0 : -1;
    }
    if (!body.begin()) {
      throw new IOException("the body was taken back");
    }
    try {
      int count = Math.min(length, parts.getFirst().remaining());
      parts.getFirst().get(target, offset, count);
      return count;
    } finally {
      body.end();
    }
  }

  @Override
  public int available() {
    return parts.isEmpty() ? 0 : parts.getFirst().remaining();
  }
}
