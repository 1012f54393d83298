package zerofs.objectstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Keeps what is read of immutable objects on a local disk ([PartFile]), as it lies in the store:
/// it is there again after a restart or a crash. Only what readers want ([#KEPT]); what a writer
/// must know for sure is always asked of the store.
///
/// It is never in anybody's way: bytes go to the disk in the background and are dropped when that
/// is slow; an error of the disk, or a full one, is a miss, and for a minute the disk is left
/// alone; a directory that is in use, by this process or another, is not used.
public final class CachedObjectStore implements ObjectStore {
  private static final int SECTOR_BYTES = PartFile.SECTOR_BYTES;
  private static final int PART_BYTES = PartFile.PART_BYTES;

  /// Directories that this process uses. Closing any file that is the lock's file would let go of
  /// the lock, whoever took it: so nobody here opens it a second time.
  private static final Set<Object> IN_USE = ConcurrentHashMap.newKeySet();

  private static final Set<Cause> KEPT = Set.of(Cause.READ, Cause.METADATA, Cause.WARMUP);

  private static final int TRIMMED_SHARE = 16;

  private static final long PAUSE_NANOS = 60_000_000_000L;

  private final ObjectStore store;
  private final Settings settings;
  private final PartFile file;
  private final Lock lock;
  private final Tasks tasks;
  private final Consumer<String> log;
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();

  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;
  private final Deque<Arrived> waiting = new ArrayDeque<>();
  private final Tasks.Task writer;
  private long waitingBytes;

  /// Whether the file is being written: by the writer, or by who drops something.
  private boolean busy;

  private boolean closed;
  private boolean hasFailed;

  /// While true, the disk is left alone until `pauseEnd`.
  private volatile boolean paused;

  private volatile long pauseEnd;

  /// @param directory is made if need be
  /// @param volumeId 16 bytes; several volumes may use a directory, one after the other
  /// @param bytes how large it may get on the disk
  /// @param waitingBytesMax memory for what waits for the disk; most of it is what [SharedReads]
  ///   keeps too
  /// @param indexBytesMax memory for the index; where that is not enough for `bytes`, less of the
  ///   disk is used
  public record Settings(
      Path directory, byte[] volumeId, long bytes, long waitingBytesMax, long indexBytesMax) {
    public Settings {
      volumeId = volumeId.clone();
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Settings settings && directory.equals(settings.directory);
    }

    @Override
    public int hashCode() {
      return directory.hashCode();
    }
  }

  /// What a GET brought of an object, from `offset` on.
  private record Arrived(String key, long offset, Fetched fetched) {
    int bytes() {
      return fetched.bytes().remaining();
    }

    long end() {
      return offset + bytes();
    }
  }

  /// What it has done since it was opened.
  ///
  /// @param hits reads that were answered by the disk
  /// @param bytes in use on the disk, in whole parts
  public record Counters(long hits, long misses, long bytes) {}

  private CachedObjectStore(
      ObjectStore store,
      Settings settings,
      PartFile file,
      Lock lock,
      Tasks tasks,
      Consumer<String> log) {
    this.store = store;
    this.settings = settings;
    this.file = file;
    this.lock = lock;
    this.tasks = tasks;
    this.log = log;
    this.mutex = tasks.newMutex("disk cache");
    this.changed = mutex.newSignal();
    this.writer = tasks.fork("disk cache", Tasks.Kind.COMPUTING, this::write);
  }

  /// Opens the cache.
  ///
  /// @param log told, in a sentence, why there is no cache, or a smaller one, or that its disk
  ///   fails
  /// @return null when the directory can't be used
  public static @Nullable CachedObjectStore open(
      ObjectStore store, Settings settings, Tasks tasks, Consumer<String> log) {
    Path directory = settings.directory();
    try {
      Files.createDirectories(directory);
      Lock lock = Lock.of(directory);
      if (lock == null) {
        log.accept(directory + " is in use already: going on without a disk cache");
        return null;
      }
      PartFile file = null;
      try {
        file =
            PartFile.open(
                directory.resolve("parts"),
                settings.volumeId(),
                settings.bytes(),
                settings.indexBytesMax(),
                tasks);
      } finally {
        if (file == null) {
          lock.close();
        }
      }
      sayIfSmaller(file, settings, log);
      return new CachedObjectStore(store, settings, file, lock, tasks, log);
    } catch (IOException e) {
      log.accept("going on without a disk cache: " + directory + " can't be used: " + e);
      return null;
    }
  }

