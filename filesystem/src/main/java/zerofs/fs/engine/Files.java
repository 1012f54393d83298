package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import zerofs.base.CacheCounter;
import zerofs.base.Checks;
import zerofs.base.Miss;
import zerofs.base.StripedBudget;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.page.Page;
import zerofs.fs.page.Reservation;
import zerofs.fs.row.Inode;

/// Reads, writes and cuts of file data in memory.
///
/// A write to an extent that is not in memory reads nothing: its page holds the written ranges
/// until it is stored as a patch or something reads what lies under them. Where the file has holes
/// and the chunk's row is not in memory, the extent is charged as if it were new ([Recounter],
/// docs/adr/0006).
final class Files {
  static final long CHUNK_BYTES = (long) ChunkRow.EXTENTS * Inode.EXTENT_BYTES;

  /// Most chunks that one commit cuts off: it makes a row for each, and may need theirs in memory.
  static final long CUT_CHUNKS_MAX = 4096;

  private static final int EXTENT_BYTES = Inode.EXTENT_BYTES;

  /// More than can be reserved.
  private static final int ADMITTED_MAX = Integer.MAX_VALUE;

  private final Tasks tasks;
  private final Generations generations;
  private final InodeTable inodes;
  private final PageCache cache;
  private final SpaceUsage usage;
  private final Fetcher fetcher;
  private final Recounter recounter;
  private final Backpressure backpressure;

  /// Blocks that writes under way may still add to the open generation, so that it always fits the
  /// drain: what is missing of [#ADMITTED_MAX].
  private final StripedBudget admission;

  private final CacheCounter reads = new CacheCounter();

  Files(
      Tasks tasks,
      Generations generations,
      InodeTable inodes,
      PageCache cache,
      SpaceUsage usage,
      Fetcher fetcher,
      Recounter recounter,
      Backpressure backpressure) {
    this.tasks = tasks;
    this.generations = generations;
    this.inodes = inodes;
    this.cache = cache;
    this.usage = usage;
    this.fetcher = fetcher;
    this.recounter = recounter;
    this.backpressure = backpressure;
    this.admission = new StripedBudget(ADMITTED_MAX, tasks);
  }

  /// Tells writers to wait, or how.
  interface Backpressure {
    /// Whether the open generation may not grow by `room` bytes now.
    boolean isFull(long room);

    /// Whether a write of so many bytes should wait, as barriers would wait for it.
    boolean isTooMuch(int bytes);

    /// Blocks until something was stored, or until it is plain that the store is away.
    void awaitTurn() throws FsException;

    /// Blocks until it may; returns as well when others may have taken the room, and left it.
    void awaitRoom(long room) throws FsException;

    /// Blocks until something was stored, so that memory was freed.
    void await() throws FsException;
  }

  /// Memory of one write, reserved before its locks, and the room it may take in the generation.
  final class WriteMemory implements AutoCloseable {
    private final Reservation blocks;
    private final int admitted;

    private WriteMemory(Reservation blocks, int admitted) {
      this.blocks = blocks;
      this.admitted = admitted;
    }

    Reservation blocks() {
      return blocks;
    }

    @Override
    public void close() {
      blocks.close();
      admission.give(admitted);
    }
  }

  /// Throws Miss while too much waits to be stored: names and attributes take heap until then, so
  /// who changes them waits as writers do. Called before locks.
  void requireRoom() {
    if (backpressure.isFull(0)) {
      throw new Miss(() -> backpressure.awaitRoom(0));
    }
  }

  private WriteMemory reserve(int blocks) {
    Checks.invariant(admission.tryTake(blocks), "more writes than there is memory for");
    if (backpressure.isTooMuch(blocks * EXTENT_BYTES)) {
      admission.give(blocks);
      throw new Miss(backpressure::awaitTurn);
    }
    if (isFull()) {
      long room = admittedBytes();
      admission.give(blocks);
      throw new Miss(() -> backpressure.awaitRoom(room));
    }
    Reservation reservation = cache.reserve(blocks);
    if (reservation == null) {
      admission.give(blocks);
      throw new Miss(() -> cache.awaitMemory(backpressure));
    }
    return new WriteMemory(reservation, blocks);
  }

  /// Whether the open generation may not take all that is admitted. What stripes keep counts as
  /// admitted first, because it is not looked at; when that is too much, it is gathered.
  private boolean isFull() {
    if (!backpressure.isFull(admittedBytes())) {
      return false;
    }
    admission.gather();
    return backpressure.isFull(admittedBytes());
  }

