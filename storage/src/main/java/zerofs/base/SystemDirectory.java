package zerofs.base;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// A directory of the operating system. Files are readable by their owner only.
public final class SystemDirectory implements LocalDirectory {
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final FileAttribute<Set<PosixFilePermission>> OWNER_ONLY_DIRECTORY =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final Path path;

  /// Opens a directory, and makes it if need be.
  public SystemDirectory(Path path) throws IOException {
    this.path = path;
    Files.createDirectories(path, OWNER_ONLY_DIRECTORY);
  }

  private FileChannel channel(String name) throws IOException {
    return FileChannel.open(
        path.resolve(name),
        Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.CREATE),
        OWNER_ONLY);
  }

  @Override
  public List<String> list() throws IOException {
    try (Stream<Path> files = Files.list(path)) {
      return files.filter(Files::isRegularFile).map(file -> name(file)).sorted().toList();
    }
  }

  private static String name(Path file) {
    return String.valueOf(file.getFileName());
  }

  @Override
  public LocalFile open(String name) throws IOException {
    return new SystemFile(channel(name));
  }

  private record SystemFile(FileChannel channel) implements LocalFile {
    @Override
    public long size() throws IOException {
      return channel.size();
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      int total = 0;
      while (target.hasRemaining()) {
        int read = channel.read(target, position + total);
        if (read < 0) {
          break;
        }
        total += read;
      }
      return total;
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      long at = position;
      while (source.hasRemaining()) {
        at += channel.write(source, at);
      }
    }

    @Override
    public void truncate(long size) throws IOException {
      channel.truncate(size);
    }

    @Override
    public void sync() throws IOException {
      channel.force(false);
    }

    @Override
    public void close() throws IOException {
      channel.close();
    }
  }

  @Override
  public @Nullable ByteBuffer map(String name, int bytes) throws IOException {
    try (FileChannel channel = channel(name)) {
      long size = channel.size();
      if (size != 0 && size != bytes) {
        return null;
      }
      if (size == 0) {
        // Not sparse: a store into memory that the system does not have ends the process.
        for (ByteBuffer zeros = ByteBuffer.allocate(bytes); zeros.hasRemaining(); ) {
          channel.write(zeros);
        }
      }
      return channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
    }
  }

  @Override
  public void rename(String from, String to) throws IOException {
    Files.move(path.resolve(from), path.resolve(to), StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public void delete(String name) throws IOException {
    Files.deleteIfExists(path.resolve(name));
  }

  @Override
  public void sync() throws IOException {
    try (FileChannel directory = FileChannel.open(path, StandardOpenOption.READ)) {
      directory.force(true);
    }
  }

  @Override
  public LocalDirectory subdirectory(String name) throws IOException {
    return new SystemDirectory(path.resolve(name));
  }

  @Override
  public @Nullable Lock tryLock(String name) throws IOException {
    FileChannel channel = channel(name);
    try {
      FileLock lock = channel.tryLock();
      if (lock != null) {
        return () -> closed(channel);
      }
    } catch (OverlappingFileLockException e) {
      // This very process has it.
    }
    channel.close();
    return null;
  }

  private static void closed(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // The lock is gone with the descriptor.
    }
  }

  @Override
  public String path() {
    return path.toString();
  }
}