  private static void sayIfSmaller(PartFile file, Settings settings, Consumer<String> log) {
    long wanted = PartFile.slotsOf(settings.bytes());
    if (file.slots() < wanted) {
      log.accept(
          String.format(
              Locale.ROOT,
              "the disk cache in %s uses %.1f GiB of its %.1f: an index of all would take %d MiB of"
                  + " memory and may take %d; raise memory.budget_gb, or lower cache.disk_size_gb",
              settings.directory(),
              (double) file.slots() * PART_BYTES / (1L << 30),
              settings.bytes() / (double) (1L << 30),
              wanted * PartFile.MEMORY_BYTES >> 20,
              settings.indexBytesMax() >> 20));
    }
  }

  /// A directory's lock: of this process, and in this process.
  private record Lock(Object directory, FileChannel channel) implements AutoCloseable {
    /// Null when it is taken.
    static @Nullable Lock of(Path path) throws IOException {
      Object key = Files.readAttributes(path, BasicFileAttributes.class).fileKey();
      Object directory = key == null ? path.toRealPath() : key;
      if (!IN_USE.add(directory)) {
        return null;
      }
      Lock taken = null;
      try {
        FileChannel channel = locked(path.resolve("lock"));
        taken = channel == null ? null : new Lock(directory, channel);
        return taken;
      } finally {
        if (taken == null) {
          IN_USE.remove(directory);
        }
      }
    }

    private static @Nullable FileChannel locked(Path path) throws IOException {
      FileChannel channel =
          FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = null;
      try {
        lock = channel.tryLock();
      } finally {
        if (lock == null) {
          channel.close();
        }
      }
      return lock == null ? null : channel;
    }

    @Override
    public void close() throws IOException {
      try {
        channel.close();
      } finally {
        IN_USE.remove(directory);
      }
    }
  }

