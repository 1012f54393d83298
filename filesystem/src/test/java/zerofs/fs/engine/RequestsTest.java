package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
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
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.StoreCounters.Request;
import zerofs.objectstore.TracedObjectStore;

/// What the engine asks of the store, request by request, in virtual time: the store answers each
/// request after 20 ms.
class RequestsTest {
  private static final String VOLUME_ID = "00112233445566778899aabbccddeeff";
  private static final long LATENCY_NANOS = 20_000_000L;
  private static final int COMMITS = 100_000;
  private static final int CRASHES = 50;

  /// Work that may fail as the engine does.
  @FunctionalInterface
  private interface Story {
    void run() throws FsException, StorageException;
  }

  private final SimulatedTasks simulation = new SimulatedTasks(11);
  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final VolumeSecrets secrets =
      new VolumeSecrets(VOLUME_ID, new Keys(new byte[32], new byte[16]));
  private int opened;
  private int deposed;

  RequestsTest() {
    ObjectEnvelope envelope =
        new ObjectEnvelope(secrets.keys(), secrets.idBytes(), new SeededRandomness(1));
    byte[] first =
        new ManifestStore(memory, envelope)
            .seal(new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    memory.put(ManifestStore.key(1), ObjectStore.Body.of(first), Cause.ADMIN);
  }

  private void simulate(Story story) {
    simulation.run(
        () -> {
          try {
            story.run();
          } catch (FsException | StorageException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private TracedObjectStore far(ObjectStore store) {
    return new TracedObjectStore(
        new LatencyObjectStore(store, simulation, LATENCY_NANOS), simulation);
  }

  private Volume open(ObjectStore store, String process, int flushObjects) throws StorageException {
    Volume.Settings settings =
        new Volume.Settings(
            "host",
            32 << 20,
            4 << 20,
            1000,
            1,
            Long.MAX_VALUE,
            new Compression.Lz4(),
            5_000_000_000L,
            flushObjects,
            16 << 20);
    return new Volume(
        store,
        secrets,
        settings,
        simulation.group(process),
        new SeededRandomness(++opened),
        SlabMemory.direct(),
        reason -> deposed++);
  }

  private static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  private static long create(Filesystem fs, String name) throws FsException {
    return fs.create(root(), Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE)
        .inode();
  }

  private static ByteBuffer noise(int bytes, long seed) {
    byte[] noise = new byte[bytes];
    new Random(seed).nextBytes(noise);
    return ByteBuffer.wrap(noise);
  }

  @Test
  void eightThreadsShareTheirPuts() {
    simulate(
        () -> {
          TracedObjectStore store = far(memory);
          Volume volume = open(store, "p", 512);
          List<Long> files = new ArrayList<>();
          for (int i = 0; i < 8; i++) {
            files.add(create(volume, "file" + i));
          }
          volume.barrier(volume.committedSequence());
          StoreCounters before = store.counters();
          List<Tasks.Task> writers = new ArrayList<>();
          for (long file : files) {
            writers.add(simulation.fork("writer", Tasks.Kind.WAITING, () -> sync(volume, file)));
          }
          writers.forEach(Tasks.Task::join);
          StoreCounters spent = store.counters().since(before);
          assertThat(spent.total()).isEqualTo(spent.of(Cause.BARRIER, Request.PUT));
          assertThat(spent.total()).as("PUTs of 8 x 50 commits").isLessThanOrEqualTo(200);
          volume.close();
        });
  }

  private static void sync(Volume volume, long file) {
    try {
      for (int i = 0; i < 50; i++) {
        Call call = root();
        volume.write(call, file, i * 4096L, noise(4096, file + i));
        volume.barrier(call.sequence());
      }
    } catch (FsException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void anIdleVolumeAsksForNothing() {
    simulate(
        () -> {
          TracedObjectStore store = far(memory);
          Volume volume = open(store, "p", 4);
          for (int i = 0; i < 50; i++) {
            volume.write(root(), create(volume, "file" + i), 0, noise(5000, i));
            volume.barrier(volume.committedSequence());
          }
          simulation.sleep(10_000_000_000L); // Flushes and merges come to their end.
          StoreCounters before = store.counters();
          simulation.sleep(60_000_000_000L);
          assertThat(store.counters().since(before).total()).isZero();
          volume.close();
        });
  }

  @Test
  void aDeposedWriterThatIsOnlyReadFindsOutWithOneRequest() {
    simulate(
        () -> {
          TracedObjectStore store = far(memory);
          Volume first = open(store, "first", 512);
          create(first, "file");
          first.barrier(first.committedSequence());
          Volume second = open(memory, "second", 512);
          StoreCounters before = store.counters();
          simulation.sleep(60_000_000_000L);
          assertThat(deposed).as("nobody asked").isZero();
          for (int i = 0; i < 100; i++) {
            first.keepWatch();
            simulation.sleep(10_000_000L);
          }
          assertThat(deposed).isEqualTo(1);
          assertThat(store.counters().since(before).total()).isEqualTo(1);
          second.close();
        });
  }

  @Test
  void aWriterThatIsOnlyReadLooksOncePerTenSeconds() {
    simulate(
        () -> {
          TracedObjectStore store = far(memory);
          Volume volume = open(store, "p", 512);
          create(volume, "file");
          volume.barrier(volume.committedSequence());
          StoreCounters before = store.counters();
          for (int i = 0; i < 600; i++) {
            volume.keepWatch();
            simulation.sleep(100_000_000L);
          }
          assertThat(store.counters().since(before).total()).isBetween(4L, 6L);
          volume.barrier(volume.committedSequence());
          assertThat(deposed).isZero();
          volume.close();
        });
  }

  @Test
  void whatIsWrittenAndDeletedBetweenBarriersStoresNoData() {
    simulate(
        () -> {
          TracedObjectStore store = far(memory);
          Volume volume = open(store, "p", 512);
          StoreCounters before = store.counters();
          long file = create(volume, "short-lived");
          for (int i = 0; i < 4; i++) {
            volume.write(root(), file, i << 18, noise(1 << 18, i));
          }
          volume.unlink(root(), Filesystem.ROOT, Name.of("short-lived"));
          simulation.sleep(1_000_000_000L); // The orphan's removal is part of the story.
          volume.barrier(volume.committedSequence());
          StoreCounters spent = store.counters().since(before);
          assertThat(spent.total()).isEqualTo(1);
          assertThat(spent.bytesPut()).as("bytes stored of 1 MiB").isLessThan(2000);
          volume.close();
        });
  }

  @Test
  void manyCommitsCostLittleElseAndACrashAnywhereRecoversSoon() {
    simulate(
        () -> {
          TracedObjectStore store = far(memory);
          Volume volume = open(store, "p", 512);
          StoreCounters before = store.counters();
          Random random = new Random(5);
          List<Long> files = new ArrayList<>();
          for (int i = 0; i < 200; i++) {
            files.add(create(volume, "file" + i));
          }
          long mostOther = 0;
          long slowest = 0;
          long mostReplayed = 0;
          for (int commit = 1; commit <= COMMITS; commit++) {
            change(volume, files, random, commit);
            volume.barrier(volume.committedSequence());
            if (commit % (COMMITS / CRASHES) == COMMITS / CRASHES / 2) {
              Recovery recovery = recover(volume.committedSequence());
              mostOther = Math.max(mostOther, recovery.otherGets());
              slowest = Math.max(slowest, recovery.nanos());
              mostReplayed = Math.max(mostReplayed, recovery.replayed());
            }
          }
          StoreCounters spent = store.counters().since(before);
          long puts = spent.of(Cause.BARRIER, Request.PUT);
          System.out.printf(
              "%d commits: %d PUTs of barriers, %d other requests (%.2f %%); recovery of %d copies:"
                  + " at most %d segments replayed, %d other GETs, %d ms%n",
              COMMITS,
              puts,
              spent.total() - puts,
              100.0 * (spent.total() - puts) / puts,
              CRASHES,
              mostReplayed,
              mostOther,
              slowest / 1_000_000);
          assertThat(puts).isLessThanOrEqualTo(COMMITS);
          assertThat(spent.total() - puts).as("other requests").isLessThanOrEqualTo(puts / 50);
          assertThat(mostOther).as("GETs of a recovery beside replay").isLessThanOrEqualTo(64);
          assertThat(slowest).as("virtual nanoseconds").isLessThanOrEqualTo(10_000_000_000L);
          volume.close();
        });
  }

  /// Writes, and now and then makes, renames or removes a file.
  private static void change(Volume volume, List<Long> files, Random random, int commit)
      throws FsException {
    int which = random.nextInt(files.size());
    switch (random.nextInt(10)) {
      case 0 -> create(volume, "more" + commit);
      case 1 -> {
        volume.unlink(root(), Filesystem.ROOT, Name.of("file" + which));
        files.set(which, create(volume, "file" + which));
      }
      default ->
          volume.write(
              root(), files.get(which), random.nextInt(1 << 20), noise(1 + random.nextInt(600), 1));
    }
  }

  private record Recovery(long otherGets, long nanos, long replayed) {}

  /// A start on a copy of the store as it is now, as after a crash.
  private Recovery recover(long sequence) throws FsException, StorageException {
    TracedObjectStore copy = far(memory.copy());
    long started = simulation.nanoTime();
    Volume again = open(copy, "recovery" + opened, 512);
    again.readdir(root(), Filesystem.ROOT, 0, (cookie, name, inode, type, attributes) -> false);
    long nanos = simulation.nanoTime() - started;
    assertThat(again.committedSequence()).isGreaterThanOrEqualTo(sequence);
    long gets = copy.counters().of(Request.GET) + copy.counters().of(Request.LIST);
    int replayed = again.replayedObjects();
    again.abandon();
    return new Recovery(gets - replayed, nanos, replayed);
  }
}
