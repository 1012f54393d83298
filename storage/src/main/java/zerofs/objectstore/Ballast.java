package zerofs.objectstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collections;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import zerofs.base.Randomness;
import zerofs.base.Tasks;

/// A file that only takes room. When the disk is full it is given up: so what was answered, and
/// what frees space, can still be stored. From then on the store says that it is short of space,
/// until the disk has room again for the ballast and as much beside it; it looks every two seconds.
///
/// The file is the state: two processes on one directory share it.
final class Ballast {
  private static final long LOOK_NANOS = 2_000_000_000L;

  /// Of a small disk no more than this part is set aside.
  private static final int DISK_PARTS = 16;

  private static final int PIECE_BYTES = 64 << 10;

  private final Path file;
  private final Path unfinished;
  private final long bytesMax;
  private final Disk disk;
  private final Tasks tasks;
  private final Randomness randomness;
  private final Tasks.Mutex mutex;
  private volatile @Nullable String shortage;
  private volatile boolean closed;

  /// @param file where it lies; `unfinished` is its name while it is being made
  /// @param bytesMax its size on a disk that is large enough; 0 = there is none
  Ballast(
      Path file, Path unfinished, long bytesMax, Disk disk, Tasks tasks, Randomness randomness) {
    this.file = file;
    this.unfinished = unfinished;
    this.bytesMax = bytesMax;
    this.disk = disk;
    this.tasks = tasks;
    this.randomness = randomness;
    this.mutex = tasks.newMutex("ballast");
  }

  /// Makes it, unless it is there; without room for it the store is short of space from the start.
  void open() {
    mutex.lock();
    try {
      if (bytesMax > 0 && lacksRoom()) {
        beShort();
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Gives it up: the disk is full.
  void release() throws IOException {
    mutex.lock();
    try {
      if (bytesMax > 0) {
        Files.deleteIfExists(file);
        beShort();
      }
    } finally {
      mutex.unlock();
    }
  }

  private void beShort() {
    if (shortage == null) {
      shortage =
          "the disk under "
              + directory().getParent()
              + " is full: new data is refused, deleting goes on; free some space on it, then"
              + " writing goes on by itself";
      tasks.fork("ballast", Tasks.Kind.COMPUTING, this::awaitRoom);
    }
  }

  private void awaitRoom() {
    while (!closed && shortage != null) {
      tasks.sleep(LOOK_NANOS);
      mutex.lock();
      try {
        if (!closed && !lacksRoom()) {
          shortage = null;
        }
      } finally {
        mutex.unlock();
      }
    }
  }

  /// Whether it is not there and can't be made now, because the disk is full. Where it can't be
  /// made for another reason the store goes without.
  private boolean lacksRoom() {
    try {
      return !Files.exists(file) && !isMadeNow();
    } catch (IOException e) {
      return disk.isFull(directory(), e);
    }
  }

  private Path directory() {
    return Objects.requireNonNull(file.getParent());
  }

  private boolean isMadeNow() throws IOException {
    Path directory = directory();
    long bytes = Math.min(bytesMax, disk.totalBytes(directory) / DISK_PARTS);
    if (disk.usableBytes(directory) < 2 * bytes) {
      return false;
    }
    try {
      disk.write(unfinished, body(bytes));
      Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
      return true;
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }

  /// Random bytes: a disk that compresses must not make nothing of them.
  private ObjectStore.Body body(long bytes) {
    byte[] piece = new byte[PIECE_BYTES];
    randomness.secret(piece);
    int count = (int) Math.max(1, bytes / PIECE_BYTES);
    return new ObjectStore.Body(Collections.nCopies(count, ByteBuffer.wrap(piece)));
  }

  @Nullable String shortage() {
    return shortage;
  }

  /// Ends looking for room. The file stays.
  void close() {
    closed = true;
  }
}
