package zerofs.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.SeededRandomness;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.Keys;
import zerofs.codec.ObjectEnvelope;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.CachedObjectStore;
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.StoreCounters.Request;
import zerofs.objectstore.TracedObjectStore;

/// Cold reads of a volume whose store takes 50 ms for each request: `ColdReads MIB DIRECTORY`, the
/// size of the large file and a directory for a disk cache. Bytes are checked, requests are
/// counted; exit 1 when they are not as they should be. docs/BENCHMARKS.md "Cold reads".
public final class ColdReads {
  private static final long LATENCY_NANOS = 50_000_000L;
  private static final int MIB = 1 << 20;
  private static final int STEP_BYTES = 128 << 10;
  private static final int SMALL_FILES = 3000;
  private static final int SMALL_BYTES = 4000;
  private static final int RANDOM_READS = 1000;
  private static final int PARALLEL_GETS = 16;
  private static final long CACHE_BYTES = 4L << 30;

  private static final VolumeSecrets SECRETS =
      new VolumeSecrets("00112233445566778899aabbccddeeff", new Keys(new byte[32], new byte[16]));

  private final Tasks tasks = BenchVolume.tasks();
  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final TracedObjectStore far =
      new TracedObjectStore(new LatencyObjectStore(memory, tasks, LATENCY_NANOS), tasks);
  private final int fileMib;
  private final Path cacheDirectory;
  private final ByteBuffer noise = ByteBuffer.allocateDirect(16 * MIB);
  private final long[] small = new long[SMALL_FILES];
  private final AtomicInteger failures = new AtomicInteger();
  private long large;
  private int opened;

  private ColdReads(int fileMib, Path cacheDirectory) {
    this.fileMib = fileMib;
    this.cacheDirectory = cacheDirectory;
    SplittableRandom random = new SplittableRandom(1);
    while (noise.hasRemaining()) {
      noise.putLong(random.nextLong());
    }
  }

  public static void main(String[] arguments) throws StorageException, FsException, IOException {
    ColdReads run = new ColdReads(Integer.parseInt(arguments[0]), Path.of(arguments[1]));
    run.write();
    run.coldFromTheStore();
    run.coldFromTheDisk();
    if (run.failures.get() > 0) {
      System.out.printf("FAILED: %d%n", run.failures.get());
      System.exit(1);
    }
  }

  private static Call call() {
    return Call.waiting(Caller.ROOT);
  }

  private Volume open(ObjectStore store) throws StorageException {
    Volume.Settings standard = Volume.Settings.standard("bench");
    return new Volume(
        store,
        SECRETS,
        new Volume.Settings(
            standard.host(),
            standard.slabBytes(),
            standard.blockCacheBytes(),
            standard.inodesMax(),
            standard.workers(),
            standard.bytesMax(),
            new Compression.Lz4(),
            standard.sealNanos(),
            standard.flushObjects(),
            standard.flushBytes()),
        tasks,
        new SeededRandomness(++opened),
        SlabMemory.mapped(),
        reason -> {});
  }

