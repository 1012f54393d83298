package zerofs.golden;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// A whole volume of an earlier day, `volume-1.txt`: opened by its password, by this version. Its
/// story ([GoldenStory]) has every kind of inode, extent, row and object; its second writer
/// crashed, so the log is replayed too. What must be found is `volume-1-tree.txt`, and the bytes of
/// its files as the story made them.
class GoldenVolumeTest {
  private static final Call ROOT = Call.waiting(Caller.ROOT).asOpened();
  private static final String PASSWORD = "golden";

  private static Volume open(ObjectStore store, Tasks tasks, long seed, Compression compression)
      throws StorageException {
    Volume.Settings settings =
        new Volume.Settings(
            "golden" + seed,
            8 << 20,
            1 << 20,
            1000,
            1,
            Long.MAX_VALUE,
            compression,
            3_600_000_000_000L,
            1000,
            16 << 20);
    SeededRandomness randomness = new SeededRandomness(seed);
    return new Volume(
        store,
        VolumeSecrets.open(store, PASSWORD),
        settings,
        tasks,
        randomness,
        SlabMemory.direct(),
        reason -> {});
  }

  /// Lives the story.
  private static void make(MemoryObjectStore store, Tasks tasks, GoldenStory story) {
    try {
      VolumeSecrets.createOrOpen(store, PASSWORD, tasks, new SeededRandomness(5));
      Volume first = open(store, tasks, 1, new Compression.Zstd(3));
      story.first(first);
      first.close();
      Volume second = open(store, tasks, 2, new Compression.Lz4());
      story.second(second);
      second.abandon();
    } catch (StorageException | FsException e) {
      throw new IllegalStateException("making the golden volume", e);
    }
  }

  private static void inSimulation(Body body) {
    SimulatedTasks simulation = new SimulatedTasks(77);
    simulation.run(
        () -> {
          try {
            body.run(simulation.group("golden"));
          } catch (StorageException | FsException e) {
            throw new IllegalStateException("the golden volume", e);
          }
        });
  }

  private interface Body {
    void run(Tasks tasks) throws StorageException, FsException;
  }

  private static List<ObjectStore.Listed> objects(MemoryObjectStore store) {
    return store.list("", "", 1000, Cause.ADMIN);
  }

  private static String text(MemoryObjectStore store) {
    StringBuilder text = new StringBuilder();
    for (ObjectStore.Listed each : objects(store)) {
      ByteBuffer object =
          Objects.requireNonNull(store.get(each.key(), 0, (int) each.objectBytes(), Cause.ADMIN))
              .bytes();
      byte[] bytes = new byte[object.remaining()];
      object.get(bytes);
      text.append("# ").append(each.key()).append('\n').append(Golden.lines(bytes));
    }
    return text.toString();
  }

  private static MemoryObjectStore store(String text) {
    MemoryObjectStore store = new MemoryObjectStore();
    for (String object : text.substring(2).split("\n# ", -1)) {
      int end = object.indexOf('\n');
      byte[] bytes = Golden.bytes(object.substring(end + 1));
      store.put(object.substring(0, end), ObjectStore.Body.of(bytes), Cause.ADMIN);
    }
    return store;
  }

  private static MemoryObjectStore golden() throws Exception {
    if (!Golden.REWRITE) {
      return store(Golden.readText("volume-1.txt", ""));
    }
    MemoryObjectStore made = new MemoryObjectStore();
    inSimulation(tasks -> make(made, tasks, new GoldenStory()));
    return store(Golden.readText("volume-1.txt", text(made)));
  }

  /// One line per name: path, then what stat says of it, and a symlink's target.
  private static void list(Filesystem fs, long directory, String path, List<String> lines)
      throws FsException {
    Map<String, Attributes> children = new TreeMap<>();
    fs.readdir(
        ROOT,
        directory,
        2,
        (cookie, name, child, type, attributes) ->
            children.put(name.toString(), Objects.requireNonNull(attributes)) == null);
    for (Map.Entry<String, Attributes> each : children.entrySet()) {
      Attributes found = fs.lookup(ROOT, directory, Name.of(each.getKey()));
      assertThat(found).isEqualTo(each.getValue());
      String name = path + "/" + each.getKey();
      lines.add(line(fs, name, found));
      if (found.type() == FileType.DIRECTORY) {
        list(fs, found.inode(), name, lines);
      }
    }
  }

