package zerofs.simulation;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.LocalDirectory;
import zerofs.base.Tasks;

/// A directory whose requests take a while and are places to crash at. What is put into mapped
/// memory is not a request.
final class WatchedDirectory implements LocalDirectory {
  private static final long WRITE_NANOS = 10_000L;
  private static final long SYNC_NANOS = 200_000L;

  private final LocalDirectory directory;
  private final Tasks tasks;
  private final RequestWatcher points;

  WatchedDirectory(LocalDirectory directory, Tasks tasks, RequestWatcher points) {
    this.directory = directory;
    this.tasks = tasks;
    this.points = points;
  }

  @FunctionalInterface
  private interface Request {
    void run() throws IOException;
  }

  private void watched(String what, String name, long nanos, Request request) throws IOException {
    int number = points.begin(what + " " + path() + "/" + name, true);
    tasks.sleep(nanos);
    request.run();
    points.end(number);
  }

  @Override
  public List<String> list() throws IOException {
    return directory.list();
  }

  @Override
  public LocalFile open(String name) throws IOException {
    return new WatchedFile(name, directory.open(name));
  }

  private final class WatchedFile implements LocalFile {
    private final String name;
    private final LocalFile file;

    WatchedFile(String name, LocalFile file) {
      this.name = name;
      this.file = file;
    }

    @Override
    public long size() throws IOException {
      return file.size();
    }

    @Override
    public int read(ByteBuffer target, long position) throws IOException {
      return file.read(target, position);
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      watched("write", name, WRITE_NANOS, () -> file.write(source, position));
    }

    @Override
    public void truncate(long size) throws IOException {
      watched("truncate", name, WRITE_NANOS, () -> file.truncate(size));
    }

    @Override
    public void sync() throws IOException {
      watched("fdatasync", name, SYNC_NANOS, file::sync);
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }

  @Override
  public @Nullable ByteBuffer map(String name, int bytes) throws IOException {
    return directory.map(name, bytes);
  }

  @Override
  public void rename(String from, String to) throws IOException {
    watched("rename", from, WRITE_NANOS, () -> directory.rename(from, to));
  }

  @Override
  public void delete(String name) throws IOException {
    watched("delete", name, WRITE_NANOS, () -> directory.delete(name));
  }

  @Override
  public void sync() throws IOException {
    watched("fsync", ".", SYNC_NANOS, directory::sync);
  }

  @Override
  public LocalDirectory subdirectory(String name) throws IOException {
    return new WatchedDirectory(directory.subdirectory(name), tasks, points);
  }

  @Override
  public @Nullable Lock tryLock(String name) throws IOException {
    return directory.tryLock(name);
  }

  @Override
  public String path() {
    return directory.path();
  }
}
