package zerofs.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;
import zerofs.base.LocalDirectory;
import zerofs.base.LocalDirectory.LocalFile;
import zerofs.base.Randomness;
import zerofs.base.Tasks;
import zerofs.codec.Keys;
import zerofs.objectstore.StorageException;

/// The journal of one volume on this machine: what earlier processes left, and where the next one
/// begins. Locked while it is open. One task at a time.
///
/// Order: [#open], [#prepare], [#records], [#begin], and [#discardBefore] once the store has all
/// that was replayed. docs/JOURNAL.md has what a crash at each leaves.
public final class JournalDirectory implements AutoCloseable {
  private static final String ASIDE = "aside-";
  private static final int ID_BYTES = 16;

  private final LocalDirectory files;
  private final LocalDirectory memory;
  private final LocalDirectory.Lock lock;
  private final Keys keys;
  private final Tasks tasks;
  private final Randomness randomness;
  private final Settings settings;
  private final byte[] volumeId;
  private final byte[] id;

  /// @param stageBytes size of the stage, a power of two
  /// @param fileBytes size of a file
  /// @param boot names this run of the machine; empty = not known
  public record Settings(int stageBytes, int fileBytes, String boot) {}

  private JournalDirectory(
      LocalDirectory files,
      LocalDirectory memory,
      LocalDirectory.Lock lock,
      Keys keys,
      byte[] volumeId,
      Tasks tasks,
      Randomness randomness,
      Settings settings)
      throws IOException {
    this.files = files;
    this.memory = memory;
    this.lock = lock;
    this.keys = keys;
    this.volumeId = volumeId.clone();
    this.tasks = tasks;
    this.randomness = randomness;
    this.settings = settings;
    this.id = id(files, randomness);
  }

  /// Opens and locks it (Rule JOURNAL_LOCK).
  ///
  /// @param files where the files are, alone
  /// @param memory where stages are: shared memory, which may hold those of other volumes
  public static JournalDirectory open(
      LocalDirectory files,
      LocalDirectory memory,
      Keys keys,
      byte[] volumeId,
      Tasks tasks,
      Randomness randomness,
      Settings settings)
      throws StorageException {
    try {
      LocalDirectory.Lock lock = files.tryLock("lock");
      if (lock == null) {
        throw new StorageException.Invalid(
            StorageException.Invalid.Reason.SETTING,
            "another process has the journal in "
                + files.path()
                + ": stop it first; it may hold what is not in the store yet");
      }
      return new JournalDirectory(files, memory, lock, keys, volumeId, tasks, randomness, settings);
    } catch (IOException e) {
      throw failed(files, e);
    }
  }

  private static StorageException failed(LocalDirectory files, IOException e) {
    return new StorageException.Refused(
        "the journal in " + files.path() + " can't be used: " + e.getMessage(), e);
  }

  private static byte[] id(LocalDirectory files, Randomness randomness) throws IOException {
    ByteBuffer id = ByteBuffer.allocate(ID_BYTES);
    try (LocalFile file = files.open("id")) {
      if (file.read(id, 0) < ID_BYTES) {
        randomness.secret(id.array());
        file.write(id.clear(), 0);
        file.sync();
        files.sync();
      }
    }
    return id.array();
  }

  /// For messages.
  public String path() {
    return files.path();
  }

  /// Names this journal in manifests.
  public String id() {
    return HexFormat.of().formatHex(id);
  }

  private String stageName(int epoch) {
    return "zerofs-" + id() + "-" + epoch;
  }

  /// Whether the stage of that epoch is here and of this run of the machine: then nothing that the
  /// epoch answered is missing.
  public boolean hasStage(int epoch) throws StorageException {
    try {
      return !settings.boot().isEmpty() && stage(epoch) != null;
    } catch (IOException e) {
      throw failed(files, e);
    }
  }

  private @Nullable Stage stage(int epoch) throws IOException {
    String name = stageName(epoch);
    if (!memory.list().contains(name)) {
      return null;
    }
    ByteBuffer mapped = memory.map(name, Stage.HEADER_BYTES + settings.stageBytes());
    return mapped == null ? null : Stage.open(mapped, identity(epoch));
  }

