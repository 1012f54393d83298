package zerofs.lsm;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import zerofs.base.CacheCounter;
import zerofs.base.Tasks;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Rows of a volume as far as they are stored: a stack of sorted runs, newest first. Runs in memory
/// hold deltas of log objects that no SST holds yet; runs in the store hold the rest.
///
/// The stack is an immutable snapshot, swapped by reference: readers take no lock. One task flushes
/// and compacts, and flushes in the pauses of a compaction; ingest may run beside it. A flush reads
/// nothing from the store.
///
/// Invariants: (1) positions of the runs are disjoint and descend. (2) memory runs at or below a
/// flush's limit are not merged with later ones while it runs. (3) a merge that drops a reference
/// emits the debit into its own output, so retrying a flush that failed counts nothing twice.
public final class LsmTree {
  /// Runs in memory of one level that are merged into one of the next.
  private static final int MEMORY_FAN_IN = 4;

  /// Above every key: those of accounting, the last ones, begin below it.
  private static final byte[] KEYS_END = {(byte) 0xff};

  private final ObjectStore store;
  private final FrameCodec codec;
  private final RowMerger merger;
  private final LsmSettings settings;
  private final Tables tables;
  private final Tasks.Mutex mutex;
  private volatile Layers layers = Layers.of(List.of(), List.of());
  private long flushLimit;

  /// Oldest runs of the store that compactions under way merge, or that lie below those.
  private int compacting;

  /// @param bytes of the rows in memory
  private record Layers(List<MemoryRun> memory, List<RunDescriptor> stored, long bytes) {
    static Layers of(List<MemoryRun> memory, List<RunDescriptor> stored) {
      long bytes = memory.stream().mapToLong(run -> run.rows().bytes()).sum();
      return new Layers(List.copyOf(memory), List.copyOf(stored), bytes);
    }
  }

  /// When a compaction gives way to what is more urgent.
  public interface Pause {
    /// Before each table that it writes, with nothing of it in memory but what was read ahead: time
    /// for a flush, and for compactions of runs newer than those it merges.
    void beforeTable() throws StorageException;

    /// Before it reads on, with a part of a table in memory: time for a flush.
    void beforeRead() throws StorageException;

    /// Nothing is more urgent.
    Pause NONE =
        new Pause() {
          @Override
          public void beforeTable() {}

          @Override
          public void beforeRead() {}
        };
  }

  public LsmTree(
      ObjectStore store,
      FrameCodec codec,
      RowMerger merger,
      Tasks tasks,
      LsmSettings settings,
      EpochSalts salts) {
    this.store = store;
    this.codec = codec;
    this.merger = merger;
    this.settings = settings;
    this.tables = new Tables(store, codec, salts, tasks, settings.blockCacheBytes());
    this.mutex = tasks.newMutex("lsm layers");
  }

  /// Starts with the runs of a manifest.
  public void open(List<RunDescriptor> runs) {
    mutex.lock();
    try {
      layers = Layers.of(List.of(), runs);
    } finally {
      mutex.unlock();
    }
  }

  /// The delta of a stored log object becomes the newest run. Positions ascend.
  ///
  /// @param sequence last commit sequence in it
  public void ingest(long position, long sequence, SortedRows delta) throws StorageException {
    MemoryRun run = MemoryRun.of(position, position, sequence, 0, delta);
    mutex.lock();
    try {
      List<MemoryRun> memory = new ArrayList<>();
      memory.add(run);
      memory.addAll(layers.memory());
      while (mergeNewest(memory)) {
        // One merge may make enough runs of the next level.
      }
      layers = Layers.of(memory, layers.stored());
    } finally {
      mutex.unlock();
    }
  }

  /// Merges the newest runs when enough of them have one level.
  private boolean mergeNewest(List<MemoryRun> memory) throws StorageException {
    int level = memory.getFirst().level();
    int count = 0;
    while (count < memory.size()
        && memory.get(count).level() == level
        && memory.get(count).lowest() > flushLimit) {
      count++;
    }
    if (count < MEMORY_FAN_IN) {
      return false;
    }
    List<MemoryRun> merged = memory.subList(0, count);
    MemoryRun run = merged(merged, level + 1);
    merged.clear();
    memory.addFirst(run);
    return true;
  }

  private MemoryRun merged(List<MemoryRun> runs, int level) throws StorageException {
    SortedRows.Builder builder = new SortedRows.Builder();
    MergeCursor cursor = new MergeCursor(cursors(runs), merger, false, true);
    while (cursor.next()) {
      builder.add(cursor.key(), cursor.value());
    }
    return MemoryRun.of(
        runs.getLast().lowest(),
        runs.getFirst().highest(),
        runs.getFirst().sequence(),
        level,
        builder.finish());
  }

  private static List<RowCursor> cursors(List<MemoryRun> runs) throws StorageException {
    List<RowCursor> cursors = new ArrayList<>();
    for (MemoryRun each : runs) {
      cursors.add(RowCursor.of(each.rows(), new byte[0]));
    }
    return cursors;
  }

