package zerofs.fs.engine;

import java.util.function.Consumer;
import zerofs.base.Randomness;
import zerofs.base.SeededRandomness;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.TracedObjectStore;

/// A volume on a store in memory that can be closed, abandoned and opened again.
final class VolumeFixture {
  final MemoryObjectStore memory = new MemoryObjectStore();
  final TracedObjectStore store;
  final Randomness randomness = new SeededRandomness(7);
  Tasks tasks;
  final VolumeSecrets secrets;
  long slabBytes = 16 << 20;
  long bytesMax = Long.MAX_VALUE;
  int flushObjects = 512;
  long sealNanos = 3_600_000_000_000L;

  VolumeFixture() throws StorageException {
    this(null);
  }

  VolumeFixture(@org.jspecify.annotations.Nullable ObjectStore other) throws StorageException {
    this(
        other,
        new SystemTasks(
            (name, e) -> {
              throw new AssertionError(name, e);
            }));
  }

  VolumeFixture(@org.jspecify.annotations.Nullable ObjectStore other, Tasks tasks)
      throws StorageException {
    this.tasks = tasks;
    store = new TracedObjectStore(other == null ? memory : other, tasks);
    secrets = VolumeSecrets.createOrOpen(store, "password", tasks, randomness);
  }

  Volume open() throws StorageException {
    return open(reason -> {});
  }

  Volume open(Consumer<StorageException> lost) throws StorageException {
    Volume.Settings settings =
        new Volume.Settings(
            "host",
            slabBytes,
            1 << 20,
            1000,
            2,
            bytesMax,
            new Compression.Zstd(1),
            sealNanos,
            flushObjects,
            16 << 20);
    return new Volume(store, secrets, settings, tasks, randomness, SlabMemory.direct(), lost);
  }
}
