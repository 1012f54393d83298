package zerofs.fs.check;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.codec.Keys;
import zerofs.codec.ObjectEnvelope;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.check.Finding.Kind;
import zerofs.fs.engine.Volume;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.page.SlabMemory;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.RowKeys;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.log.VolumeSecrets;
import zerofs.lsm.SortedRows;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.EpochEntry;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// A healthy volume, and ways to damage it. Objects are damaged as they lie; rows by a log object
/// that a broken writer might have made.
abstract class DamagedVolume {
  static final long ROOT = Filesystem.ROOT;
  static final int EXTENT = Inode.EXTENT_BYTES;

  /// What the damages that were made up are.
  static final Set<Kind> PLANTED = EnumSet.noneOf(Kind.class);

  static MemoryObjectStore healthy = new MemoryObjectStore();
  static Healthy is = new Healthy();

  /// What the healthy volume has.
  static final class Healthy {
    long directory;
    long inner;
    long file;
    long other;
    long link;
    long sparse;
  }

  static final VolumeSecrets SECRETS =
      new VolumeSecrets("00112233445566778899aabbccddeeff", new Keys(new byte[32], new byte[16]));
  static final SealedFrameCodec CODEC = new SealedFrameCodec(SECRETS.keys());
  static final LogFormat FORMAT = new LogFormat(CODEC, SECRETS.idBytes());