  private static String line(Filesystem fs, String name, Attributes a) throws FsException {
    String target =
        a.type() == FileType.SYMLINK ? " -> " + Name.of(fs.readlink(ROOT, a.inode())) : "";
    return "%s: %s %04o links=%d owner=%d:%d size=%d allocated=%d device=%d:%d mtime=%d.%09d%s"
        .formatted(
            name,
            a.type(),
            a.mode(),
            a.nlink(),
            a.uid(),
            a.gid(),
            a.size(),
            a.allocatedBytes(),
            a.major(),
            a.minor(),
            a.mtimeSeconds(),
            a.mtimeNanos(),
            target);
  }

  private static byte[] read(Filesystem fs, long inode, long offset, int bytes) throws FsException {
    ByteBuffer target = ByteBuffer.allocateDirect(bytes);
    while (target.hasRemaining() && fs.read(ROOT, inode, offset + target.position(), target) > 0) {
      assertThat(target.position()).isPositive();
    }
    byte[] read = new byte[target.flip().remaining()];
    target.get(read);
    return read;
  }

  private static void checkContents(Filesystem fs, GoldenStory story) throws FsException {
    for (Map.Entry<String, byte[]> each : story.contents().entrySet()) {
      Attributes file = fs.lookup(ROOT, Filesystem.ROOT, Name.of(each.getKey()));
      byte[] expected = each.getValue();
      assertThat(file.size()).as(each.getKey()).isEqualTo(expected.length);
      assertThat(read(fs, file.inode(), 0, expected.length + 100))
          .as(each.getKey())
          .isEqualTo(expected);
    }
    Attributes far = fs.lookup(ROOT, Filesystem.ROOT, Name.of(GoldenStory.FAR));
    assertThat(read(fs, far.inode(), GoldenStory.FAR_OFFSET, 100)).isEqualTo(GoldenStory.far());
  }

  @Test
  void anOldVolumeOpensAndHoldsWhatItHeld() throws Exception {
    MemoryObjectStore store = golden();
    List<String> lines = new ArrayList<>();
    inSimulation(
        tasks -> {
          Volume volume = open(store, tasks, 3, new Compression.Zstd(1));
          volume.awaitReaper();
          assertThat(volume.epoch()).isEqualTo(3);
          assertThat(volume.replayedObjects()).isPositive();
          list(volume, Filesystem.ROOT, "", lines);
          checkContents(volume, new GoldenStory());
          Filesystem.VolumeStatistics totals = volume.statfs(ROOT);
          lines.add(totals.bytesUsed() + " bytes, " + totals.inodesUsed() + " inodes");
          volume.close();
        });
    String tree = String.join("\n", lines) + "\n";
    assertThat(tree).isEqualTo(Golden.readText("volume-1-tree.txt", tree));
  }

  /// What is in the store: each kind of object there is.
  @Test
  void theOldVolumeHasEveryKindOfObject() throws Exception {
    List<String> kinds =
        objects(golden()).stream()
            .map(each -> each.key().replaceAll("/.*", ""))
            .distinct()
            .sorted(Comparator.naturalOrder())
            .toList();
    assertThat(kinds).containsExactly("key", "log", "manifest", "sst", "volume");
  }

  /// A flipped bit in each footer of the log is seen, so what was compared above came from these
  /// bytes.
  @Test
  void damageToTheOldVolumeShows() throws Exception {
    MemoryObjectStore store = golden();
    Map<String, byte[]> damaged = new HashMap<>();
    for (ObjectStore.Listed each : store.list("log/", "", 1000, Cause.ADMIN)) {
      ByteBuffer object =
          Objects.requireNonNull(store.get(each.key(), 0, 1 << 20, Cause.ADMIN)).bytes();
      byte[] bytes = new byte[object.remaining()];
      object.get(bytes);
      bytes[bytes.length - 100] ^= 1;
      damaged.put(each.key(), bytes);
    }
    damaged.forEach(store::damage);
    assertThatThrownBy(
            () -> inSimulation(tasks -> open(store, tasks, 3, new Compression.Zstd(1)).close()))
        .hasStackTraceContaining("the footer is damaged");
  }
}
