package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import zerofs.base.Randomness;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectEnvelope;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.engine.Namespace.Birth;
import zerofs.fs.page.DrainMemory;
import zerofs.fs.page.Slab;
import zerofs.fs.page.SlabMemory;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.UsageRow;
import zerofs.journal.JournalDirectory;
import zerofs.log.LogFormat;
import zerofs.log.LogWriter;
import zerofs.log.ManifestAuthor;
import zerofs.log.VolumeOpening;
import zerofs.log.VolumeSecrets;
import zerofs.lsm.LsmSettings;
import zerofs.lsm.LsmTree;
import zerofs.lsm.SortedRows;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.SharedReads;
import zerofs.objectstore.StorageException;

/// One volume, open for writing: the engine's facade. Construction takes the volume over
/// ([VolumeOpening]); then every operation is a memory-only attempt, run again after a fetch when
/// the call may wait.
public final class Volume implements Filesystem {
  /// inode number = epoch (24 bits) ‖ counter (40 bits): never used twice, also after a lost
  /// suffix.
  private static final int INODE_COUNTER_BITS = 40;

  private static final int ROOT_MODE = 0755;

  private final Tasks tasks;
  private final String volumeId;
  private final Manifest claim;
  private final LsmTree tree;
  private final LogWriter log;
  private final Generations generations;
  private final Durability durability;
  private final EarlyBulk bulk;
  private final Maintenance maintenance;
  private final Warmup warmup;
  private final SpaceUsage usage;
  private final InodeTable inodes;
  final Rows rows;
  private final Slab slab;
  private final Files files;
  private final Setattr setattr;
  private final Namespace namespace;
  private final Renames renames;
  private final Listing listing;
  private final Upkeep upkeep;
  private final Recounter recounter;
  private final SharedReads reads;
  private final Recorder recorder;
  private final Attempts attempts;
  private final Replay replay;
  private final @Nullable JournalDirectory journal;
  private final List<Integer> setAside;
  private long replayedCommits;

  private final Reaper reaper;
  private final int replayed;
  private final long recoveredSequence;

  /// @param host name of this machine, for messages
  /// @param slabBytes memory for file data, and for what it is encoded into
  /// @param blockCacheBytes memory for blocks of metadata
  /// @param inodesMax inodes kept in memory
  /// @param workers tasks that encode
  /// @param bytesMax limit on allocated bytes; Long.MAX_VALUE = none
  /// @param compression of file data
  /// @param sealNanos age at which changes are stored without being asked
  /// @param flushObjects log objects after which rows are flushed to an SST
  /// @param flushBytes bytes of rows in memory after which they are; a generation is sealed when
  ///   its own take half as much
  public record Settings(
      String host,
      long slabBytes,
      long blockCacheBytes,
      int inodesMax,
      int workers,
      long bytesMax,
      Compression compression,
      long sealNanos,
      int flushObjects,
      long flushBytes) {
    private VolumeOpening.Settings opening(Journaling journaling) {
      return new VolumeOpening.Settings(
          host, IN_FLIGHT_MAX, READ_AHEAD_OBJECTS, journaling, journaling.takeover());
    }

    private AdaptiveCompression adaptive() {
      return new AdaptiveCompression(compression, IN_FLIGHT_MAX);
    }

    /// A gibibyte in all, see docs/CONFIG.md.
    public static Settings standard(String host) {
      return new Settings(
          host,
          480L << 20,
          24L << 20,
          100_000,
          Math.max(1, Runtime.getRuntime().availableProcessors()),
          Long.MAX_VALUE,
          new Compression.Zstd(3),
          5_000_000_000L,
          512,
          16L << 20);
    }
  }

  private static final int IN_FLIGHT_MAX = 4;
  private static final int READ_AHEAD_OBJECTS = 16;