  /// The value of a key over all layers; null when there is none.
  ///
  /// @param mayWait without it, throws Miss when something must be read from the store
  public byte @Nullable [] get(byte[] key, boolean mayWait) throws StorageException {
    long hash = BloomFilter.hash(key);
    Layers now = layers;
    byte[] value = null;
    for (MemoryRun each : now.memory()) {
      value = over(key, value, each.get(key, hash));
      if (value != null && merger.hidesOlder(key, value)) {
        return value;
      }
    }
    for (RunDescriptor each : now.stored()) {
      value = over(key, value, tables.get(each.tables(), key, hash, mayWait));
      if (value != null && merger.hidesOlder(key, value)) {
        return value;
      }
    }
    return value;
  }

  private byte @Nullable [] over(byte[] key, byte @Nullable [] newer, byte @Nullable [] older)
      throws StorageException.Corrupt {
    if (newer == null || older == null) {
      return newer == null ? older : newer;
    }
    return merger.merge(key, newer, older, RowMerger.SideRows.NONE);
  }

  /// The rows with `from` ≤ key < `toExclusive`, as they are now.
  public Scan scan(byte[] from, byte[] toExclusive, boolean mayWait) throws StorageException {
    Layers now = layers;
    List<RowCursor> cursors = new ArrayList<>();
    for (MemoryRun each : now.memory()) {
      cursors.add(RowCursor.of(each.rows(), from));
    }
    for (RunDescriptor each : now.stored()) {
      cursors.add(TableCursor.ofScan(tables, each.tables(), from, mayWait));
    }
    return new Scan(new MergeCursor(cursors, merger, false, false), toExclusive);
  }

  /// All rows as a compaction of everything would leave them now: with the debits of what it drops.
  /// Reads in large pieces; waits.
  public Scan scanCompacted() throws StorageException {
    Layers now = layers;
    List<RowCursor> cursors = new ArrayList<>(cursors(now.memory()));
    long readAhead = tables.readAheadBytes(Math.max(1, now.stored().size()));
    for (RunDescriptor each : now.stored()) {
      cursors.add(TableCursor.ofCompaction(tables, each.tables(), readAhead, Pause.NONE));
    }
    return new Scan(new MergeCursor(cursors, merger, true, true), KEYS_END);
  }

  /// Log objects whose rows are only in memory.
  public long unflushedObjects() {
    List<MemoryRun> memory = layers.memory();
    return memory.isEmpty() ? 0 : memory.getFirst().highest() - memory.getLast().lowest() + 1;
  }

  /// Bytes of rows that are only in memory.
  public long unflushedBytes() {
    return layers.bytes();
  }

  /// Runs in memory and in the store that a lookup may ask.
  public int runs() {
    return layers.memory().size() + layers.stored().size();
  }

  public List<RunDescriptor> storedRuns() {
    return layers.stored();
  }

  public long blockCacheBytes() {
    return tables.cachedBytes();
  }

  /// How often blocks of tables were looked for in memory, and had to be fetched.
  public CacheCounter blockLookups() {
    return tables.lookups();
  }

  /// What a flush wrote.
  ///
  /// @param run the new run; without tables when all its rows were dropped
  /// @param markSequence last commit sequence in it
  public record Flushed(RunDescriptor run, long markSequence) {
    /// Highest log position whose rows are in the store's runs now: what the manifest may say.
    public long mark() {
      return run.highestPosition();
    }
  }

  /// Writes the rows that are in memory now as one run; null when there are none. Nothing changes
  /// until [#install]. The tree itself says which positions it has covered: an ingest that comes
  /// between the caller's look and this call may have merged runs beyond any position chosen
  /// before.
  ///
  /// @param numbers gives numbers of SSTs, each once in the epoch
  public @Nullable Flushed flush(int epoch, LongSupplier numbers) throws StorageException {
    List<MemoryRun> runs;
    boolean bottom;
    mutex.lock();
    try {
      runs = layers.memory();
      if (runs.isEmpty()) {
        return null;
      }
      flushLimit = runs.getFirst().highest();
      bottom = layers.stored().isEmpty();
    } finally {
      mutex.unlock();
    }
    MergeCursor rows = new MergeCursor(cursors(runs), merger, bottom, true);
    List<TableDescriptor> written = write(rows, epoch, numbers, Cause.FLUSH, Pause.NONE);
    return new Flushed(
        new RunDescriptor(runs.getLast().lowest(), runs.getFirst().highest(), written),
        runs.getFirst().sequence());
  }

  private List<TableDescriptor> write(
      RowCursor rows, int epoch, LongSupplier numbers, Cause cause, Pause pause)
      throws StorageException {
    List<TableDescriptor> written = new ArrayList<>();
    try {
      writeTables(rows, epoch, numbers, cause, pause, written);
      return written;
    } catch (StorageException e) {
      discard(written);
      throw e;
    }
  }

