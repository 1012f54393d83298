package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.Keys;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.row.DirectoryEntry;
import zerofs.lsm.LsmSettings;
import zerofs.lsm.LsmTree;
import zerofs.objectstore.MemoryObjectStore;

/// A directory beside a map of what must be in it; names share hashes, and memory of it comes and
/// goes.
class DirectoriesTest {
  private static final long DIRECTORY = 7;
  private static final int NAMES = 60;

  private final Tasks tasks = new SystemTasks((_, _) -> {});
  private final Generations generations =
      new Generations(
          tasks,
          new SpaceUsage(Long.MAX_VALUE, () -> null),
          new Recorder(1),
          1,
          0,
          1 << 20,
          1 << 20,
          () -> {});
  private final Directories directories =
      new Directories(
          new Rows(generations, emptyTree()), name -> name.raw()[name.length() - 1] % 8);
  private final Map<Name, DirectoryEntry> wanted = new HashMap<>();
  private InodeNode directory = new InodeNode(DIRECTORY, tasks);
  private long nextCookie = 3;

  private LsmTree emptyTree() {
    return new LsmTree(
        new MemoryObjectStore(),
        new SealedFrameCodec(new Keys(new byte[32], new byte[16])),
        new MetadataMerger(new Upkeep(tasks)::fold),
        tasks,
        LsmSettings.standard(1 << 20),
        _ -> new byte[16]);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void whatWasPutIsFoundAndNothingElse(long seed) throws FsException {
    Random random = new Random(seed);
    directory.setNames(NameCache.ofNewDirectory());
    for (int step = 0; step < 2_000; step++) {
      Name name = name(random.nextInt(NAMES));
      Name other = name(random.nextInt(NAMES));
      switch (random.nextInt(5)) {
        case 0, 1 -> insert(name);
        case 2 -> remove(name);
        case 3 -> rename(name, other);
        default -> replace(name);
      }
      if (random.nextInt(300) == 0) {
        generations.seal();
      }
      if (seed % 2 == 0 && random.nextInt(100) == 0) {
        directory = new InodeNode(DIRECTORY, tasks); // It had left memory.
      }
      check(directory, name);
      check(directory, other);
    }
    InodeNode cold = new InodeNode(DIRECTORY, tasks);
    for (int i = 0; i < NAMES; i++) {
      check(directory, name(i));
      check(cold, name(i));
    }
  }

  private static Name name(int number) {
    return Name.of("name " + (char) ('0' + number));
  }

  private void check(InodeNode node, Name name) throws FsException {
    DirectoryEntry found = directories.find(node, name);
    assertThat(found).isEqualTo(wanted.getOrDefault(name, NameCache.ABSENT));
  }

  private void insert(Name name) throws FsException {
    if (wanted.containsKey(name)) {
      return;
    }
    Directories.Slot slot = directories.slot(directory, name);
    DirectoryEntry entry = new DirectoryEntry(nextCookie, FileType.REGULAR, nextCookie++, name);
    commit(commit -> directories.insert(commit, directory, entry, slot));
    wanted.put(name, entry);
  }

  private void remove(Name name) throws FsException {
    DirectoryEntry entry = wanted.remove(name);
    if (entry != null) {
      Directories.Slot slot = directories.slot(directory, name);
      commit(commit -> directories.remove(commit, directory, entry, slot));
    }
  }

  /// Two names in one commit, often of one hash.
  private void rename(Name name, Name to) throws FsException {
    DirectoryEntry from = wanted.get(name);
    if (from == null || wanted.containsKey(to)) {
      return;
    }
    Directories.Slot fromSlot = directories.slot(directory, name);
    Directories.Slot toSlot = directories.slot(directory, to);
    DirectoryEntry arrived = new DirectoryEntry(nextCookie++, from.type(), from.inode(), to);
    commit(
        commit -> {
          directories.remove(commit, directory, from, fromSlot);
          directories.insert(commit, directory, arrived, toSlot);
        });
    wanted.remove(name);
    wanted.put(to, arrived);
  }

  private void replace(Name name) {
    DirectoryEntry entry = wanted.get(name);
    if (entry != null) {
      DirectoryEntry other = new DirectoryEntry(entry.cookie(), FileType.FIFO, nextCookie, name);
      commit(commit -> directories.replace(commit, directory, other));
      wanted.put(name, other);
    }
  }

  private void commit(Consumer<Commit> change) {
    generations.commit(Call.waiting(Caller.ROOT), change);
  }
}