  /// Opens the volume without a local journal.
  public Volume(
      ObjectStore store,
      VolumeSecrets secrets,
      Settings settings,
      Tasks tasks,
      Randomness randomness,
      SlabMemory memory,
      Consumer<StorageException> lost)
      throws StorageException {
    this(store, secrets, settings, Journaling.NONE, tasks, randomness, memory, lost);
  }

  /// Opens the volume, as its only writer from now on.
  ///
  /// @param memory where payload memory comes from
  /// @param lost told, once, when nothing more can be stored: another writer has taken over
  ///   ([StorageException.Fenced]), or what happened is not mended by waiting
  public Volume(
      ObjectStore store,
      VolumeSecrets secrets,
      Settings settings,
      Journaling journaling,
      Tasks tasks,
      Randomness randomness,
      SlabMemory memory,
      Consumer<StorageException> lost)
      throws StorageException {
    this.tasks = tasks;
    this.journal = journaling.directory();
    this.volumeId = secrets.volumeId();
    byte[] id = secrets.idBytes();
    FrameCodec codec = new SealedFrameCodec(secrets.keys());
    ManifestStore manifests =
        new ManifestStore(store, new ObjectEnvelope(secrets.keys(), id, randomness));
    LogFormat format = new LogFormat(codec, id);
    VolumeOpening.Opened opened =
        new VolumeOpening(store, manifests, format, tasks, randomness, settings.opening(journaling))
            .open();
    claim = opened.manifest();
    setAside = journaling.prepare(claim);
    replayed = opened.replayed().size();
    recoveredSequence = opened.lastSequence();
    Salts salts = new Salts(claim);
    upkeep = new Upkeep(tasks);
    MemoryShares shares = MemoryShares.of(settings.slabBytes());
    reads = new SharedReads(store, tasks, shares.reads());
    tree =
        new LsmTree(
            reads,
            codec,
            new MetadataMerger(upkeep::fold),
            tasks,
            LsmSettings.standard(settings.blockCacheBytes()),
            salts::of);
    load(tree, opened);

    Wiring wiring = new Wiring();
    usage = new SpaceUsage(settings.bytesMax(), store::shortage);
    recorder = new Recorder(journaling.bytesMax());
    generations =
        new Generations(
            tasks,
            usage,
            recorder,
            opened.nextPosition(),
            opened.lastSequence(),
            shares.generation(),
            settings.flushBytes() / 2,
            wiring::sealDue);
    attempts = new Attempts(recorder, generations);
    rows = new Rows(generations, tree);
    inodes = new InodeTable(tasks, rows, settings.inodesMax());
    slab = new Slab(shares.pages(), memory, tasks);
    DrainMemory drain = new DrainMemory(memory.map(shares.drain()), tasks);
    PageCache cache = new PageCache(slab, tasks, Math.max(256, settings.inodesMax() / 10));
    durability =
        new Durability(
            tasks,
            generations,
            new Encoder(codec, drain, tasks, settings.adaptive(), settings.workers()),
            format,
            codec,
            tree,
            wiring.settlement(new FileSettlement(inodes), lost),
            recorder,
            wiring::flushIsBehind,
            new Durability.Settings(IN_FLIGHT_MAX, settings.sealNanos()),
            opened.epoch(),
            salts.of(opened.epoch()));
    wiring.sealsBy(durability);
    log =
        new LogWriter(
            store,
            format,
            tasks,
            randomness,
            opened.epoch(),
            opened.salt(),
            opened.nextPosition(),
            durability);
    maintenance =
        new Maintenance(
            tasks,
            tree,
            new ManifestAuthor(manifests, log, claim),
            opened.epoch(),
            new Maintenance.Settings(settings.flushObjects(), settings.flushBytes()),
            usage,
            wiring::flushed);
    wiring.tells(maintenance);
    warmup = new Warmup(tasks, tree);

    Fetcher fetcher =
        new Fetcher(
            tasks,
            generations,
            rows,
            cache,
            new FrameReader(
                reads, codec, new EpochKeys(codec, salts::of), tasks, shares.reads() / 2),
            durability);
    recounter = new Recounter(generations, inodes, rows, fetcher, usage, upkeep, attempts);
    files = new Files(tasks, generations, inodes, cache, usage, fetcher, recounter, durability);
    setattr = new Setattr(tasks, generations, inodes, files, recounter, usage, attempts);
    reaper = new Reaper(tasks);
    Directories directories = new Directories(rows, NameHash.of(secrets));
    Core core =
        new Core(
            tasks,
            generations,
            inodes,
            rows,
            directories,
            files,
            setattr,
            usage,
            attempts,
            new AtomicLong(((long) opened.epoch() << INODE_COUNTER_BITS) + 1),
            reaper);
    namespace = new Namespace(core);
    renames = new Renames(core, namespace);
    listing = new Listing(core);
    replay = new Replay(core);

    bulk = durability.start(log, inodes, EarlyBulk.Bounds.of(shares, settings.workers()));
    maintenance.start();
    reaper.start(inodes, setattr, namespace, attempts);
    begin();
    upkeep.start(
        inodes, files, recounter, attempts, tasks); // May commit, so the totals are known by now.
  }