  private long admittedBytes() {
    return (ADMITTED_MAX - admission.shared()) * (EXTENT_BYTES + Generation.PAGE_ENTRY_BYTES);
  }

  /// Memory for a cut, which may have to replace the page that it goes through.
  WriteMemory reserveForCut(Call call, boolean cuts) {
    Objects.requireNonNull(call);
    return reserve(cuts ? 1 : 0);
  }

  /// Says that nothing is stored of a file yet.
  void born(InodeNode node) {
    if (node.loadedRow().isFile()) {
      node.setData(new FileData(node, true));
    }
  }

  static FileData data(InodeNode node) {
    FileData data = node.data();
    if (data == null) {
      data = new FileData(node, node.loadedRow().units == 0);
      node.setData(data);
    }
    return data;
  }

  int chunksInMemory() {
    return cache.chunks();
  }

  private Chunk makeChunk(FileData data, long index) {
    Chunk chunk = data.chunk(index);
    if (chunk == null) {
      chunk = data.makeChunk(index);
      cache.add(chunk);
    }
    return chunk;
  }

  int read(Call call, long inode, long offset, ByteBuffer target) throws FsException {
    InodeNode node = inodes.pin(inode, false);
    int start = target.position();
    boolean done = false;
    boolean updateAtime;
    try {
      node.lock().lockShared();
      try {
        Inode row = Namespace.requireLiving(node);
        requireFile(row, offset);
        Permissions.requireUnlessOpened(row, call, Permissions.READ);
        long end = Math.min(row.size, saturatedAdd(offset, target.remaining()));
        if (offset < end) {
          readLocked(call, node, offset, end, target);
        }
        updateAtime = Atimes.isDue(row, tasks.wallNanos());
        call.reached(node.lastSequence());
        reads.lookedUp();
        done = true;
      } finally {
        node.lock().unlockShared();
      }
      if (updateAtime) {
        Atimes.update(call, node, generations, tasks.wallNanos());
      }
      return target.position() - start;
    } finally {
      if (!done) {
        target.position(start);
      }
      node.unpin();
    }
  }

  private static long saturatedAdd(long offset, long length) {
    return offset > Long.MAX_VALUE - length ? Long.MAX_VALUE : offset + length;
  }

  private static void requireFile(Inode row, long offset) throws FsException {
    if (row.isDirectory()) {
      throw new FsException(FsError.IS_DIRECTORY);
    }
    if (!row.isFile() || offset < 0) {
      throw new FsException(FsError.INVALID);
    }
  }

  private void readLocked(Call call, InodeNode node, long offset, long end, ByteBuffer target) {
    FileData data = node.data();
    if (data == null) {
      if (node.loadedRow().units == 0) {
        hole(end - offset, target);
        return;
      }
      throw missed(call, node, offset, end, ReadPattern.Plan.NEITHER);
    }
    for (long at = offset; at < end; ) {
      long extent = at / EXTENT_BYTES;
      int from = (int) (at % EXTENT_BYTES);
      int to = (int) Math.min(EXTENT_BYTES, from + (end - at));
      readExtent(call, node, data, extent, from, to, offset, end, target);
      at += to - from;
    }
    data.pattern().read(offset, end);
  }

  private void readExtent(
      Call call,
      InodeNode node,
      FileData data,
      long extent,
      int from,
      int to,
      long offset,
      long end,
      ByteBuffer target) {
    int index = (int) (extent % ChunkRow.EXTENTS);
    Chunk chunk = data.chunk(extent / ChunkRow.EXTENTS);
    Page page = chunk == null ? null : chunk.page(index);
    if (page != null && chunk != null && page.covers(from, to)) {
      chunk.touch(index);
      page.read(from, to, target);
      return;
    }
    ChunkRow row = data.row(extent / ChunkRow.EXTENTS);
    if (page == null && row != null && !row.extent(index).exists()) {
      hole(to - from, target);
      return;
    }
    throw missed(call, node, offset, end, data.pattern().plan(offset));
  }

  private Miss missed(Call call, InodeNode node, long offset, long end, ReadPattern.Plan plan) {
    return new Miss(
        () -> {
          reads.missed();
          fetcher.fetch(call, node, offset, end, plan);
        });
  }

  /// How many reads were answered, and for how many fetches they waited.
  CacheCounter reads() {
    return reads;
  }

  private static void hole(long bytes, ByteBuffer target) {
    Page.readHole((int) bytes, target);
  }

