package zerofs.fuzz;

import java.util.HexFormat;
import java.util.List;
import zerofs.base.SeededRandomness;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.Keys;
import zerofs.codec.ObjectEnvelope;
import zerofs.fs.Filesystem;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// A volume in memory, which what is fuzzed changes as it goes.
final class FuzzVolume {
  static final String ID = "00112233445566778899aabbccddeeff";

  /// Ends the process: nobody waits for the task that failed.
  private static final int TASK_FAILED = 77;

  private FuzzVolume() {}

  static Filesystem open() {
    Tasks tasks =
        new SystemTasks(
            (name, failure) -> {
              failure.printStackTrace();
              Runtime.getRuntime().halt(TASK_FAILED);
            });
    byte[] id = HexFormat.of().parseHex(ID);
    VolumeSecrets secrets = new VolumeSecrets(ID, new Keys(new byte[32], id));
    MemoryObjectStore store = new MemoryObjectStore();
    ObjectEnvelope envelope = new ObjectEnvelope(secrets.keys(), id, new SeededRandomness(1));
    byte[] first =
        new ManifestStore(store, envelope)
            .seal(new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    store.put(ManifestStore.key(1), ObjectStore.Body.of(first), ObjectStore.Cause.ADMIN);
    try {
      return new Volume(
          store,
          secrets,
          Volume.Settings.standard("host"),
          tasks,
          new SeededRandomness(2),
          SlabMemory.direct(),
          reason -> {
            throw new IllegalStateException(reason);
          });
    } catch (StorageException e) {
      throw new IllegalStateException(e);
    }
  }
}