  /// What the store has: the runs of the manifest, and the log after them.
  private static void load(LsmTree tree, VolumeOpening.Opened opened) throws StorageException {
    tree.open(opened.manifest().runs());
    for (VolumeOpening.Delta each : opened.replayed()) {
      tree.ingest(each.position(), each.lastSequence(), SortedRows.decode(each.rows()));
    }
  }

  private void begin() throws StorageException {
    try {
      restore();
    } catch (StorageException e) {
      abandon();
      throw e;
    } catch (FsException e) {
      abandon();
      if (e.getCause() instanceof StorageException reason) {
        throw reason;
      }
      throw new StorageException.Closed("the volume does not open: " + e.getMessage());
    }
  }

  /// Reads the totals, makes again what only the journal has, makes the root of a fresh volume,
  /// begins this epoch's journal, and queues what was left without names.
  private void restore() throws FsException, StorageException {
    byte[] totals = rows.get(RowKeys.usage(), true);
    try {
      usage.restore(totals == null ? new UsageRow(0, 0) : UsageRow.decode(totals));
    } catch (StorageException.Corrupt e) {
      throw Rows.failed(e);
    }
    if (journal != null) {
      replayedCommits = replay.apply(journal.records());
    }
    if (rows.inode(ROOT, true) == Generation.REMOVED) {
      makeRoot();
    }
    if (journal != null) {
      barrier(generations.sequence()); // Rule JOURNAL_FREE: only then the old records go.
      journal.discardBefore(epoch());
      recorder.begin(journal.begin(epoch(), generations.sequence()));
    }
    rows.scan(
        RowKeys.orphan(0),
        RowKeys.endOf(RowKeys.ORPHAN),
        true,
        (key, value) -> {
          reaper.add(RowKeys.first(key));
          return true;
        });
  }

  private void makeRoot() throws FsException {
    Inode.Draft draft = Inode.create(ROOT, FileType.DIRECTORY);
    draft.mode = ROOT_MODE;
    draft.nlink = 2;
    draft.parent = ROOT;
    draft.nextCookie = 3;
    draft.change = 1;
    long now = tasks.wallNanos();
    draft.atime(now).mtime(now).ctime(now).btime(now);
    Inode root = draft.build();
    Call call = Call.waiting(Caller.ROOT);
    barrier(
        attempts.run(
            call,
            () ->
                generations.commit(
                    call,
                    commit -> {
                      commit.put(root);
                      commit.usage(0, 1);
                    })));
  }

  @Override
  public String volumeId() {
    return volumeId;
  }

  /// The epoch of this writer.
  public int epoch() {
    return claim.epoch();
  }

  /// Log objects that were replayed at the start.
  public int replayedObjects() {
    return replayed;
  }

