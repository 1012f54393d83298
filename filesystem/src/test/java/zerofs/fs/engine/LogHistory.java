package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.Keys;
import zerofs.codec.ObjectEnvelope;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.page.SlabMemory;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.log.LogWriter;
import zerofs.log.VolumeOpening;
import zerofs.log.VolumeSecrets;
import zerofs.lsm.SortedRows;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters.Request;

/// What a history of the log is told with: processes on one store, in virtual time. A process is a
/// whole [Volume], or a bare [Writer] where the history is about single objects.
final class LogHistory {
  private static final Call ROOT = Call.waiting(Caller.ROOT);

  final SimulatedTasks simulation = new SimulatedTasks(1);
  final MemoryObjectStore memory = new MemoryObjectStore();
  private final VolumeSecrets secrets =
      new VolumeSecrets("00112233445566778899aabbccddeeff", new Keys(new byte[32], new byte[16]));
  private final LogFormat format =
      new LogFormat(new SealedFrameCodec(secrets.keys()), secrets.idBytes());
  private int processes;

  interface Story {
    void tell(LogHistory history) throws Exception;
  }

  /// Tells a story to its end. A task of it that fails fails the test.
  static void of(Story story) {
    LogHistory history = new LogHistory();
    history.simulation.run(
        () -> {
          try {
            Manifest first = new Manifest(1, 0, 0, 0, false, List.of(), List.of());
            ManifestStore manifests = history.manifests(history.memory);
            history.memory.put(
                ManifestStore.key(1), ObjectStore.Body.of(manifests.seal(first)), Cause.ADMIN);
            story.tell(history);
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  private ManifestStore manifests(ObjectStore store) {
    return new ManifestStore(
        store,
        new ObjectEnvelope(
            secrets.keys(), secrets.idBytes(), new SeededRandomness(1000 + processes)));
  }

  /// The view of one more process.
  ScriptedStore store() {
    return new ScriptedStore(memory, simulation);
  }

  /// Tasks of the next process.
  private Tasks nextProcess() {
    return simulation.group("process " + ++processes);
  }

  Volume open(ObjectStore store) throws StorageException {
    return open(store, 1000);
  }

  Volume open(ObjectStore store, int flushObjects) throws StorageException {
    Tasks tasks = nextProcess();
    Volume.Settings settings =
        new Volume.Settings(
            "host",
            1 << 20,
            1 << 20,
            100,
            1,
            Long.MAX_VALUE,
            new Compression.Lz4(),
            3_600_000_000_000L,
            flushObjects,
            16 << 20);
    return new Volume(
        store,
        secrets,
        settings,
        tasks,
        new SeededRandomness(processes),
        SlabMemory.direct(),
        reason -> {});
  }

  /// Takes the volume over without serving it.
  VolumeOpening.Opened takeOver(ObjectStore store) throws StorageException {
    Tasks tasks = nextProcess();
    return new VolumeOpening(
            store,
            manifests(store),
            format,
            tasks,
            new SeededRandomness(processes),
            new VolumeOpening.Settings("host", 4, 16, Journaling.NONE, false))
        .open();
  }

  /// Positions of the history that a start finds.
  List<Long> recovered() throws StorageException {
    return takeOver(memory).replayed().stream().map(VolumeOpening.Delta::position).toList();
  }

  /// A task of a client.
  Tasks.Task beside(Story story) {
    return simulation.fork(
        "client",
        Tasks.Kind.WAITING,
        () -> {
          try {
            story.tell(this);
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  /// Lets everything go on until nobody has anything to do.
  void settle() {
    simulation.sleep(60_000_000_000L);
  }

  /// Makes a file and stores it: one log object.
  static void stored(Volume volume, String name) throws FsException {
    volume.create(ROOT, Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE);
    volume.barrier(volume.committedSequence());
  }

  static boolean exists(Volume volume, String name) {
    try {
      volume.lookup(ROOT, Filesystem.ROOT, Name.of(name));
      return true;
    } catch (FsException e) {
      return false;
    }
  }

  boolean has(String key) {
    return memory.get(key, 0, 1, Cause.ADMIN) != null;
  }

  String key(int epoch, long position) {
    return LogFormat.key(epoch, position);
  }

  /// Deletes what a later version deletes once the newest manifest is stored: segments up to its
  /// mark, and manifests before it that are no claim.
  void collect() throws StorageException {
    ManifestStore manifests = manifests(memory);
    Manifest newest = java.util.Objects.requireNonNull(manifests.newest(Cause.ADMIN));
    for (long number = 1; number < newest.number(); number++) {
      Manifest older = manifests.read(number, Cause.ADMIN);
      if (older != null && !older.claim() && number > 1) {
        memory.delete(ManifestStore.key(number), Cause.SWEEP);
      }
    }
    for (Manifest.EpochEntry epoch : newest.epochs()) {
      for (long position = epoch.start(); position <= newest.mark(); position++) {
        if (position != epoch.end()) {
          memory.delete(key(epoch.epoch(), position), Cause.SWEEP);
        }
      }
    }
  }

  Manifest newestManifest() throws StorageException {
    return newestManifest(secrets);
  }

  Manifest newestManifest(VolumeSecrets of) throws StorageException {
    ObjectEnvelope envelope = new ObjectEnvelope(of.keys(), of.idBytes(), new SeededRandomness(0));
    return java.util.Objects.requireNonNull(
        new ManifestStore(memory, envelope).newest(Cause.ADMIN));
  }

  /// The first LIST of a start: what it then goes on from may be old news.
  static void afterListing(ScriptedStore store, ScriptedStore.Step step) {
    store.after(Request.LIST, ManifestStore.PREFIX, step);
  }

  /// A writer whose objects are sealed and sent one by one.
  final class Writer implements LogWriter.Listener {
    final List<Long> stored = new ArrayList<>();
    final LogWriter log;
    private long position;
    private long sequence;
    private boolean deposed;

    Writer(ObjectStore store) throws StorageException {
      VolumeOpening.Opened opened = takeOver(store);
      position = opened.nextPosition();
      sequence = opened.lastSequence();
      log =
          new LogWriter(
              store,
              format,
              simulation,
              new SeededRandomness(500 + processes),
              opened.epoch(),
              opened.salt(),
              position,
              this);
    }

    LogHeader seal() {
      sequence++;
      return log.header(LogHeader.Kind.SEGMENT, position++, sequence, sequence);
    }

    void send(LogHeader header) throws StorageException {
      byte[] key = ByteBuffer.allocate(8).putLong(header.position()).array();
      SortedRows rows = new SortedRows.Builder().add(key, new byte[] {1}).finish();
      log.send(header, format.segment(header, List.of(), List.of(), rows.encode()));
    }

    @Override
    public void stored(long storedPosition, long lastSequence) {
      stored.add(storedPosition);
    }

    @Override
    public void deposed(StorageException.Fenced reason) {
      deposed = true;
    }

    boolean isDeposed() {
      return deposed;
    }
  }
}
