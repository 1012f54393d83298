package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
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

/// What cold reads ask of the store, in virtual time: each request takes 50 ms.
class ReadRequestsTest {
  private static final String VOLUME_ID = "00112233445566778899aabbccddeeff";
  private static final long LATENCY_NANOS = 50_000_000L;
  private static final int MIB = 1 << 20;

  private final SimulatedTasks simulation = new SimulatedTasks(3);
  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final TracedObjectStore store =
      new TracedObjectStore(new LatencyObjectStore(memory, simulation, LATENCY_NANOS), simulation);
  private final VolumeSecrets secrets =
      new VolumeSecrets(VOLUME_ID, new Keys(new byte[32], new byte[16]));
  private int opened;

  /// Work that may fail as the engine does.
  @FunctionalInterface
  private interface Story {
    void run() throws FsException, StorageException;
  }

  ReadRequestsTest() {
    ObjectEnvelope envelope =
        new ObjectEnvelope(secrets.keys(), secrets.idBytes(), new SeededRandomness(1));
    byte[] first =
        new ManifestStore(memory, envelope)
            .seal(new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    memory.put(ManifestStore.key(1), ObjectStore.Body.of(first), Cause.ADMIN);
  }

  private static Runnable unchecked(Story story) {
    return () -> {
      try {
        story.run();
      } catch (FsException | StorageException e) {
        throw new IllegalStateException(e);
      }
    };
  }

  private Volume open(ObjectStore on) throws StorageException {
    Volume.Settings settings =
        new Volume.Settings(
            "host",
            128 << 20,
            4 << 20,
            4000,
            1,
            Long.MAX_VALUE,
            new Compression.Lz4(),
            5_000_000_000L,
            512,
            16 << 20);
    return new Volume(
        on,
        secrets,
        settings,
        simulation.group("process" + opened),
        new SeededRandomness(++opened),
        SlabMemory.direct(),
        reason -> {});
  }

  private static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  private static byte[] noise(int bytes, long seed) {
    byte[] noise = new byte[bytes];
    new Random(seed).nextBytes(noise);
    return noise;
  }

  private static long create(Volume volume, String name, int bytes) throws FsException {
    long file =
        volume
            .create(root(), Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE)
            .inode();
    for (int at = 0; at < bytes; at += MIB) {
      int length = Math.min(MIB, bytes - at);
      volume.write(root(), file, at, ByteBuffer.wrap(noise(length, file + at)));
    }
    return file;
  }

  private static void check(Volume volume, long file, int offset, int bytes) throws FsException {
    ByteBuffer target = ByteBuffer.allocate(bytes);
    volume.read(root(), file, offset, target);
    byte[] block = noise(MIB, file + offset - offset % MIB);
    assertThat(target.flip()).isEqualTo(ByteBuffer.wrap(block, offset % MIB, bytes));
  }

  private long gets(StoreCounters before) {
    return store.counters().since(before).of(Request.GET);
  }

  private Tasks.Task fork(Story story) {
    return simulation.fork("reader", Tasks.Kind.WAITING, unchecked(story));
  }

  /// A volume that holds one file and has nothing of it in memory.
  private void withColdFile(int bytes, Cold story) {
    simulation.run(
        unchecked(
            () -> {
              Volume writer = open(memory);
              long file = create(writer, "file", bytes);
              writer.flush();
              writer.close();
              Volume volume = open(store);
              volume.getattr(root(), file);
              story.run(volume, file);
              volume.close();
            }));
  }

  @FunctionalInterface
  private interface Cold {
    void run(Volume volume, long file) throws FsException, StorageException;
  }

  @Test
  void aHundredReadersOfOneFrameSendOneGet() {
    withColdFile(
        4 * MIB,
        (volume, file) -> {
          StoreCounters before = store.counters();
          List<Tasks.Task> readers = new ArrayList<>();
          for (int i = 0; i < 100; i++) {
            int offset = MIB + 4096 * (i % 8);
            readers.add(fork(() -> check(volume, file, offset, 4096)));
          }
          readers.forEach(Tasks.Task::join);
          assertThat(store.counters().since(before).of(Cause.READ, Request.GET)).isEqualTo(1);
          assertThat(gets(before)).as("and at most one for the row").isLessThanOrEqualTo(2);
        });
  }

  @Test
  void randomReadsCostOneGetEachAndAreSentTogether() {
    withColdFile(
        64 * MIB,
        (volume, file) -> {
          // Far from each other: the file proves to be read anywhere.
          for (int i = 0; i < 6; i++) {
            check(volume, file, (i * 29 % 60) * MIB, 4096);
          }
          StoreCounters before = store.counters();
          long started = simulation.nanoTime();
          List<Tasks.Task> readers = new ArrayList<>();
          for (int i = 0; i < 32; i++) {
            int offset = (i * 37 % 64) * MIB + 700 * 1024;
            readers.add(fork(() -> check(volume, file, offset, 4096)));
          }
          readers.forEach(Tasks.Task::join);
          StoreCounters spent = store.counters().since(before);
          assertThat(spent.of(Request.GET)).isEqualTo(32);
          assertThat(spent.bytesGot()).as("frames alone").isLessThan(32L * 33_000);
          assertThat(simulation.nanoTime() - started).isEqualTo(LATENCY_NANOS);
        });
  }

  @Test
  void aFileThatIsReadInOrderIsReadAhead() {
    int bytes = 64 * MIB;
    withColdFile(
        bytes,
        (volume, file) -> {
          StoreCounters before = store.counters();
          long started = simulation.nanoTime();
          for (int at = 0; at < bytes; at += 128 << 10) {
            check(volume, file, at, 128 << 10);
          }
          long waits = (simulation.nanoTime() - started) / LATENCY_NANOS;
          StoreCounters spent = store.counters().since(before);
          assertThat(spent.of(Request.GET)).isLessThanOrEqualTo(96);
          assertThat(spent.bytesGot()).as("each byte once").isLessThan(bytes * 102L / 100);
          // 6 MiB are under way at any time.
          assertThat(waits).as("waits for the store, one after the other").isLessThan(20);
        });
  }

  @Test
  void smallFilesThatWereWrittenTogetherComeTogether() {
    simulation.run(
        unchecked(
            () -> {
              Volume writer = open(memory);
              List<Long> files = new ArrayList<>();
              for (int i = 0; i < 3000; i++) {
                files.add(create(writer, "file" + i, 4000));
              }
              writer.flush();
              writer.close();
              Volume volume = open(store);
              StoreCounters before = store.counters();
              for (int i = 0; i < 3000; i++) {
                long file = files.get(i);
                assertThat(volume.lookup(root(), Filesystem.ROOT, Name.of("file" + i)).inode())
                    .isEqualTo(file);
                ByteBuffer target = ByteBuffer.allocate(4000);
                volume.read(root(), file, 0, target);
                assertThat(target.array()).isEqualTo(noise(4000, file));
              }
              assertThat(gets(before)).isLessThanOrEqualTo(50);
              volume.close();
            }));
  }

  private CachedObjectStore cached(ObjectStore on, Path directory) {
    CachedObjectStore cached =
        CachedObjectStore.open(
            on,
            new CachedObjectStore.Settings(
                directory, secrets.idBytes(), 64 << 20, 16 << 20, 1 << 20),
            simulation.group("disk" + opened),
            reason -> {
              throw new AssertionError(reason);
            });
    if (cached == null) {
      throw new AssertionError("no cache");
    }
    return cached;
  }

  @Test
  void afterARestartTheDiskCacheAnswersAll(@TempDir Path directory) {
    int bytes = 8 * MIB;
    simulation.run(
        unchecked(
            () -> {
              Volume writer = open(memory);
              long file = create(writer, "file", bytes);
              writer.flush();
              writer.close();
              for (int start = 0; start < 2; start++) {
                CachedObjectStore cached = cached(store, directory);
                Volume volume = open(cached);
                StoreCounters before = store.counters();
                for (int at = 0; at < bytes; at += 128 << 10) {
                  check(volume, file, at, 128 << 10);
                }
                assertThat(gets(before)).isBetween(start == 0 ? 4L : 0, start == 0 ? 20L : 0);
                volume.abandon(); // As a crash.
                cached.close();
              }
            }));
  }

  /// Objects of the same names and of the same sizes, but others: their tags say so.
  @Test
  void whatTheDiskCacheHasOfAnotherTimeOfTheBucketIsNotBelieved(@TempDir Path directory) {
    MemoryObjectStore restored = memory.copy();
    int bytes = 4 * MIB;
    simulation.run(
        unchecked(
            () -> {
              for (MemoryObjectStore bucket : List.of(memory, restored)) {
                Volume writer = open(bucket);
                long file = create(writer, "file", bytes);
                for (int i = 0; i < 300; i++) {
                  create(writer, "small" + i, 4000);
                }
                writer.flush();
                writer.close();
                CachedObjectStore cached = cached(bucket, directory);
                Volume volume = open(cached);
                for (int at = 0; at < bytes; at += 128 << 10) {
                  check(volume, file, at, 128 << 10);
                }
                for (int i = 0; i < 300; i++) {
                  volume.lookup(root(), Filesystem.ROOT, Name.of("small" + i));
                }
                volume.abandon();
                cached.close();
              }
            }));
  }

  /// What lies beyond what was asked for is brought if it can be had, and no error if not.
  @Test
  void damageIsToldOnlyToWhoReadsIt() {
    withColdFile(
        4 * MIB,
        (volume, file) -> {
          check(volume, file, 0, 32 << 10);
          String damaged = largestObject();
          ObjectStore.Fetched whole = memory.get(damaged, 0, Integer.MAX_VALUE, Cause.ADMIN);
          if (whole == null) {
            throw new AssertionError("no object");
          }
          byte[] bytes = whole.bytes().array();
          bytes[1_200_000] ^= 1;
          memory.damage(damaged, bytes);
          check(volume, file, 32 << 10, 32 << 10); // Brings the rest of the chunk.
          int failed = 0;
          for (int at = 0; at < 4 * MIB; at += 32 << 10) {
            try {
              check(volume, file, at, 32 << 10);
            } catch (FsException e) {
              failed++;
            }
          }
          assertThat(failed).isEqualTo(1);
          assertThatThrownBy(() -> check(volume, file, MIB, 512 << 10))
              .isInstanceOf(FsException.class);
        });
  }

  private String largestObject() {
    String largest = "";
    long bytes = 0;
    for (ObjectStore.Listed each : memory.list("log/", "", 1000, Cause.ADMIN)) {
      largest = each.objectBytes() > bytes ? each.key() : largest;
      bytes = Math.max(bytes, each.objectBytes());
    }
    return largest;
  }

  /// Metadata GETs of 200 lookups after a start that fetched so much before.
  private long metadataGets(int names, Consumer<Volume> warming) throws Exception {
    Volume volume = open(store);
    warming.accept(volume);
    simulation.sleep(10_000_000_000L);
    StoreCounters before = store.counters();
    for (int i = 0; i < names; i += names / 200) {
      volume.lookup(root(), Filesystem.ROOT, Name.of("name" + i));
    }
    long gets = store.counters().since(before).of(Cause.METADATA, Request.GET);
    volume.close();
    return gets;
  }

  @Test
  void aStartFetchesMetadataBeforeItIsAskedFor() {
    int names = 4000;
    simulation.run(
        () -> {
          try {
            Volume writer = open(memory);
            for (int i = 0; i < names; i++) {
              create(writer, "name" + i, 0);
              if (i % 1500 == 1499) {
                writer.flush();
              }
            }
            writer.flush();
            writer.close();
            assertThat(metadataGets(names, volume -> {})).isPositive();
            assertThat(metadataGets(names, volume -> volume.warmMetadata(true))).isZero();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void aVolumeClosesWhileItWarms() {
    withColdFile(
        MIB,
        (volume, file) -> {
          volume.warmMetadata(true);
          volume.close();
          volume.warmMetadata(true); // Too late, and harmless.
        });
  }
}