  /// Commits that only this machine's journal had, and that were made again at the start.
  public long replayedCommits() {
    return replayedCommits;
  }

  /// Epochs whose records in this machine's journal belong to another history: set aside.
  public List<Integer> journalsSetAside() {
    return setAside;
  }

  /// The last epoch that began when something might be gone that the one before had answered: as
  /// long as it stays the same, nothing is.
  public int lossEpoch() {
    return claim.epochs().stream()
        .filter(Manifest.EpochEntry::lossPossible)
        .mapToInt(Manifest.EpochEntry::epoch)
        .max()
        .orElse(0);
  }

  /// The last commit sequence of the history that this writer found: what it goes on from.
  public long recoveredSequence() {
    return recoveredSequence + replayedCommits;
  }

  /// What status shows of an open volume.
  public VolumeHealth health() {
    Generation[] layers = generations.layers();
    long pending = 0;
    for (int i = 1; i < layers.length; i++) {
      pending += layers[i].bytes();
    }
    return new VolumeHealth(
        log.trouble(),
        generations.sequence(),
        durability.storedSequence(),
        layers[0].bytes(),
        pending,
        durability.waitingNanos(),
        durability.isFull(0),
        (long) slab.blocks() * Slab.BLOCK_BYTES,
        (long) slab.availableBlocks() * Slab.BLOCK_BYTES,
        recorder.isOn(),
        recorder.failure(),
        recorder.pendingBytes(),
        tree.unflushedBytes(),
        tree.blockCacheBytes(),
        inodes.size(),
        tree.runs());
  }

  /// Where the time of storing went.
  public BarrierTimes barrierTimes() {
    return durability.times();
  }

  /// What was in memory when it was needed.
  public CacheCounters caches() {
    return new CacheCounters(files.reads(), inodes.lookups(), tree.blockLookups());
  }

  @Override
  public Attributes getattr(Call call, long inode) throws FsException {
    return attempts.run(
        call,
        () -> {
          InodeNode node = inodes.pin(inode, false);
          try {
            Inode row = node.loadedRow();
            call.reached(node.lastSequence());
            return Namespace.requireLiving(row).attributes();
          } finally {
            node.unpin();
          }
        });
  }

  @Override
  public Attributes setattr(Call call, long inode, SetAttributes changes) throws FsException {
    return attempts.run(call, () -> setattr.set(call, inode, changes));
  }

  @Override
  public Attributes lookup(Call call, long directory, Name name) throws FsException {
    return attempts.run(call, () -> namespace.lookup(call, directory, name));
  }

  @Override
  public int access(Call call, long inode, int mask) throws FsException {
    return attempts.run(
        call,
        () -> {
          InodeNode node = inodes.pin(inode, false);
          try {
            Inode row = node.loadedRow();
            call.reached(node.lastSequence());
            return Permissions.granted(Namespace.requireLiving(row), call.caller(), mask);
          } finally {
            node.unpin();
          }
        });
  }

  @Override
  public byte[] readlink(Call call, long inode) throws FsException {
    return attempts.run(
        call,
        () -> {
          InodeNode node = inodes.pin(inode, false);
          try {
            byte[] target = Namespace.requireLiving(node).target;
            if (target == null) {
              throw new FsException(FsError.INVALID);
            }
            if (Atimes.isDue(node.loadedRow(), tasks.wallNanos())) {
              Atimes.update(call, node, generations, tasks.wallNanos());
            }
            call.reached(node.lastSequence());
            return target.clone();
          } finally {
            node.unpin();
          }
        });
  }

  @Override
  public int read(Call call, long inode, long offset, ByteBuffer target) throws FsException {
    requireIoBytes(target.remaining());
    return attempts.run(call, () -> files.read(call, inode, offset, target));
  }

