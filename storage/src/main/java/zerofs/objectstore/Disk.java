package zerofs.objectstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import zerofs.objectstore.ObjectStore.Body;

/// Where a full disk is met: the seam through which tests have smaller ones.
public interface Disk {
  /// With less than this left, whatever failed did so for want of room.
  long FULL_BYTES = 64 << 10;

  /// Makes a file of the bytes of a body, synced.
  void write(Path file, Body body) throws IOException;

  /// Bytes that may still be written to the disk that holds `directory`; Long.MAX_VALUE when nobody
  /// knows.
  long usableBytes(Path directory);

  /// Bytes of that disk, used and free; Long.MAX_VALUE when nobody knows.
  long totalBytes(Path directory);

  /// Whether a write failed because the disk is full.
  default boolean isFull(Path directory, IOException e) {
    String message = String.valueOf(e.getMessage()); // In the language of the user.
    return message.contains("No space left")
        || message.contains("quota exceeded")
        || usableBytes(directory) < FULL_BYTES;
  }

  /// The disk that the operating system has there.
  final class Real implements Disk {
    @Override
    public void write(Path path, Body body) throws IOException {
      try (FileChannel file =
          FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        ByteBuffer[] parts =
            body.parts().stream().map(ByteBuffer::duplicate).toArray(ByteBuffer[]::new);
        if (!body.begin()) {
          throw new IOException("the body for " + path + " was taken back");
        }
        try {
          long left = body.bytes();
          while (left > 0) {
            left -= file.write(parts);
          }
        } finally {
          body.end();
        }
        file.force(false);
      }
    }

    @Override
    public long usableBytes(Path directory) {
      boolean isKnown = directory.toFile().getTotalSpace() > 0;
      return isKnown ? directory.toFile().getUsableSpace() : Long.MAX_VALUE;
    }

    @Override
    public long totalBytes(Path directory) {
      long bytes = directory.toFile().getTotalSpace();
      return bytes > 0 ? bytes : Long.MAX_VALUE;
    }
  }
}
