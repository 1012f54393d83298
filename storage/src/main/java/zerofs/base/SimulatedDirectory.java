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
    /// Its bytes, and room to grow.
    private byte[] now = new byte[0];

    private int size;
    private byte[] synced = new byte[0];
    private int syncedSize;

    /// All that differs from what was synced lies in here.
    private int changedFrom;

    private int changedTo;
    private @Nullable ByteBuffer mapped;

    void write(ByteBuffer source, int position) {
      int end = position + source.remaining();
      if (end > now.length) {
        now = Arrays.copyOf(now, Math.max(end, 2 * now.length));
      }
      source.get(now, position, end - position);
      changed(Math.min(position, size), end);
      size = Math.max(size, end);
    }

    void truncate(int to) {
      if (to < size) {
        Arrays.fill(now, to, size, (byte) 0);
        changed(to, size);
        size = to;
      }
    }

    private void changed(int from, int to) {
      changedFrom = changedTo == 0 ? from : Math.min(changedFrom, from);
      changedTo = Math.max(changedTo, to);
    }

    void sync() {
      if (synced.length < now.length) {
        synced = Arrays.copyOf(synced, now.length);
      }
      System.arraycopy(now, changedFrom, synced, changedFrom, changedTo - changedFrom);
      syncedSize = size;
      changedFrom = 0;
      changedTo = 0;
    }

    /// Leaves what was synced and, sector by sector, what chance leaves of the rest.
    void tear(SplittableRandom random) {
      int length = random.nextInt(4) == 0 ? size : syncedSize;
      byte[] torn = Arrays.copyOf(synced, length);
      for (int at = 0; at < length; at += SECTOR_BYTES) {
        if (random.nextBoolean() && at < size) {
          int end = Math.min(Math.min(length, size), at + SECTOR_BYTES);
          System.arraycopy(now, at, torn, at, end - at);
        }
      }
      now = torn;
      size = length;
      synced = torn.clone();
      syncedSize = length;
      changedFrom = 0;
      changedTo = 0;
      mapped = null;
    }
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
      each.tear(random);
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
        return contents.size;
      }
    }

    @Override
    public int read(ByteBuffer target, long position) {
      synchronized (SimulatedDirectory.this) {
        int from = (int) Math.min(position, contents.size);
        int bytes = Math.min(target.remaining(), contents.size - from);
        target.put(contents.now, from, bytes);
        return bytes;
      }
    }

    @Override
    public void write(ByteBuffer source, long position) throws IOException {
      synchronized (SimulatedDirectory.this) {
        throwIfFailing();
        contents.write(source, Math.toIntExact(position));
      }
    }

    @Override
    public void truncate(long size) throws IOException {
      synchronized (SimulatedDirectory.this) {
        throwIfFailing();
        contents.truncate((int) Math.min(size, contents.size));
      }
    }

    @Override
    public void sync() throws IOException {
      synchronized (SimulatedDirectory.this) {
        throwIfFailing();
        contents.sync();
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