  /// Rewrites what is stored of an extent in pieces as one: once its page is whole, it is stored
  /// anew. Says the same as before, so nothing else changes.
  boolean fold(Call call, InodeNode node, long extent) {
    try (WriteMemory _ = reserve(1);
        LockSet _ = LockSet.exclusive(node)) {
      FileData data = node.data();
      ChunkRow row = data == null ? null : data.row(extent / ChunkRow.EXTENTS);
      int index = (int) (extent % ChunkRow.EXTENTS);
      Inode inode = node.loadedRow();
      if (!inode.isFile()) {
        return true; // Removed meanwhile.
      }
      if (data == null || row == null) {
        throw new Miss(() -> fetcher.fetchRow(call, node, extent / ChunkRow.EXTENTS));
      }
      if (!row.extent(index).needsFold() || usage.isStoreShort()) {
        return true;
      }
      Chunk chunk = data.chunk(extent / ChunkRow.EXTENTS);
      Page page = chunk == null ? null : chunk.page(index);
      if (page == null || !page.isFull()) {
        long start = extent * EXTENT_BYTES;
        throw new Miss(
            () -> fetcher.fetch(call, node, start, start + EXTENT_BYTES, ReadPattern.Plan.NEITHER));
      }
      if (page.generation() == PageCache.CLEAN) {
        generations.commit(
            call,
            commit -> {
              page.setGeneration(commit.open().position());
              commit.open().add(page);
            });
      }
      return true;
    }
  }

  Attributes write(Call call, long inode, long offset, ByteBuffer source) throws FsException {
    int length = source.remaining();
    if (offset < 0) {
      throw new FsException(FsError.INVALID);
    }
    if (offset > Long.MAX_VALUE - length) {
      throw new FsException(FsError.FILE_TOO_LARGE);
    }
    usage.requireStoreRoom();
    InodeNode node = inodes.pin(inode, false);
    try (WriteMemory memory = reserve(length / EXTENT_BYTES + 2);
        LockSet _ = LockSet.exclusive(node)) {
      Inode row = Namespace.requireLiving(node);
      requireFile(row, offset);
      Permissions.requireUnlessOpened(row, call, Permissions.WRITE);
      if (length == 0) {
        return row.attributes();
      }
      return writeLocked(call, node, row, offset, source, memory);
    } finally {
      node.unpin();
    }
  }

  private Attributes writeLocked(
      Call call, InodeNode node, Inode row, long offset, ByteBuffer source, WriteMemory memory)
      throws FsException {
    long end = offset + source.remaining();
    FileData data = data(node);
    List<ExtentWrite> plan = plan(call, data, row, offset, end);
    Inode.Draft draft = row.edit();
    int added = 0;
    int guesses = 0;
    for (ExtentWrite each : plan) {
      added += each.isNew() ? 1 : 0;
      guesses += each.isGuess() ? 1 : 0;
    }
    draft.size = Math.max(row.size, end);
    draft.guessed |= guesses > 0;
    draft.units = Math.min(row.units + added, Inode.extentsOf(draft.size));
    draft.change++;
    long now = tasks.wallNanos();
    draft.mtime(now).ctime(now);
    if (!call.caller().isSuperuser()) {
      draft.mode = Permissions.withoutPrivileges(draft.mode);
    }
    Inode changed = draft.build();
    long growth = changed.allocatedBytes() - row.allocatedBytes();
    if (!usage.tryCharge(growth)) {
      if (guesses > 0) {
        throw missingRow(call, data, plan);
      }
      throw recounter.noSpace();
    }
    long sequence =
        generations.commit(
            call,
            commit -> {
              commit.write(node.inode(), offset, flags(plan), source);
              apply(commit.open(), data, plan, memory.blocks(), source);
              commit.put(row, changed);
              commit.usage(growth, 0);
            });
    node.changed(sequence, changed);
    recounter.written(data, changed, plan);
    call.reached(sequence);
    return changed.attributes();
  }

  private static int flags(List<ExtentWrite> plan) {
    return (plan.getFirst().startsFull() ? RedoRecord.FIRST_FULL : 0)
        | (plan.getLast().startsFull() ? RedoRecord.LAST_FULL : 0);
  }

  private void apply(
      Generation open,
      FileData data,
      List<ExtentWrite> plan,
      Reservation memory,
      ByteBuffer source) {
    for (ExtentWrite each : plan) {
      apply(open, data, each, memory, source);
    }
  }