  /// What was written before a write failed is deleted, as far as that goes: no manifest names it,
  /// and none will. Left there, every further try would fill the store a little more.
  private void discard(List<TableDescriptor> written) {
    try {
      for (TableDescriptor each : written) {
        store.delete(each.id().key(), Cause.SWEEP);
      }
    } catch (StorageException e) {
      return; // It stays: garbage, but harmless.
    }
  }

  private void writeTables(
      RowCursor rows,
      int epoch,
      LongSupplier numbers,
      Cause cause,
      Pause pause,
      List<TableDescriptor> written)
      throws StorageException {
    TableWriter writer = null;
    while (rows.next()) {
      if (writer == null) {
        pause.beforeTable();
        ObjectId id = new ObjectId(ObjectId.Kind.SST, epoch, numbers.getAsLong());
        writer = new TableWriter(id, codec, tables.key(id), settings.compression());
      }
      writer.add(rows.key(), rows.value());
      if (writer.isFull(settings.tableBytesMax())) {
        written.add(put(writer, cause));
        writer = null;
      }
    }
    if (writer != null) {
      written.add(put(writer, cause));
    }
  }

  /// An SST's name is used once, so "exists" can only be this very PUT, applied before its answer
  /// was lost.
  private TableDescriptor put(TableWriter writer, Cause cause) throws StorageException {
    TableWriter.Finished finished = writer.finish();
    String key = finished.descriptor().id().key();
    try {
      store.put(key, finished.body(), cause);
    } catch (StorageException.OutcomeUnknown e) {
      store.put(key, finished.body(), cause);
    }
    return finished.descriptor();
  }

  /// All tables of the store, newest first.
  public List<TableDescriptor> storedTables() {
    return layers.stored().stream().flatMap(run -> run.tables().stream()).toList();
  }

  /// Brings a table's filter and index into memory, and its blocks, before anybody asks for them.
  ///
  /// @param goesOn asked before each request
  /// @return whether there is room for more
  public boolean warm(TableDescriptor table, boolean withBlocks, BooleanSupplier goesOn)
      throws StorageException {
    return tables.warm(table, withBlocks, goesOn);
  }

  /// What the runs of the store would be after the next compaction; null when none is due. Reads
  /// and writes the store; nothing changes until [#install]. What flushes and compactions in its
  /// pauses change lies above the runs that it merges.
  public @Nullable List<RunDescriptor> compact(int epoch, LongSupplier numbers, Pause pause)
      throws StorageException {
    List<RunDescriptor> runs = layers.stored();
    List<RunDescriptor> idle = runs.subList(0, runs.size() - compacting);
    CompactionPolicy.Choice choice = CompactionPolicy.choose(idle, settings);
    if (choice == null) {
      return null;
    }
    int before = compacting;
    compacting = runs.size() - choice.from();
    try {
      return merged(runs, choice, epoch, numbers, pause);
    } finally {
      compacting = before;
    }
  }

  private List<RunDescriptor> merged(
      List<RunDescriptor> runs,
      CompactionPolicy.Choice choice,
      int epoch,
      LongSupplier numbers,
      Pause pause)
      throws StorageException {
    List<RunDescriptor> merged = runs.subList(choice.from(), choice.to());
    List<RowCursor> cursors = new ArrayList<>();
    long readAhead = tables.readAheadBytes(merged.size());
    for (RunDescriptor each : merged) {
      cursors.add(TableCursor.ofCompaction(tables, each.tables(), readAhead, pause));
    }
    boolean bottom = choice.to() == runs.size();
    MergeCursor rows = new MergeCursor(cursors, merger, bottom, true);
    RunDescriptor output =
        new RunDescriptor(
            merged.getLast().lowestPosition(),
            merged.getFirst().highestPosition(),
            write(rows, epoch, numbers, Cause.COMPACTION, pause));
    List<RunDescriptor> now = layers.stored();
    List<RunDescriptor> after =
        new ArrayList<>(now.subList(0, now.size() - runs.size() + choice.from()));
    after.add(output);
    after.addAll(runs.subList(choice.to(), runs.size()));
    return after;
  }

  /// Swaps the runs of the store for those of a manifest that was stored, and drops the rows in
  /// memory that they hold.
  public void install(List<RunDescriptor> runs, long mark) {
    Set<ObjectId> gone = new HashSet<>();
    mutex.lock();
    try {
      for (RunDescriptor run : layers.stored()) {
        run.tables().forEach(table -> gone.add(table.id()));
      }
      List<MemoryRun> memory =
          layers.memory().stream().filter(run -> run.highest() > mark).toList();
      layers = Layers.of(memory, runs);
      flushLimit = Math.max(flushLimit, mark);
    } finally {
      mutex.unlock();
    }
    for (RunDescriptor run : runs) {
      run.tables().forEach(table -> gone.remove(table.id()));
    }
    gone.forEach(tables::forget);
  }
}
