package zerofs.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import zerofs.base.SeededRandomness;
import zerofs.base.SystemDirectory;
import zerofs.base.SystemRandomness;
import zerofs.base.SystemTasks;
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
import zerofs.fs.engine.Journaling;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.journal.JournalDirectory;
import zerofs.log.VolumeSecrets;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ForgetfulObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.TracedObjectStore;

/// A fresh volume with the settings that a server has, on a store in memory.
final class BenchVolume implements AutoCloseable {
  static final int MIB = 1 << 20;

  private static final VolumeSecrets SECRETS =
      new VolumeSecrets("00112233445566778899aabbccddeeff", new Keys(new byte[32], new byte[16]));

  final TracedObjectStore store;
  final Volume volume;

  private BenchVolume(ObjectStore below, Compression compression, Journaling journaling)
      throws StorageException {
    store = new TracedObjectStore(below, tasks());
    ObjectEnvelope envelope =
        new ObjectEnvelope(SECRETS.keys(), SECRETS.idBytes(), new SeededRandomness(1));
    byte[] first =
        new ManifestStore(store, envelope)
            .seal(new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    store.put(ManifestStore.key(1), ObjectStore.Body.of(first), ObjectStore.Cause.ADMIN);
    Volume.Settings standard = Volume.Settings.standard("bench");
    volume =
        new Volume(
            store,
            SECRETS,
            new Volume.Settings(
                standard.host(),
                standard.slabBytes(),
                standard.blockCacheBytes(),
                standard.inodesMax(),
                standard.workers(),
                standard.bytesMax(),
                compression,
                standard.sealNanos(),
                standard.flushObjects(),
                standard.flushBytes()),
            journaling,
            tasks(),
            new SeededRandomness(7),
            SlabMemory.mapped(),
            reason -> {});
  }

  static Tasks tasks() {
    return new SystemTasks(
        (name, e) -> {
          throw new AssertionError(name, e);
        });
  }

  static BenchVolume open() throws StorageException {
    return open("zstd-3");
  }

  static BenchVolume open(String compression) throws StorageException {
    return open(new ForgetfulObjectStore(), compression, Journaling.NONE);
  }

  /// @param below fresh: where the volume is made
  static BenchVolume open(ObjectStore below, String compression, Journaling journaling)
      throws StorageException {
    return new BenchVolume(below, Compression.parse(compression), journaling);
  }

  /// The journal that a server would have, with its files in `directory`.
  static JournalDirectory journal(Path directory, Path sharedMemory)
      throws IOException, StorageException {
    return JournalDirectory.open(
        new SystemDirectory(directory),
        new SystemDirectory(sharedMemory),
        SECRETS.keys(),
        SECRETS.idBytes(),
        tasks(),
        new SystemRandomness(),
        new JournalDirectory.Settings(8 * MIB, 16 * MIB, "bench"));
  }

  /// A call that answers from memory or fails: proof that a row is warm.
  static Call warm() {
    return Call.attempt(Caller.ROOT);
  }

  static Call waiting() {
    return Call.waiting(Caller.ROOT);
  }

  long create(long directory, String name) throws FsException {
    return volume
        .create(waiting(), directory, Name.of(name), 0644, true, SetAttributes.NONE)
        .inode();
  }

  long mkdir(String name) throws FsException {
    return volume
        .mkdir(waiting(), Filesystem.ROOT, Name.of(name), 0755, SetAttributes.NONE)
        .inode();
  }

  /// Makes a file of text, stored and in memory, its access time settled.
  long file(String name, ByteBuffer text) throws FsException {
    long inode = create(Filesystem.ROOT, name);
    ByteBuffer source = text.duplicate();
    ByteBuffer target = ByteBuffer.allocateDirect(MIB);
    for (int at = 0; at < text.limit(); at = source.position()) {
      source.limit(Math.min(text.limit(), at + MIB));
      volume.write(waiting(), inode, at, source);
    }
    settle();
    volume.read(waiting(), inode, 0, target);
    settle();
    return inode;
  }

  /// Stores all that was changed.
  void settle() throws FsException {
    volume.barrier(volume.committedSequence());
  }

  long change(long inode) throws FsException {
    return volume.getattr(waiting(), inode).change();
  }

  @Override
  public void close() {
    volume.abandon();
  }
}