  @BeforeAll
  static void makeVolume() {
    if (!healthy.list("", "", 1, Cause.ADMIN).isEmpty()) {
      return; // Another class has made it.
    }
    MemoryObjectStore store = new MemoryObjectStore();
    replace(store, new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    simulate(
        tasks -> {
          Volume volume = open(store, tasks, 1);
          is.directory = mkdir(volume, ROOT, "directory");
          is.inner = mkdir(volume, is.directory, "inner");
          is.file = create(volume, is.directory, "file");
          write(volume, is.file, 0, 5 * EXTENT);
          write(volume, create(volume, is.inner, "small"), 0, 100);
          is.sparse = create(volume, ROOT, "sparse");
          write(volume, is.sparse, 10L << 20, 1000);
          volume.link(root(), is.file, ROOT, Name.of("hard link"));
          is.link =
              volume
                  .symlink(root(), ROOT, Name.of("link"), new byte[] {'x'}, SetAttributes.NONE)
                  .inode();
          volume.flush();
          is.other = create(volume, ROOT, "other");
          write(volume, is.other, 0, 2 * EXTENT);
          volume.barrier(volume.committedSequence());
          volume.close();
          Volume again = open(store, tasks, 2);
          write(again, is.other, 2L * EXTENT, EXTENT);
          again.barrier(again.committedSequence());
          write(again, is.other, 3L * EXTENT, EXTENT);
          again.barrier(again.committedSequence());
          write(again, is.file, 700, 100); // A patch.
          again.barrier(again.committedSequence());
          again.close();
          healthy = store;
        });
    assertThat(check(healthy).isHealthy()).as("%s", check(healthy)).isTrue();
  }

  /// What is done in virtual time.
  private interface Story {
    void run(Tasks tasks) throws FsException, StorageException;
  }

  private static void simulate(Story story) {
    SimulatedTasks simulation = new SimulatedTasks(1);
    simulation.run(
        () -> {
          try {
            story.run(simulation.group("p"));
          } catch (FsException | StorageException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private static Volume open(MemoryObjectStore store, Tasks tasks, int seed)
      throws StorageException {
    return new Volume(
        store,
        SECRETS,
        Volume.Settings.standard("host"),
        tasks,
        new SeededRandomness(seed),
        SlabMemory.direct(),
        reason -> {
          throw new IllegalStateException(reason);
        });
  }

  private static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  static long mkdir(Volume volume, long in, String name) throws FsException {
    return volume.mkdir(root(), in, Name.of(name), 0755, SetAttributes.NONE).inode();
  }

  static long create(Volume volume, long in, String name) throws FsException {
    return volume.create(root(), in, Name.of(name), 0644, false, SetAttributes.NONE).inode();
  }

  static void write(Volume volume, long inode, long offset, int length) throws FsException {
    byte[] bytes = new byte[length];
    new Random(offset + length).nextBytes(bytes);
    volume.write(root(), inode, offset, ByteBuffer.wrap(bytes));
  }

  static Report check(MemoryObjectStore store) {
    return check(store, true);
  }

  static Report check(MemoryObjectStore store, boolean readsData) {
    List<Report> reports = new ArrayList<>();
    simulate(
        tasks ->
            reports.add(
                new Fsck(
                        store,
                        SECRETS,
                        tasks,
                        new SeededRandomness(1),
                        new Fsck.Settings(readsData, 3),
                        _ -> {})
                    .run()));
    return reports.getFirst();
  }

  /// Damages a store.
  interface Damage {
    void to(MemoryObjectStore store) throws StorageException;
  }

  /// Damages it by rows that a log object adds.
  interface Rows {
    void into(Planted rows) throws StorageException;
  }

  static DynamicTest plant(String name, Kind kind, String says, Damage damage) {
    PLANTED.add(kind);
    return DynamicTest.dynamicTest(
        name,
        () -> {
          MemoryObjectStore store = healthy.copy();
          damage.to(store);
          Report report = check(store);
          assertThat(report.isHealthy()).isFalse();
          assertThat(report.findings())
              .as("%s", report.findings())
              .anySatisfy(
                  found -> {
                    assertThat(found.kind()).isEqualTo(kind);
                    assertThat(found.text()).contains(says);
                  });
        });
  }

  static DynamicTest plantRows(String name, Kind kind, String says, Rows rows) {
    return plant(
        name,
        kind,
        says,
        store -> {
          Planted planted = new Planted(store);
          rows.into(planted);
          planted.store();
        });
  }

  /// Rows of a log object in place of the clean fence.
  static final class Planted {
    private final MemoryObjectStore store;
    private final TreeMap<byte[], byte[]> rows = new TreeMap<>(Arrays::compareUnsigned);

    Planted(MemoryObjectStore store) {
      this.store = store;
    }

    void put(byte[] key, byte[] value) {
      rows.put(key, value);
    }

    void inode(Inode.Draft draft) {
      put(RowKeys.inode(draft.inode), InodeFormat.encode(draft.build()));
    }

    void entry(long directory, long cookie, FileType type, long inode, String name) {
      put(
          RowKeys.entry(directory, cookie),
          new DirectoryEntry(cookie, type, inode, Name.of(name)).encode());
    }

    void chunk(long inode, long chunk, int extent, ExtentState state) {
      put(
          RowKeys.chunk(inode, chunk),
          ChunkRowFormat.encode(new ChunkRow.Builder().set(extent, state).build()));
    }

    void store() throws StorageException {
      String fence = last(store, "log/000002/");
      LogHeader there = header(store, fence);
      LogHeader before = header(store, LogFormat.key(2, there.position() - 1));
      long sequence = before.lastSequence() + 1;
      LogHeader header =
          new LogHeader(
              LogHeader.Kind.SEGMENT,
              2,
              there.position(),
              there.salt(),
              there.nonce(),
              before.nonce(),
              before.position(),
              sequence,
              sequence);
      store.damage(fence, bytes(FORMAT.segment(header, List.of(), List.of(), encoded())));
    }

    private ByteBuffer encoded() {
      SortedRows.Builder builder = new SortedRows.Builder();
      rows.forEach(builder::add);
      return builder.finish().encode();
    }
  }

  static byte[] bytes(ObjectStore.Body body) {
    ByteBuffer out = ByteBuffer.allocate((int) body.bytes());
    body.parts().forEach(part -> out.put(part.duplicate()));
    return out.array();
  }

  static LogHeader header(MemoryObjectStore store, String key) throws StorageException {
    ObjectId id = java.util.Objects.requireNonNull(ObjectId.ofKey(key));
    ObjectStore.Fetched suffix =
        java.util.Objects.requireNonNull(store.getSuffix(key, 1 << 20, Cause.ADMIN));
    return FORMAT
        .decodeSegment(id, suffix, (offset, length) -> store.get(key, offset, length, Cause.ADMIN))
        .header();
  }

  static List<String> keys(MemoryObjectStore store, String prefix) {
    return store.list(prefix, "", 1000, Cause.ADMIN).stream().map(ObjectStore.Listed::key).toList();
  }

  static String last(MemoryObjectStore store, String prefix) {
    return keys(store, prefix).getLast();
  }

  static byte[] read(MemoryObjectStore store, String key) {
    ByteBuffer there =
        java.util.Objects.requireNonNull(store.get(key, 0, 1 << 24, Cause.ADMIN)).bytes();
    byte[] bytes = new byte[there.remaining()];
    there.get(bytes);
    return bytes;
  }

  /// Turns a bit.
  ///
  /// @param at offset, or from the end when negative
  static void flip(MemoryObjectStore store, String key, int at) {
    byte[] bytes = read(store, key);
    bytes[at < 0 ? bytes.length + at : at] ^= 1;
    store.damage(key, bytes);
  }

  static void truncate(MemoryObjectStore store, String key, int bytes) {
    store.damage(key, Arrays.copyOf(read(store, key), bytes));
  }

  static ManifestStore manifests(MemoryObjectStore store) {
    return new ManifestStore(
        store, new ObjectEnvelope(SECRETS.keys(), SECRETS.idBytes(), new SeededRandomness(7)));
  }

  static Manifest newest(MemoryObjectStore store) throws StorageException {
    return java.util.Objects.requireNonNull(manifests(store).newest(Cause.ADMIN));
  }

  static void replace(MemoryObjectStore store, Manifest by) {
    store.damage(ManifestStore.key(by.number()), manifests(store).seal(by));
  }

  static Manifest with(Manifest of, List<EpochEntry> epochs, List<RunDescriptor> runs) {
    return new Manifest(
        of.number(), of.epoch(), of.mark(), of.markSequence(), of.claim(), epochs, runs);
  }

  static RunDescriptor with(RunDescriptor run, TableDescriptor table) {
    return new RunDescriptor(run.lowestPosition(), run.highestPosition(), List.of(table));
  }

  /// Replaces the only table of the oldest run in the newest manifest.
  static void table(
      MemoryObjectStore store, java.util.function.UnaryOperator<TableDescriptor> change)
      throws StorageException {
    Manifest manifest = newest(store);
    List<RunDescriptor> runs = new ArrayList<>(manifest.runs());
    RunDescriptor oldest = runs.removeLast();
    runs.add(with(oldest, change.apply(oldest.tables().getFirst())));
    replace(store, with(manifest, manifest.epochs(), runs));
  }

  static String sst(MemoryObjectStore store) {
    return keys(store, "sst/").getFirst();
  }

  /// The first log object that holds file data, below the mark: only its frames count.
  static String data(MemoryObjectStore store) throws StorageException {
    for (String key : keys(store, "log/000001/")) {
      if (read(store, key).length > 3 * EXTENT) {
        return key;
      }
    }
    throw new IllegalStateException("no log object with data");
  }

  /// A log object of no data and one row.
  static void forge(MemoryObjectStore store, LogHeader header) {
    ByteBuffer rows = new SortedRows.Builder().add(new byte[] {1}, new byte[0]).finish().encode();
    store.damage(header.id().key(), bytes(FORMAT.segment(header, List.of(), List.of(), rows)));
  }
}