  @Override
  public Attributes write(Call call, long inode, long offset, ByteBuffer source)
      throws FsException {
    requireIoBytes(source.remaining());
    Attributes after = attempts.run(call, () -> files.write(call, inode, offset, source));
    bulk.offer();
    return after;
  }

  private static void requireIoBytes(int bytes) throws FsException {
    if (bytes > IO_BYTES_MAX) {
      throw new FsException(FsError.INVALID);
    }
  }

  @Override
  public Attributes create(
      Call call, long directory, Name name, int mode, boolean exclusive, SetAttributes initial)
      throws FsException {
    return attempts.run(
        call, () -> namespace.create(call, directory, name, mode, exclusive, initial));
  }

  @Override
  public Attributes createExclusive(Call call, long directory, Name name, long verifier)
      throws FsException {
    return attempts.run(call, () -> namespace.createExclusive(call, directory, name, verifier));
  }

  @Override
  public Attributes mkdir(Call call, long directory, Name name, int mode, SetAttributes initial)
      throws FsException {
    Birth birth = Birth.of(FileType.DIRECTORY, mode);
    return attempts.run(call, () -> namespace.makeNew(call, directory, name, birth, initial));
  }

  @Override
  public Attributes symlink(
      Call call, long directory, Name name, byte[] target, SetAttributes initial)
      throws FsException {
    Birth birth = new Birth(FileType.SYMLINK, 0777, 0, 0, 0, target.clone());
    return attempts.run(call, () -> namespace.makeNew(call, directory, name, birth, initial));
  }

  @Override
  public Attributes mknod(
      Call call,
      long directory,
      Name name,
      FileType type,
      int mode,
      int major,
      int minor,
      SetAttributes initial)
      throws FsException {
    boolean isDevice = type == FileType.CHARACTER_DEVICE || type == FileType.BLOCK_DEVICE;
    if (!isDevice && type != FileType.FIFO && type != FileType.SOCKET) {
      throw new FsException(FsError.INVALID);
    }
    if (isDevice && !call.caller().isSuperuser()) {
      throw new FsException(FsError.NOT_PERMITTED); // CAP_MKNOD.
    }
    Birth birth = new Birth(type, mode, isDevice ? major : 0, isDevice ? minor : 0, 0, null);
    return attempts.run(call, () -> namespace.makeNew(call, directory, name, birth, initial));
  }

  @Override
  public Attributes link(Call call, long inode, long directory, Name name) throws FsException {
    return attempts.run(call, () -> namespace.link(call, inode, directory, name));
  }

  @Override
  public void unlink(Call call, long directory, Name name) throws FsException {
    attempts.run(
        call,
        () -> {
          namespace.unlink(call, directory, name);
          return true;
        });
  }

  @Override
  public void rmdir(Call call, long directory, Name name) throws FsException {
    attempts.run(
        call,
        () -> {
          namespace.rmdir(call, directory, name);
          return true;
        });
  }

  @Override
  public void rename(
      Call call, long fromDirectory, Name from, long toDirectory, Name to, RenameMode mode)
      throws FsException {
    attempts.run(
        call,
        () -> {
          renames.rename(call, fromDirectory, from, toDirectory, to, mode);
          return true;
        });
  }

  @Override
  public boolean readdir(Call call, long directory, long cookie, DirectoryVisitor visitor)
      throws FsException {
    return listing.readdir(call, directory, cookie, visitor);
  }

  @Override
  public Attributes open(Call call, long inode, int mask) throws FsException {
    return attempts.run(
        call,
        () -> {
          InodeNode node = inodes.pin(inode, false);
          try (LockSet _ = LockSet.exclusive(node)) {
            Inode row = Namespace.requireLiving(node);
            if (row.nlink == 0 && node.opens() == 0) {
              throw new FsException(FsError.STALE); // Lost its last name since it was pinned.
            }
            Permissions.requireUnlessOpened(row, call, mask);
            call.reached(node.lastSequence());
            node.addOpens(1);
            return row.attributes();
          } finally {
            node.unpin();
          }
        });
  }