  /// Memory for a write that is made again.
  WriteMemory reserveForRedo(int bytes) {
    return reserve(bytes / EXTENT_BYTES + 2);
  }

  /// Plans a recorded write, to be made again as it was made: the row of the inode is the one
  /// before it, and which pages are full is not found out anew.
  ///
  /// @param flags of the record's WRITE
  DataChange planRedo(
      Call call, InodeNode node, long offset, int flags, ByteBuffer bytes, WriteMemory memory) {
    FileData data = data(node);
    List<ExtentWrite> plan = new ArrayList<>();
    long end = offset + bytes.remaining();
    for (long at = offset; at < end; ) {
      long extent = at / EXTENT_BYTES;
      int from = (int) (at % EXTENT_BYTES);
      int to = (int) Math.min(EXTENT_BYTES, from + (end - at));
      boolean first = at == offset;
      boolean last = at + (to - from) == end;
      boolean full =
          first
              ? (flags & RedoRecord.FIRST_FULL) != 0
              : !last || (flags & RedoRecord.LAST_FULL) != 0;
      requireRanges(call, data, extent, from, to);
      plan.add(new ExtentWrite(extent, from, to, false, false, full));
      at += to - from;
    }
    return commit -> apply(commit.open(), data, plan, memory.blocks(), bytes);
  }

  /// At the limit nothing is guessed: the row that was not in memory is fetched.
  private Miss missingRow(Call call, FileData data, List<ExtentWrite> plan) {
    InodeNode node = data.node();
    for (ExtentWrite each : plan) {
      if (each.isGuess()) {
        return new Miss(() -> fetcher.fetchRow(call, node, each.extent() / ChunkRow.EXTENTS));
      }
    }
    throw new IllegalStateException("no guess in a write to inode " + data.node().inode());
  }

  /// What a write does to one extent.
  ///
  /// @param isNew whether the extent did not exist, as far as is known
  /// @param isGuess whether it is charged as new because that is not known
  /// @param startsFull whether a page made for it is full: nothing stored under it matters
  record ExtentWrite(
      long extent, int from, int to, boolean isNew, boolean isGuess, boolean startsFull) {
    long chunk() {
      return extent / ChunkRow.EXTENTS;
    }
  }

  private List<ExtentWrite> plan(Call call, FileData data, Inode row, long offset, long end) {
    List<ExtentWrite> plan = new ArrayList<>();
    for (long at = offset; at < end; ) {
      long extent = at / EXTENT_BYTES;
      int from = (int) (at % EXTENT_BYTES);
      int to = (int) Math.min(EXTENT_BYTES, from + (end - at));
      plan.add(plan(call, data, row, extent, from, to));
      at += to - from;
    }
    return plan;
  }

  private ExtentWrite plan(Call call, FileData data, Inode row, long extent, int from, int to) {
    int index = (int) (extent % ChunkRow.EXTENTS);
    Chunk chunk = data.chunk(extent / ChunkRow.EXTENTS);
    Page page = chunk == null ? null : chunk.page(index);
    long start = extent * EXTENT_BYTES;
    if (page != null) {
      requireRanges(call, data, extent, from, to);
      return new ExtentWrite(extent, from, to, false, false, false);
    }
    Existence existence = existence(data, row, extent);
    boolean isNew = existence != Existence.YES;
    boolean replacesAll = from == 0 && to >= Math.min(EXTENT_BYTES, row.size - start);
    return new ExtentWrite(
        extent,
        from,
        to,
        isNew,
        existence == Existence.UNKNOWN,
        existence == Existence.NO || replacesAll);
  }

  /// Throws Miss when the page of an extent has no room for a further range.
  private void requireRanges(Call call, FileData data, long extent, int from, int to) {
    InodeNode node = data.node();
    Chunk chunk = data.chunk(extent / ChunkRow.EXTENTS);
    Page page = chunk == null ? null : chunk.page((int) (extent % ChunkRow.EXTENTS));
    if (page != null && page.wouldExceedRanges(from, to)) {
      long start = extent * EXTENT_BYTES;
      throw new Miss(
          () -> fetcher.fetch(call, node, start, start + EXTENT_BYTES, ReadPattern.Plan.NEITHER));
    }
  }

  private enum Existence {
    NO,
    YES,
    UNKNOWN
  }