  public Counters counters() {
    return new Counters(hits.sum(), misses.sum(), (long) file.used() * PART_BYTES);
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    if (!KEPT.contains(cause) || isPaused()) {
      return store.get(key, offset, length, cause);
    }
    Fetched cached = cached(key, offset, length);
    if (cached != null) {
      hits.increment();
      return cached;
    }
    misses.increment();
    long start = offset / SECTOR_BYTES * SECTOR_BYTES;
    long end = (offset + length + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    Fetched fetched = store.get(key, start, Math.toIntExact(end - start), cause);
    if (fetched == null) {
      return null;
    }
    arrived(new Arrived(key, start, fetched));
    ByteBuffer bytes = fetched.bytes();
    int from = Math.clamp(offset - start, 0, bytes.remaining());
    int count = Math.min(length, bytes.remaining() - from);
    ByteBuffer wanted = bytes.slice(bytes.position() + from, count);
    return new Fetched(trimmed(wanted, bytes.remaining()), fetched.objectBytes());
  }

  /// Bytes without those around them that came along, when these are so many that whoever keeps the
  /// answer would keep noticeably more than he counts.
  ///
  /// @param came how many bytes came in all
  private static ByteBuffer trimmed(ByteBuffer wanted, int came) {
    if (came - wanted.remaining() <= wanted.remaining() / TRIMMED_SHARE) {
      return wanted;
    }
    return ByteBuffer.allocate(wanted.remaining()).put(wanted).flip();
  }

  private @Nullable Fetched cached(String key, long offset, int length) {
    ByteBuffer target = null;
    long objectBytes = Long.MAX_VALUE;
    try {
      for (long at = offset; at < Math.min(objectBytes, offset + length); ) {
        long part = at / PART_BYTES;
        int from = (int) (at % PART_BYTES);
        if (target == null) {
          if (!file.mayHold(key, part)) {
            return null;
          }
          target = ByteBuffer.allocate(length);
        }
        int count = (int) Math.min(PART_BYTES - from, offset + length - at);
        target.limit(target.position() + count);
        objectBytes = file.read(key, part, from, target);
        if (objectBytes < 0) {
          return null;
        }
        at += count;
      }
    } catch (IOException e) {
      failed(e);
      return null;
    }
    return target == null ? null : new Fetched(target.flip(), objectBytes);
  }

  private boolean isPaused() {
    if (paused && tasks.nanoTime() - pauseEnd >= 0) {
      paused = false;
    }
    return paused;
  }

  private void failed(IOException e) {
    boolean first;
    mutex.lock();
    try {
      first = !hasFailed && !closed;
      hasFailed = true;
      pauseEnd = tasks.nanoTime() + PAUSE_NANOS;
      paused = true;
    } finally {
      mutex.unlock();
    }
    if (first) {
      log.accept(
          "the disk cache fails and is left out for a minute each time (said once): "
              + e.getMessage());
    }
  }

  private void arrived(Arrived arrived) {
    int bytes = arrived.bytes();
    mutex.lock();
    try {
      if (!closed && waitingBytes + bytes <= settings.waitingBytesMax()) {
        waiting.addLast(arrived);
        waitingBytes += bytes;
        changed.signalAll();
      }
    } finally {
      mutex.unlock();
    }
  }

  /// The writer's task: until it is closed and nothing waits.
  private void write() {
    while (true) {
      Arrived next;
      mutex.lock();
      try {
        while (busy || waiting.isEmpty() && !closed) {
          changed.await();
        }
        if (waiting.isEmpty()) {
          return;
        }
        next = waiting.removeFirst();
        waitingBytes -= next.bytes();
        busy = true;
      } finally {
        mutex.unlock();
      }
      try {
        if (!isPaused()) {
          write(next);
        }
      } finally {
        noLongerBusy();
      }
    }
  }

  private void noLongerBusy() {
    mutex.lock();
    try {
      busy = false;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  private void write(Arrived arrived) {
    ByteBuffer bytes = arrived.fetched().bytes();
    long objectBytes = arrived.fetched().objectBytes();
    long end = arrived.end();
    try {
      for (long at = arrived.offset(); at < end; ) {
        long part = at / PART_BYTES;
        int from = (int) (at % PART_BYTES);
        int count = (int) Math.min(PART_BYTES - from, end - at);
        int position = bytes.position() + (int) (at - arrived.offset());
        file.write(arrived.key(), part, from, bytes.slice(position, count), objectBytes);
        at += count;
      }
    } catch (IOException e) {
      failed(e);
    }
  }

  /// Blocks until nothing waits for the disk.
  public void awaitIdle() {
    mutex.lock();
    try {
      while (busy || !waiting.isEmpty()) {
        changed.await();
      }
    } finally {
      mutex.unlock();
    }
  }

  /// The parts that hold the bytes are dropped, from memory and from the disk.
  @Override
  public void forget(String key, long from, long to) {
    mutex.lock();
    try {
      while (busy) {
        changed.await();
      }
      busy = true; // What is written meanwhile could be what is to be dropped.
      for (Iterator<Arrived> all = waiting.iterator(); all.hasNext(); ) {
        Arrived each = all.next();
        if (each.key().equals(key) && each.offset() < to && from < each.end()) {
          all.remove();
          waitingBytes -= each.bytes();
        }
      }
    } finally {
      mutex.unlock();
    }
    try {
      for (long part = from / PART_BYTES; part * PART_BYTES < to; part++) {
        file.drop(key, part);
      }
    } catch (IOException e) {
      failed(e);
    } finally {
      noLongerBusy();
    }
    store.forget(key, from, to);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return store.getSuffix(key, length, cause);
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    return store.put(key, body, cause);
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    store.delete(key, cause);
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    return store.list(prefix, startAfter, limit, cause);
  }

  @Override
  public @Nullable String shortage() {
    return store.shortage();
  }

  /// Writes what waits, and lets go of the directory. Then it is closed, and so is the store.
  @Override
  public void close() {
    mutex.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
    writer.join();
    try (lock) {
      file.close();
    } catch (IOException e) {
      log.accept("closing the disk cache: " + e.getMessage());
    }
    store.close();
  }
}
