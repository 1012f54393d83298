package zerofs.objectstore;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/// Reads the bytes of a body in order, straight from its buffers. One thread.
final class BodyStream extends InputStream {
  private final Deque<ByteBuffer> parts = new ArrayDeque<>();

  BodyStream(ObjectStore.Body body) {
    for (ByteBuffer part : body.parts()) {
      parts.add(part.duplicate());
    }
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] target, int offset, int length) {
    while (!parts.isEmpty() && !parts.getFirst().hasRemaining()) {
      parts.removeFirst();
    }
    if (parts.isEmpty()) {
      return length == 0 ? 0 : -1;
    }
    int count = Math.min(length, parts.getFirst().remaining());
    parts.getFirst().get(target, offset, count);
    return count;
  }

  @Override
  public int available() {
    return parts.isEmpty() ? 0 : parts.getFirst().remaining();
  }
}