  /// Whether an extent without a page exists.
  private static Existence existence(FileData data, Inode row, long extent) {
    if (extent >= Inode.extentsOf(row.size)) {
      return Existence.NO;
    }
    ChunkRow known = data.row(extent / ChunkRow.EXTENTS);
    if (known != null) {
      boolean exists = known.extent((int) (extent % ChunkRow.EXTENTS)).exists();
      return exists ? Existence.YES : Existence.NO;
    }
    return row.isDense() ? Existence.YES : Existence.UNKNOWN;
  }

  private void apply(
      Generation open, FileData data, ExtentWrite write, Reservation memory, ByteBuffer source) {
    Chunk chunk = makeChunk(data, write.extent() / ChunkRow.EXTENTS);
    int index = (int) (write.extent() % ChunkRow.EXTENTS);
    Page page = chunk.page(index);
    if (page == null) {
      long inode = data.node().inode();
      page =
          write.startsFull()
              ? Page.full(memory, inode, write.extent(), write.to(), open.position())
              : Page.partial(memory, inode, write.extent(), write.to(), open.position());
      chunk.setPage(index, page);
      open.add(page);
    } else {
      page = writable(open, chunk, index, page, memory, write.to());
    }
    int capacity = page.capacity();
    page.write(memory, write.from(), write.to(), source);
    open.grew(page.capacity() - capacity);
    if (page.wasLeftBehind(write.to())) {
      open.leaveBehind(page);
    }
    chunk.touch(index);
  }

  /// The page of an extent, made to belong to the open generation.
  private static Page writable(
      Generation open, Chunk chunk, int index, Page page, Reservation memory, int bytes) {
    if (page.generation() == open.position()) {
      return page;
    }
    Page writable = page;
    if (page.isFrozen(open.position())) {
      writable = page.copy(memory, bytes, open.position());
      chunk.setPage(index, writable);
    } else {
      page.setGeneration(open.position());
    }
    open.add(writable);
    return writable;
  }

  /// A change of a file's data, planned under the exclusive lock, applied inside the gate.
  interface DataChange {
    void apply(Commit commit);
  }

  /// A change of size.
  interface Resize extends DataChange {
    /// Existing extents afterwards, and whether that is a guess.
    Extents after();
  }

  /// @param guessed whether there may be fewer
  record Extents(long count, boolean guessed) {}

  /// Plans a change of size; one that cuts no further than [#reachable].
  Resize planResize(InodeNode node, Inode row, long size, WriteMemory memory) {
    if (size >= row.size) {
      return new Grow(new Extents(row.units, row.guessed));
    }
    return new Cut(node, row, size, extentsAfterCut(node, row, size), memory.blocks());
  }

  /// Whether a file may have too many chunks to be cut off in one commit.
  static boolean isHuge(Inode row) {
    // Each chunk of a file with holes that has a row has an extent.
    return row.isFile() && (row.isDense() ? chunks(row.size) : row.units) > CUT_CHUNKS_MAX;
  }

  static long chunks(long size) {
    return size == 0 ? 0 : (size - 1) / CHUNK_BYTES + 1;
  }

  /// The size, at least `size`, to which one commit can cut a file on the way to `size`.
  long reachable(InodeNode node, Inode row, long size) {
    if (size >= row.size || !isHuge(row)) {
      return size;
    }
    long end = chunks(row.size);
    if (row.isDense()) {
      return Math.max(size, (end - CUT_CHUNKS_MAX) * CHUNK_BYTES);
    }
    long first = size / CHUNK_BYTES;
    long known = data(node).knownFrom();
    if (known > first && known >= end) {
      throw new Miss(() -> fetcher.fetchTail(node, first, end));
    }
    return Math.max(size, known * CHUNK_BYTES);
  }

  /// Plans the removal of all data of an inode that goes.
  @Nullable DataChange planRemoval(InodeNode node, Inode row) {
    if (!row.isFile() || row.units == 0) {
      return null;
    }
    return new Cut(node, row, 0, extentsAfterCut(node, row, 0), null);
  }

  private record Grow(Extents after) implements Resize {
    @Override
    public void apply(Commit commit) {
      // What lies beyond the old end is a hole, and no row says otherwise.
    }
  }