  @Override
  public void release(Call call, long inode) throws FsException {
    InodeNode node = inodes.pinAny(inode, true);
    try (LockSet _ = LockSet.exclusive(node)) {
      if (node.opens() == 0) {
        throw new FsException(FsError.INVALID);
      }
      node.addOpens(-1);
      if (node.opens() == 0 && node.loadedRow().nlink == 0) {
        reaper.add(inode);
      }
    } finally {
      node.unpin();
    }
  }

  @Override
  public VolumeStatistics statfs(Call call) {
    UsageRow used = usage.committed();
    long total = usage.bytesMax() == Long.MAX_VALUE ? 1L << 60 : usage.bytesMax();
    if (usage.isStoreShort()) {
      total = Math.min(total, used.allocatedBytes()); // Nothing is free.
    }
    return new VolumeStatistics(total, used.allocatedBytes(), 1L << 48, used.inodes());
  }

  @Override
  public long committedSequence() {
    return generations.sequence();
  }

  @Override
  public long storedSequence() {
    return durability.storedSequence();
  }

  @Override
  public void barrier(long sequence) throws FsException {
    durability.barrier(sequence);
  }

  @Override
  public void journalBarrier(long sequence) throws FsException {
    durability.journalBarrier(sequence);
  }

  @Override
  public void keepWatch() {
    durability.keepWatch();
  }

  /// Writes all rows in memory to the store's sorted runs.
  public void flush() throws FsException {
    barrier(generations.sequence());
    try {
      maintenance.flushNow();
    } catch (StorageException e) {
      throw Rows.failed(e);
    }
  }

  /// Makes every file's space exact, where it was a guess.
  public void recountSpace() throws FsException {
    recounter.recountAll();
  }

  /// Blocks until the background work on files that was asked for is done.
  public void awaitUpkeep() {
    upkeep.awaitIdle();
  }

  /// Generations in memory: the open one, and those that are on their way to the store.
  int generationsInMemory() {
    return generations.layers().length;
  }

  /// Chunks of files in memory, with a row of which each takes some kilobytes of heap.
  int chunksInMemory() {
    return files.chunksInMemory();
  }

  /// Blocks until inodes without names are removed.
  public void awaitReaper() {
    reaper.awaitIdle();
  }

  /// Stores everything and ends the epoch by its own fence. After that, or when the volume was lost
  /// to another writer, it is closed; closing twice does nothing.
  @Override
  public void close() {
    try {
      closeStored();
    } catch (FsException e) {
      // Deposed or out of reach: what was not stored is not, and nobody was told otherwise.
      tasks.yieldPoint();
    }
  }

  /// Begins to bring metadata into memory that lookups will need: filters and indexes of tables, or
  /// rows as well. Once, after the start.
  public void warmMetadata(boolean withRows) {
    warmup.start(withRows);
  }

  /// Closes it, and says when not everything could be stored.
  public void closeStored() throws FsException {
    reads.close();
    warmup.close();
    reaper.close();
    upkeep.close();
    reaper.join();
    upkeep.join();
    bulk.stop();
    try {
      boolean clean = durability.closeCleanly();
      bulk.awaitAll();
      recorder.close();
      if (clean && journal != null) {
        journal.discardBefore(epoch() + 1);
      }
    } catch (StorageException e) {
      throw Rows.failed(e);
    } finally {
      durability.stop();
      durability.fail(new StorageException.Closed("the volume is closed"));
      recorder.close();
      maintenance.close();
      warmup.join();
    }
  }

  /// Ends without storing anything, as a crash does. For tests and for a deposed process.
  public void abandon() {
    reads.close();
    durability.fail(new StorageException.Closed("the volume was abandoned"));
    reaper.close();
    upkeep.close();
    bulk.stop();
    durability.stop();
    recorder.close();
    maintenance.close();
    warmup.close();
    warmup.join();
  }
}
