package zerofs.simulation;

import java.util.List;
import zerofs.base.LocalDirectory;
import zerofs.base.SeededRandomness;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.Keys;
import zerofs.codec.ObjectEnvelope;
import zerofs.fs.check.Fsck;
import zerofs.fs.check.Report;
import zerofs.fs.engine.Journaling;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.journal.JournalDirectory;
import zerofs.log.VolumeSecrets;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// Volumes in memory with known keys: what deriving them from a password would add is time.
final class TestVolumes {
  private static final String VOLUME_ID = "00112233445566778899aabbccddeeff";

  private static final VolumeSecrets SECRETS =
      new VolumeSecrets(VOLUME_ID, new Keys(new byte[32], new byte[16]));

  private TestVolumes() {}

  /// An empty volume.
  static MemoryObjectStore empty() {
    MemoryObjectStore store = new MemoryObjectStore();
    try {
      create(store);
    } catch (StorageException e) {
      throw new IllegalStateException("a store in memory fails", e);
    }
    return store;
  }

  /// Makes an empty volume in a store.
  static void create(ObjectStore store) throws StorageException {
    ObjectEnvelope envelope =
        new ObjectEnvelope(SECRETS.keys(), SECRETS.idBytes(), new SeededRandomness(1));
    byte[] first =
        new ManifestStore(store, envelope)
            .seal(new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    store.put(ManifestStore.key(1), ObjectStore.Body.of(first), ObjectStore.Cause.ADMIN);
  }

  /// How small a volume is.
  ///
  /// @param slabBytes memory for file data and what it is encoded into
  /// @param sealNanos age at which changes are stored without being asked
  /// @param flushObjects log objects after which rows are flushed
  record Size(long slabBytes, long sealNanos, int flushObjects) {
    static final Size SMALL = new Size(4 << 20, 300_000L, 60);
  }

  /// Checks the objects of one.
  static Report check(ObjectStore store, Tasks tasks) throws StorageException {
    Fsck.Settings settings = new Fsck.Settings(true, 2);
    return new Fsck(store, SECRETS, tasks, new SeededRandomness(1), settings, _ -> {}).run();
  }

  /// Opens one with small everything: pages, inodes and blocks are evicted all the time, memory is
  /// flushed often.
  ///
  /// @param seed of what is random in it; another one for each opening of one volume
  static Volume open(ObjectStore store, Tasks tasks, long seed, long bytesMax)
      throws StorageException {
    return open(store, Journaling.NONE, tasks, seed, bytesMax, Size.SMALL);
  }

  /// As the other one, with a journal.
  static Volume open(
      ObjectStore store, Journaling journaling, Tasks tasks, long seed, long bytesMax)
      throws StorageException {
    return open(store, journaling, tasks, seed, bytesMax, Size.SMALL);
  }

  /// Opens the journal of the machine that these directories belong to.
  ///
  /// @param boot names this run of the machine
  static Journaling journaling(
      LocalDirectory disk,
      LocalDirectory memory,
      String boot,
      Tasks tasks,
      long seed,
      boolean takeover)
      throws StorageException {
    JournalDirectory directory =
        JournalDirectory.open(
            disk,
            memory,
            SECRETS.keys(),
            SECRETS.idBytes(),
            tasks,
            new SeededRandomness(seed),
            new JournalDirectory.Settings(2 << 20, 3 << 20, boot));
    return new Journaling(directory, 16 << 20, takeover);
  }

  /// As the other one, as small as that.
  static Volume open(
      ObjectStore store, Journaling journaling, Tasks tasks, long seed, long bytesMax, Size size)
      throws StorageException {
    Volume.Settings small =
        new Volume.Settings(
            "host",
            size.slabBytes(),
            256 << 10,
            120,
            2,
            bytesMax,
            new Compression.Lz4(),
            size.sealNanos(),
            size.flushObjects(),
            8 << 20);
    return new Volume(
        store,
        SECRETS,
        small,
        journaling,
        tasks,
        new SeededRandomness(seed),
        SlabMemory.direct(),
        reason -> {});
  }
}
