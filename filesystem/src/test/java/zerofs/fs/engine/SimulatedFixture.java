package zerofs.fs.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.Keys;
import zerofs.codec.ObjectEnvelope;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FsException;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;

/// A volume in virtual time, on a store that answers after a while and can be taken away: what is
/// sealed stays in flight as long as the test wants.
final class SimulatedFixture {
  private static final String VOLUME_ID = "00112233445566778899aabbccddeeff";
  static final long LATENCY_NANOS = 1_000_000L;

  final SimulatedTasks simulation;
  final MemoryObjectStore memory = new MemoryObjectStore();
  long slabBytes = 8 << 20;
  int inodesMax = 1000;
  int workers = 1;
  int flushObjects = 512;
  long bytesMax = Long.MAX_VALUE;
  long sealNanos = 3_600_000_000_000L;

  /// While true, no PUT reaches the store.
  boolean away;

  /// While true, no PUT of a log object does.
  boolean logIsAway;

  /// What a PUT of a log object takes longer than other requests.
  long logNanos;

  /// Where processes keep a journal; null = they have none.
  @Nullable SimulatedMachine machine;

  /// How many volumes were deposed.
  int deposed;

  final VolumeSecrets secrets = new VolumeSecrets(VOLUME_ID, new Keys(new byte[32], new byte[16]));
  private int opened;

  /// Work that may fail as the engine does.
  @FunctionalInterface
  interface Story {
    void run() throws FsException, StorageException;
  }

  private final class Weather implements FaultyObjectStore.Plan {
    @Override
    public Fault next(StoreCounters.Request request, String key, ObjectStore.Cause cause) {
      boolean isLog = request == StoreCounters.Request.PUT && cause == ObjectStore.Cause.BARRIER;
      simulation.sleep(LATENCY_NANOS + (isLog ? logNanos : 0));
      boolean fails = (away && request == StoreCounters.Request.PUT) || (logIsAway && isLog);
      return fails ? Fault.BUSY : Fault.NONE;
    }

    @Override
    public long lateness() {
      return 1;
    }
  }

  SimulatedFixture(long seed) {
    simulation = new SimulatedTasks(seed);
    ObjectEnvelope envelope =
        new ObjectEnvelope(secrets.keys(), secrets.idBytes(), new SeededRandomness(seed));
    byte[] first =
        new ManifestStore(memory, envelope)
            .seal(new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    memory.put(ManifestStore.key(1), ObjectStore.Body.of(first), ObjectStore.Cause.ADMIN);
  }

  static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  void simulate(Story story) {
    simulation.run(unchecked(story));
  }

  /// What escapes it ends the simulation.
  Runnable unchecked(Story story) {
    return () -> {
      try {
        story.run();
      } catch (FsException | StorageException e) {
        throw new IllegalStateException(e);
      }
    };
  }

  /// Opens the volume in a process of its own.
  Volume open(String process) throws StorageException {
    SimulatedMachine on = machine;
    ObjectStore store = new FaultyObjectStore(memory, simulation.group("network"), new Weather());
    Tasks tasks = simulation.group(process);
    return open(process, store, on == null ? Journaling.NONE : on.journaling(secrets, tasks));
  }

  /// As the other one, with a store and a journal of its own.
  Volume open(String process, ObjectStore store, Journaling journaling) throws StorageException {
    Volume.Settings settings =
        new Volume.Settings(
            "host",
            slabBytes,
            1 << 20,
            inodesMax,
            workers,
            bytesMax,
            new Compression.Lz4(),
            sealNanos,
            flushObjects,
            16 << 20);
    return new Volume(
        store,
        secrets,
        settings,
        journaling,
        simulation.group(process),
        new SeededRandomness(++opened),
        SlabMemory.direct(),
        reason -> deposed++);
  }
}