  private byte[] identity(int epoch) {
    byte[] boot = settings.boot().getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    return ByteBuffer.allocate(2 * ID_BYTES + Integer.BYTES + boot.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .put(id)
        .put(volumeId)
        .putInt(epoch)
        .put(boot)
        .array();
  }

  /// Epochs of which something is here, ascending.
  private SortedSet<Integer> epochs() throws IOException {
    SortedSet<Integer> found = new TreeSet<>();
    for (String name : files.list()) {
      if (name.matches("[0-9a-f]{8}-[0-9a-f]{8}")) {
        found.add(Integer.parseInt(name.substring(0, 8), 16));
      }
    }
    String prefix = "zerofs-" + id() + "-";
    for (String name : memory.list()) {
      if (name.startsWith(prefix)) {
        found.add(Integer.parseInt(name.substring(prefix.length())));
      }
    }
    return found;
  }

  private List<Long> numbers(int epoch) throws IOException {
    List<Long> found = new ArrayList<>();
    String prefix = "%08x-".formatted(epoch);
    for (String name : files.list()) {
      if (name.startsWith(prefix)) {
        found.add(Long.parseLong(name.substring(prefix.length()), 16));
      }
    }
    return found;
  }

  /// Makes durable, as files, what earlier epochs left in memory, cuts off what can't be read (Rule
  /// JOURNAL_CUT), and sets aside what does not count.
  ///
  /// @param counts whether the records of an epoch belong to the history (Rule JOURNAL_EPOCH)
  /// @return epochs that were set aside
  public List<Integer> prepare(IntPredicate counts) throws StorageException {
    List<Integer> aside = new ArrayList<>();
    try {
      for (int epoch : epochs()) {
        RecordReader.End end = cut(epoch);
        keepStage(epoch, end);
        if (!counts.test(epoch)) {
          for (long number : numbers(epoch)) {
            String name = JournalFiles.name(epoch, number);
            files.rename(name, ASIDE + name);
          }
          files.sync();
          aside.add(epoch);
        }
      }
    } catch (IOException e) {
      throw failed(files, e);
    }
    return aside;
  }

  private RecordReader.End cut(int epoch) throws IOException {
    RecordReader reader = new RecordReader(files, keys, epoch, numbers(epoch));
    while (reader.next() != null) {
      // To its end.
    }
    RecordReader.End end = reader.end();
    for (long number : numbers(epoch).reversed()) {
      String name = JournalFiles.name(epoch, number);
      if (number > end.number()) {
        files.delete(name);
        continue;
      }
      try (LocalFile file = files.open(name)) {
        if (number == end.number() && file.size() > end.bytes()) {
          file.truncate(end.bytes());
        }
        file.sync(); // What was read may have been in the machine's memory only.
      }
    }
    files.sync();
    return end;
  }

  private void keepStage(int epoch, RecordReader.End end) throws IOException {
    Stage stage = stage(epoch);
    if (stage != null) {
      try (JournalFiles kept =
          new JournalFiles(
              files, keys, randomness, epoch, settings.fileBytes(), end.number() + 1)) {
        StageReader.copy(stage, end.lastSequence(), kept);
        kept.sync();
      }
    }
    memory.delete(stageName(epoch));
  }

  /// A redo record that was left.
  ///
  /// @param payload what [Journal#append] was given, in one piece
  public record Redo(int epoch, long sequence, ByteBuffer payload) {}

  /// The records that earlier epochs left, in order.
  @FunctionalInterface
  public interface Records {
    /// The next one, which is good until the next call; null at the end.
    @Nullable Redo next() throws StorageException;
  }

  /// What [#prepare] has left to be read.
  public Records records() throws StorageException {
    try {
      List<RecordReader> readers = new ArrayList<>();
      for (int epoch : epochs()) {
        readers.add(new RecordReader(files, keys, epoch, numbers(epoch)));
      }
      return () -> next(readers);
    } catch (IOException e) {
      throw failed(files, e);
    }
  }

  private @Nullable Redo next(List<RecordReader> readers) throws StorageException {
    try {
      while (!readers.isEmpty()) {
        Redo record = readers.getFirst().next();
        if (record != null) {
          return record;
        }
        readers.removeFirst();
      }
      return null;
    } catch (IOException e) {
      throw failed(files, e);
    }
  }

  private ByteBuffer makeStage(String name) throws IOException {
    int bytes = Stage.HEADER_BYTES + settings.stageBytes();
    ByteBuffer mapped;
    try {
      mapped = memory.map(name, bytes);
    } catch (IOException e) {
      memory.delete(name);
      throw new IOException(
          "no stage of " + bytes + " bytes can be made in " + memory.path() + ": " + e.getMessage(),
          e);
    }
    if (mapped == null) {
      throw new IOException("a foreign file is where the stage should be: " + name);
    }
    return mapped;
  }

  /// Begins the journal of an epoch that nobody had before.
  ///
  /// @param lastSequence the one before its first record
  public Journal begin(int epoch, long lastSequence) throws StorageException {
    try {
      ByteBuffer mapped = makeStage(stageName(epoch));
      JournalFiles own = new JournalFiles(files, keys, randomness, epoch, settings.fileBytes(), 0);
      own.prepare();
      Journal journal =
          new Journal(tasks, Stage.create(mapped, identity(epoch)), own, lastSequence);
      journal.start();
      return journal;
    } catch (IOException e) {
      throw failed(files, e);
    }
  }

  /// Deletes what epochs before `epoch` left: the store has it.
  public void discardBefore(int epoch) throws StorageException {
    try {
      for (int each : epochs().headSet(epoch)) {
        for (long number : numbers(each)) {
          files.delete(JournalFiles.name(each, number));
        }
        memory.delete(stageName(each));
      }
      files.sync();
    } catch (IOException e) {
      throw failed(files, e);
    }
  }

  @Override
  public void close() {
    lock.close();
  }
}