  private void write() throws StorageException, FsException {
    ObjectEnvelope envelope =
        new ObjectEnvelope(SECRETS.keys(), SECRETS.idBytes(), new SeededRandomness(1));
    byte[] first =
        new ManifestStore(memory, envelope)
            .seal(new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    memory.put(ManifestStore.key(1), ObjectStore.Body.of(first), Cause.ADMIN);
    Volume volume = open(memory);
    large = create(volume, "large");
    for (int i = 0; i < fileMib; i++) {
      volume.write(call(), large, (long) i * MIB, at((long) i * MIB, MIB));
    }
    for (int i = 0; i < SMALL_FILES; i++) {
      small[i] = create(volume, "small" + i);
      volume.write(call(), small[i], 0, at((long) i * SMALL_BYTES, SMALL_BYTES));
    }
    volume.flush();
    volume.close();
  }

  private static long create(Volume volume, String name) throws FsException {
    return volume
        .create(call(), Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE)
        .inode();
  }

  /// What a file holds at an offset; a MiB does not go over the end of the noise.
  private ByteBuffer at(long offset, int bytes) {
    return noise.slice((int) (offset % (noise.capacity() - MIB)), bytes);
  }

  private void check(Volume volume, long file, long offset, ByteBuffer target, long noiseAt)
      throws FsException {
    int bytes = target.clear().remaining();
    int count = volume.read(call(), file, offset, target);
    if (count != bytes || target.flip().mismatch(at(noiseAt, bytes)) >= 0) {
      failures.incrementAndGet();
      System.out.printf("wrong bytes at %d of inode %d%n", offset, file);
    }
  }

  /// Prints one line; `gets` beyond `most` are a failure.
  private void report(String what, StoreCounters before, long started, long most) {
    double seconds = (tasks.nanoTime() - started) / 1e9;
    StoreCounters spent = far.counters().since(before);
    long gets = spent.of(Request.GET);
    System.out.printf(
        "%-52s %8.3f s, %5d GETs (%d READ, %d METADATA), %.1f MiB%n",
        what,
        seconds,
        gets,
        spent.of(Cause.READ, Request.GET),
        spent.of(Cause.METADATA, Request.GET),
        spent.bytesGot() / (double) MIB);
    if (gets > most) {
      failures.incrementAndGet();
      System.out.printf("  too many: at most %d%n", most);
    }
  }

  private void coldFromTheStore() throws StorageException, FsException {
    double parallel = parallelGets(MIB);
    double larger = parallelGets(8 * MIB);
    Volume volume = open(far);
    double sequential = sequential(volume, fileMib + fileMib / 8 + 16, () -> {});
    System.out.printf(
        "  %.0f %% of the rate of parallel GETs of 1 MiB, %.0f %% of that of 8 MiB%n",
        100 * parallel / sequential, 100 * larger / sequential);
    if (sequential > parallel / 0.8) {
      failures.incrementAndGet();
    }
    volume.close();
    volume = open(far);
    volume.getattr(call(), large);
    oneFrame(volume);
    random(volume);
    smallFiles(volume, 100);
    volume.close();
  }

  /// All large objects by 16 GETs of some size at a time: what the store can give.
  private double parallelGets(int bytes) throws StorageException {
    List<Runnable> gets = new ArrayList<>();
    for (ObjectStore.Listed each : memory.list("log/", "", 1000, Cause.ADMIN)) {
      for (long at = 0; at < each.objectBytes(); at += bytes) {
        long from = at;
        gets.add(() -> get(each.key(), from, bytes));
      }
    }
    StoreCounters before = far.counters();
    long started = tasks.nanoTime();
    AtomicInteger next = new AtomicInteger();
    inParallel(
        PARALLEL_GETS,
        _ -> {
          for (int i = next.getAndIncrement(); i < gets.size(); i = next.getAndIncrement()) {
            gets.get(i).run();
          }
        });
    double seconds = (tasks.nanoTime() - started) / 1e9;
    report(
        PARALLEL_GETS + " parallel GETs of " + bytes / MIB + " MiB",
        before,
        started,
        Long.MAX_VALUE);
    return seconds;
  }

  private void get(String key, long from, int bytes) {
    try {
      far.get(key, from, bytes, Cause.ADMIN);
    } catch (StorageException e) {
      throw new IllegalStateException(e);
    }
  }

  private interface Work {
    void run(int number) throws FsException;
  }

  private void inParallel(int count, Work work) {
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int number = i;
      running.add(
          tasks.fork(
              "reader",
              Tasks.Kind.WAITING,
              () -> {
                try {
                  work.run(number);
                } catch (FsException e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    running.forEach(Tasks.Task::join);
  }

  /// @param eachMib done after each MiB that was read
  private double sequential(Volume volume, long most, Runnable eachMib) throws FsException {
    StoreCounters before = far.counters();
    long started = tasks.nanoTime();
    ByteBuffer target = ByteBuffer.allocateDirect(STEP_BYTES);
    for (long at = 0; at < (long) fileMib * MIB; at += STEP_BYTES) {
      check(volume, large, at, target, at / MIB * MIB % (15L * MIB) + at % MIB);
      if ((at + STEP_BYTES) % MIB == 0) {
        eachMib.run();
      }
    }
    double seconds = (tasks.nanoTime() - started) / 1e9;
    report(fileMib + " MiB in order, 128 KiB each", before, started, most);
    return seconds;
  }

  private void oneFrame(Volume volume) {
    StoreCounters before = far.counters();
    long started = tasks.nanoTime();
    long offset = fileMib / 2L * MIB;
    inParallel(
        100,
        _ -> check(volume, large, offset, ByteBuffer.allocateDirect(4096), offset % (15L * MIB)));
    report("100 readers of one frame", before, started, 3); // And its row: table, block.
  }

  private void random(Volume volume) throws FsException {
    ByteBuffer target = ByteBuffer.allocateDirect(4096);
    for (int i = 0; i < 8; i++) {
      read(volume, i * 37L, target); // Proves to be read anywhere.
    }
    // Every row of the file: the figure is about data.
    for (int i = 0; i < fileMib; i += 2) {
      volume.read(call(), large, (long) i * MIB, target.clear());
    }
    StoreCounters before = far.counters();
    long started = tasks.nanoTime();
    AtomicLong next = new AtomicLong();
    inParallel(
        32,
        _ -> {
          ByteBuffer mine = ByteBuffer.allocateDirect(4096);
          for (long i = next.getAndIncrement(); i < RANDOM_READS; i = next.getAndIncrement()) {
            read(volume, i * 7919, mine);
          }
        });
    report(RANDOM_READS + " random reads of 4 KiB by 32 readers", before, started, RANDOM_READS);
  }

  /// Reads at a place that depends on a number: spread over the file, in the second half of a MiB.
  private void read(Volume volume, long number, ByteBuffer target) throws FsException {
    long mib = number * 611 % fileMib;
    long within = MIB / 2 + number * 13 % 120 * 4096;
    long offset = mib * MIB + within;
    check(volume, large, offset, target, mib * MIB % (15L * MIB) + within);
  }

  private void smallFiles(Volume volume, long most) throws FsException {
    StoreCounters before = far.counters();
    long started = tasks.nanoTime();
    ByteBuffer target = ByteBuffer.allocateDirect(SMALL_BYTES);
    for (int i = 0; i < SMALL_FILES; i++) {
      volume.lookup(call(), Filesystem.ROOT, Name.of("small" + i));
      check(volume, small[i], 0, target, (long) i * SMALL_BYTES);
    }
    report(SMALL_FILES + " small files, by name", before, started, most);
  }

  private void coldFromTheDisk() throws StorageException, FsException, IOException {
    CachedObjectStore cached = cache();
    Volume volume = open(cached);
    sequential(volume, Long.MAX_VALUE, cached::awaitIdle); // What it can't keep up with, it drops.
    smallFiles(volume, Long.MAX_VALUE);
    volume.abandon(); // As a crash: nothing is said to the cache.
    cached.awaitIdle();
    closeDisk(cached);
    System.out.println("restart, with the disk cache");
    cached = cache();
    volume = open(cached);
    sequential(volume, 0, () -> {});
    smallFiles(volume, 0);
    volume.abandon();
    closeDisk(cached);
    damage();
    cached = cache();
    volume = open(cached);
    System.out.println("restart, with a damaged disk cache");
    sequential(volume, Long.MAX_VALUE, () -> {});
    smallFiles(volume, Long.MAX_VALUE);
    volume.close();
    closeDisk(cached);
  }

  private CachedObjectStore cache() {
    @Nullable CachedObjectStore cached =
        CachedObjectStore.open(
            far,
            new CachedObjectStore.Settings(
                cacheDirectory, SECRETS.idBytes(), CACHE_BYTES, 32L << 20, 32L << 20),
            tasks,
            System.out::println);
    if (cached == null) {
      throw new IllegalStateException("no cache in " + cacheDirectory);
    }
    return cached;
  }

  /// Closes the store below too, which holds nothing and goes on.
  private static void closeDisk(CachedObjectStore cached) {
    cached.close();
  }

  private void damage() throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    Path file = cacheDirectory.resolve("parts");
    byte[] bytes = new byte[4096];
    try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
      long records = 4096 + CACHE_BYTES / (128 << 10) * 256;
      for (int i = 0; i < 3000; i++) {
        random.nextBytes(bytes);
        access.seek(random.nextLong(i % 10 == 0 ? records : Files.size(file)));
        access.write(bytes, 0, 1 + random.nextInt(bytes.length - 1));
      }
    }
    System.out.println("3000 places of the disk cache damaged");
  }
}