  /// Existing extents below `size`; on the way, whatever the cut must know of rows is fetched.
  private Extents extentsAfterCut(InodeNode node, Inode row, long size) {
    if (row.isDense()) {
      return new Extents(Inode.extentsOf(size), false);
    }
    FileData data = data(node);
    long keptExtents = Inode.extentsOf(size);
    // The chunk that the cut goes through needs its clip, also when all its extents stay.
    long firstChunk = size / CHUNK_BYTES;
    if (data.knownFrom() > firstChunk) {
      throw new Miss(() -> fetcher.fetchRowsFrom(node, firstChunk));
    }
    long removed = 0;
    for (Chunk chunk : data.chunksFrom(firstChunk)) {
      long start = chunk.index() * ChunkRow.EXTENTS;
      removed += existing(chunk, (int) Math.max(0, keptExtents - start));
    }
    if (size == 0) {
      return new Extents(0, false);
    }
    return new Extents(Math.min(row.units - removed, keptExtents), row.guessed);
  }

  /// Existing extents of a chunk whose row is known, at an index or later.
  static int existing(Chunk chunk, int fromIndex) {
    int count = 0;
    ChunkRow row = Objects.requireNonNull(chunk.row(), "row of a known chunk");
    for (int i = fromIndex; i < ChunkRow.EXTENTS; i++) {
      if (chunk.page(i) != null || row.extent(i).exists()) {
        count++;
      }
    }
    return count;
  }

  /// Cuts a file at a byte: drops or clips pages and known rows, and puts clips for the chunks that
  /// may have something stored.
  private static final class Cut implements Resize {
    private final FileData data;
    private final Inode row;
    private final long size;
    private final Extents after;
    private final @Nullable Reservation memory;

    Cut(InodeNode node, Inode row, long size, Extents after, @Nullable Reservation memory) {
      this.data = data(node);
      this.row = row;
      this.size = size;
      this.after = after;
      this.memory = memory;
    }

    @Override
    public Extents after() {
      return after;
    }

    @Override
    public void apply(Commit commit) {
      commit.cut(row.inode, row.size, size);
      Generation open = commit.open();
      long first = size / CHUNK_BYTES;
      if (row.isDense()) {
        long last = (row.size - 1) / CHUNK_BYTES;
        for (long index = first; index <= last; index++) {
          clip(open, index);
        }
      }
      for (Chunk chunk : data.chunksFrom(first)) {
        if (!row.isDense()) {
          clip(open, chunk.index());
        }
        cutChunk(open, chunk);
      }
      open.touch(row.inode);
      data.cut(open.position(), size);
      data.setRecount(null);
    }

    private void clip(Generation open, long index) {
      open.cut(new Generation.ChunkId(row.inode, index), clips(open, index));
    }

    private ChunkRow clips(Generation open, long index) {
      long from = Math.max(0, size - index * CHUNK_BYTES);
      return ChunkRow.cutFrom(from, EXTENT_BYTES, open.position());
    }

    private void cutChunk(Generation open, Chunk chunk) {
      long start = chunk.index() * CHUNK_BYTES;
      for (int i = 0; i < ChunkRow.EXTENTS; i++) {
        Page page = chunk.page(i);
        long extentStart = start + (long) i * EXTENT_BYTES;
        if (page != null && extentStart > size - EXTENT_BYTES) { // No sum: it may pass 2^63.
          cutPage(open, chunk, i, page, (int) Math.max(0, size - extentStart));
        }
      }
      ChunkRow known = chunk.row();
      if (known != null) {
        ChunkRow left =
            ChunkRow.bottom(ChunkRow.merge(clips(open, chunk.index()), known, DebitSink.NONE));
        chunk.setRow(left == null ? ChunkRow.EMPTY : left);
      }
    }

    /// A page that was left without bytes goes where the row says that the extent exists, or is not
    /// known. Where the row says that it does not, only the page says that it does: its older
    /// version may be on the way to the store. Nothing lies under it, so it becomes all zero.
    private static void keepExtent(Chunk chunk, int index, Page page) {
      ChunkRow known = chunk.row();
      if (known != null && !known.extent(index).exists()) {
        page.fillZerosBelow();
      } else {
        chunk.setPage(index, null);
        page.free();
      }
    }

    private void cutPage(Generation open, Chunk chunk, int index, Page page, int keep) {
      boolean frozen = page.isFrozen(open.position());
      if (keep == 0) {
        chunk.setPage(index, null);
        if (!frozen) {
          page.free(); // A frozen one is freed when its generation settles.
        }
        return;
      }
      if (!page.reaches(keep)) {
        return;
      }
      Page kept = page;
      if (frozen) {
        kept = page.copy(Objects.requireNonNull(memory), keep, open.position());
        chunk.setPage(index, kept);
        open.add(kept);
      }
      kept.clip(keep);
      if (kept.isEmptyPartial()) {
        keepExtent(chunk, index, kept);
      }
    }
  }
}
