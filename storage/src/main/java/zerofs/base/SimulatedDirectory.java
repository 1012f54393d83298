package zerofs.base;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// A directory in memory, as a disk with a volatile cache has it. A crash of the process leaves
/// everything; [#cutPower] leaves what was synced, and of each write since then, sector by sector,
/// what chance leaves; names that were not synced come and go likewise. Writes and syncs can be
/// made to fail.
public final class SimulatedDirectory implements LocalDirectory {
  private static final int SECTOR_BYTES = 512;

  private static final class Contents {
    private byte[] now = new byte[0];
    private byte[] synced = new byte[0];
    private @Nullable ByteBuffer mapped;
  }

  private final String path;
  private final Map<String, Contents> names = new TreeMap<>();
  private final Map<String, Contents> syncedNames = new TreeMap<>();
  private final Map<String, SimulatedDirectory> directories = new HashMap<>();
  private final Map<String, Object> locks = new HashMap<>();
  private @Nullable Exception failure;
  private int syncs;

  public SimulatedDirectory(String path) {
    this.path = path;
  }

  /// From now on every write and sync fails, with a RuntimeException as a bug does; null = not any
  /// more.
  public synchronized void fail(@Nullable Exception newFailure) {
    failure = newFailure;
    directories.values().forEach(each -> each.fail(newFailure));
  }

  /// Syncs of files so far.
  public synchronized int syncs() {
    return syncs + directories.values().stream().mapToInt(SimulatedDirectory::syncs).sum();
  }

  private void throwIfFailing() throws IOException {
    if (failure instanceof RuntimeException bug) {
      throw bug;
    }
    if (failure != null) {
      throw new IOException(failure.getMessage(), failure);
    }
  }

  /// The process is gone: its locks are free.
  public synchronized void crash() {
    locks.clear();
    directories.values().forEach(SimulatedDirectory::crash);
  }

  /// The machine is gone.
  public synchronized void cutPower(SplittableRandom random) {
    crash();
    Map<String, Contents> before = new TreeMap<>(names);
    names.clear();
    for (String name : union(before, syncedNames)) {
      Contents synced = syncedNames.get(name);
      Contents latest = before.get(name);
      Contents kept = random.nextBoolean() ? latest : synced;
      if (kept != null) {
        names.put(name, kept);
      }
    }
    for (Contents each : names.values()) {
      each.now = torn(each, random);
      each.synced = each.now.clone();
      each.mapped = null;
    }
    syncedNames.clear();
    syncedNames.putAll(names);
    directories.values().forEach(each -> each.cutPower(random.split()));
  }

  private static List<String> union(Map<String, Contents> one, Map<String, Contents> other) {
    Map<String, Contents> all = new TreeMap<>(one);
    all.putAll(other);
    return List.copyOf(all.keySet());
  }

  private static byte[] torn(Contents file, SplittableRandom random) {
    byte[] torn = file.synced.clone();
    if (random.nextInt(4) == 0) {
      torn = Arrays.copyOf(torn, file.now.length);
    }
    for (int at = 0; at < torn.length; at += SECTOR_BYTES) {
      if (random.nextBoolean() && at < file.now.length) {
        int end = Math.min(Math.min(torn.length, file.now.length), at + SECTOR_BYTES);
        System.arraycopy(file.now, at, torn, at, end - at);
      }
    }
    return torn;
  }

  @Override
  public synchronized List<String> list() {
    return List.copyOf(names.keySet());
  }

  private synchronized Contents contents(String name) throws IOException {
    Contents contents = names.get(name);
    if (contents == null) {
      throwIfFailing();
      contents = new Contents();
      names.put(name, contents);
    }
    return contents;
  }

  @Override
  public LocalFile open(String name) throws IOException {
    return new SimulatedFile(contents(name));
  }

  private final class SimulatedFile implements LocalFile {
    private final Contents contents;

    SimulatedFile(Contents contents) {
      this.contents = contents;
    }

    @Override
    public long size() {
      synchronized (SimulatedDirectory.this) {
        return contents.now.length;
      }
    }

    @Override
    public int read(ByteBuffer target, long position) {
      synchronized (SimulatedDirectory.this) {
        int from = (int) Math.min(position, contents.now.length);
        int bytes = Math.min(target.remaining(), contents.now.length - from);
        target.put(contents.now, from, bytes);
        return bytes;
      }
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      synchronized (SimulatedDirectory.this) {
        throwIfFailing();
        int end = Math.toIntExact(position + source.remaining());
        if (end > contents.now.length) {
          contents.now = Arrays.copyOf(contents.now, end);
        }
        source.get(contents.now, (int) position, source.remaining());
      }
    }

    @Override
    public void truncate(long size) throws IOException {
      synchronized (SimulatedDirectory.this) {
        throwIfFailing();
        contents.now = Arrays.copyOf(contents.now, (int) Math.min(size, contents.now.length));
      }
    }

    @Override
    public void sync() throws IOException {
      synchronized (SimulatedDirectory.this) {
        throwIfFailing();
        contents.synced = contents.now.clone();
        syncs++;
      }
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  @Override
  public @Nullable ByteBuffer map(String name, int bytes) throws IOException {
    Contents contents = contents(name);
    synchronized (this) {
      if (contents.mapped == null) {
        contents.mapped = ByteBuffer.allocateDirect(bytes);
      }
      return contents.mapped.capacity() == bytes ? contents.mapped.duplicate() : null;
    }
  }

  @Override
  public synchronized void rename(String from, String to) throws IOException {
    throwIfFailing();
    Contents moved = names.remove(from);
    if (moved == null) {
      throw new IOException("no file " + from);
    }
    names.put(to, moved);
  }

  @Override
  public synchronized void delete(String name) {
    names.remove(name);
  }

  @Override
  public synchronized void sync() throws IOException {
    throwIfFailing();
    syncedNames.clear();
    syncedNames.putAll(names);
  }

  @Override
  public synchronized LocalDirectory subdirectory(String name) {
    return directories.computeIfAbsent(name, _ -> new SimulatedDirectory(path + "/" + name));
  }

  @Override
  public synchronized @Nullable Lock tryLock(String name) {
    Object holder = new Object();
    if (locks.putIfAbsent(name, holder) != null) {
      return null;
    }
    return () -> {
      synchronized (this) {
        locks.remove(name, holder);
      }
    };
  }

  @Override
  public String path() {
    return path;
  }
}
