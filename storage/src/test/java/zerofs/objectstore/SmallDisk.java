package zerofs.objectstore;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import zerofs.objectstore.ObjectStore.Body;

/// A disk of a few bytes: what lies below a directory counts, whatever its names are.
public final class SmallDisk implements Disk {
  private final Disk disk = new Disk.Real();
  private final Path root;
  private final long total;
  private volatile long others;

  public SmallDisk(Path root, long total) {
    this.root = root;
    this.total = total;
  }

  /// Others take up, or free, what leaves so many bytes.
  public void leave(long bytes) {
    others = total - used() - bytes;
  }

  private long used() {
    Set<Object> counted = ConcurrentHashMap.newKeySet(); // A file may have two names for a moment.
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(Files::isRegularFile).mapToLong(each -> bytes(each, counted)).sum();
    } catch (IOException | UncheckedIOException e) {
      return Files.exists(root) ? used() : 0; // Something was deleted meanwhile.
    }
  }

  private static long bytes(Path file, Set<Object> counted) {
    try {
      return counted.add(Files.getAttribute(file, "unix:ino")) ? Files.size(file) : 0;
    } catch (IOException e) {
      return 0; // Deleted meanwhile.
    }
  }

  @Override
  public void write(Path file, Body body) throws IOException {
    if (body.bytes() > usableBytes(file)) {
      throw new IOException("No space left on device");
    }
    disk.write(file, body);
  }

  @Override
  public long usableBytes(Path directory) {
    return Math.max(0, total - others - used());
  }

  @Override
  public long totalBytes(Path directory) {
    return total;
  }

  @Override
  public boolean isFull(Path directory, IOException e) {
    return String.valueOf(e.getMessage()).contains("No space left");
  }
}
