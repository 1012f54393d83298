package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.Miss;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.FsException;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.page.Page;
import zerofs.fs.page.Reservation;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;
import zerofs.objectstore.StorageException;

/// Brings chunk rows and extents into memory: reads without locks, then installs under the inode's
/// exclusive lock what is still true. What a commit or a cut has overtaken never enters memory; the
/// operation that missed starts again and misses again.
///
/// What a call missed of a file's data is kept, pinned, until that call has looked again: else
/// calls that find little clean memory could take each other's pages for ever. Nobody waits for
/// memory while he keeps any.
final class Fetcher {
  /// So often rows may leave memory between being read and being kept.
  private static final int KEEP_TRIES_MAX = 5;

  /// Extents that one fetch brings in at most: in a small memory fewer, since a fetch that needs
  /// more than there will ever be would be tried for ever. A call that reads more than a quarter of
  /// the memory may never be answered.
  private final int extentsMax;

  private final Generations generations;
  private final Rows rows;
  private final PageCache cache;
  private final FrameReader reader;
  private final Files.Backpressure backpressure;
  private final ReadAhead readAhead;

  Fetcher(
      Tasks tasks,
      Generations generations,
      Rows rows,
      PageCache cache,
      FrameReader reader,
      Files.Backpressure backpressure) {
    this.generations = generations;
    this.rows = rows;
    this.cache = cache;
    this.extentsMax = Math.clamp(cache.slab().blocks() / 4, 1, ChunkRow.EXTENTS);
    this.reader = reader;
    this.backpressure = backpressure;
    this.readAhead = new ReadAhead(tasks, reader, this::missing);
  }

  /// Rows of one file being read: from before the tree is asked until they are installed.
  private static final class Reading implements AutoCloseable {
    private final InodeNode node;
    private final FileData data;
    private final FileData.RowFetch fetch;

    /// The chunk from which on all rows were known at the beginning.
    private final long knownFrom;

    private Reading(InodeNode node, FileData data, FileData.RowFetch fetch) {
      this.node = node;
      this.data = data;
      this.fetch = fetch;
      this.knownFrom = data.knownFrom();
    }

    /// Null when the file is gone.
    static @Nullable Reading begin(InodeNode node, long first, long end) {
      try (LockSet _ = LockSet.exclusive(node)) {
        FileData data = data(node);
        return data == null ? null : new Reading(node, data, data.beginFetch(first, end));
      }
    }

    @Override
    public void close() {
      try (LockSet _ = LockSet.exclusive(node)) {
        data.endFetch(fetch);
      }
    }
  }

  /// Loads the row of a chunk, and keeps it for the call.
  void fetchRow(Call call, InodeNode node, long index) throws FsException {
    if (!node.pin()) {
      return;
    }
    try {
      call.keep(kept(node, index, index)::close);
    } finally {
      node.unpin();
    }
  }

  /// Chunks of a file that stay in memory, with their rows and pages, until this is closed.
  private final class Kept implements AutoCloseable {
    private final InodeNode node;
    private final List<Chunk> chunks = new ArrayList<>();

    /// Keeps chunks of a pinned node.
    Kept(InodeNode node, long first, long last) {
      Checks.invariant(node.pin(), "a pinned node has left memory");
      this.node = node;
      try (LockSet _ = LockSet.exclusive(node)) {
        FileData data = data(node);
        for (long index = first; data != null && index <= last; index++) {
          Chunk chunk = made(data, index);
          chunk.pin();
          chunks.add(chunk);
        }
      }
      cache.keeps(1);
    }

    @Override
    public void close() {
      try (LockSet _ = LockSet.exclusive(node)) {
        chunks.forEach(Chunk::unpin);
      }
      cache.keeps(-1);
      node.unpin();
    }
  }

  /// Keeps chunks of a pinned node, with their rows. While it keeps any it does not wait, for an
  /// outage would be long; so the rows are read before.
  private Kept kept(InodeNode node, long first, long last) throws FsException {
    for (int tries = 1; true; tries++) {
      fetchRows(node, first, last, true);
      Kept kept = new Kept(node, first, last);
      boolean done = false;
      try {
        fetchRows(node, first, last, false);
        done = true;
        return kept;
      } catch (Miss e) {
        if (tries == KEEP_TRIES_MAX) {
          done = true;
          return kept; // The call misses again.
        }
      } finally {
        if (!done) {
          kept.close();
        }
      }
    }
  }

  /// @param mayWait without it, throws Miss when a row is not in memory
  private void fetchRows(InodeNode node, long first, long last, boolean mayWait)
      throws FsException {
    for (long index = first; index <= last; index++) {
      if (rowUnknown(node, index)) {
        fetchRow(node, index, mayWait);
      }
    }
  }

  private void fetchRow(InodeNode node, long index, boolean mayWait) throws FsException {
    if (!node.pin()) {
      return;
    }
    try (Reading reading = Reading.begin(node, index, index + 1)) {
      if (reading == null) {
        return;
      }
      byte[] value = rows.stored(RowKeys.chunk(node.inode(), index), mayWait);
      ChunkRow row = value == null ? ChunkRow.EMPTY : decoded(value);
      install(reading, index, index + 1, List.of(new StoredRow(index, row)));
    } finally {
      node.unpin();
    }
  }

  /// Loads all rows of a file from a chunk on that are not known. (A file that is cut in steps from
  /// its end is not read to its end at each.)
  void fetchRowsFrom(InodeNode node, long first) throws FsException {
    if (!node.pin()) {
      return;
    }
    try (Reading reading = Reading.begin(node, first, Long.MAX_VALUE)) {
      if (reading != null) {
        long end = Math.max(first, reading.knownFrom);
        install(reading, first, end, scan(node, first, end, Long.MAX_VALUE));
      }
    } finally {
      node.unpin();
    }
  }

  /// Loads the rows at the end of a file with holes: those of chunks from `first` on or, when there
  /// are more than one commit may cut, the last ones.
  void fetchTail(InodeNode node, long first, long end) throws FsException {
    if (!node.pin()) {
      return;
    }
    try (Reading reading = Reading.begin(node, first, Long.MAX_VALUE)) {
      if (reading == null) {
        return;
      }
      long from = Math.max(first, end - Files.CUT_CHUNKS_MAX);
      List<StoredRow> found = scan(node, from, Long.MAX_VALUE, Files.CUT_CHUNKS_MAX);
      // Looks at ever more chunks: a file can have far more of them than rows.
      for (long width = 4 * Files.CUT_CHUNKS_MAX; from > first; width *= 4) {
        long wider = Math.max(first, end - width);
        List<StoredRow> more = scan(node, wider, Long.MAX_VALUE, Files.CUT_CHUNKS_MAX);
        if (more.size() > Files.CUT_CHUNKS_MAX) {
          break;
        }
        from = wider;
        found = more;
      }
      install(reading, from, Long.MAX_VALUE, found);
    } finally {
      node.unpin();
    }
  }

  /// Told, under the inode's lock, that all rows up to before the chunk `end` are in memory.
  @FunctionalInterface
  interface KnownRows {
    void upTo(FileData data, long end);
  }

  /// Loads the next rows of a file, at most `max`, from a chunk on. When some changed meanwhile,
  /// nobody is told.
  void fetchNext(InodeNode node, long first, int max, KnownRows known) throws FsException {
    cache.reclaimRows(max);
    try (Reading reading = Reading.begin(node, first, Long.MAX_VALUE)) {
      if (reading == null) {
        return;
      }
      List<StoredRow> found = scan(node, first, Long.MAX_VALUE, max);
      long end = found.size() > max ? found.removeLast().chunk() : Long.MAX_VALUE;
      try (LockSet _ = LockSet.exclusive(node)) {
        if (installLocked(reading, first, end, found)) {
          known.upTo(reading.data, end);
        }
      }
    }
  }

  /// A chunk's row as the tree has it.
  private record StoredRow(long chunk, ChunkRow row) {}

  /// The stored rows of a file of the chunks from `first` to before `end`; no more than one beyond
  /// `max`.
  private List<StoredRow> scan(InodeNode node, long first, long end, long max) throws FsException {
    List<StoredRow> found = new ArrayList<>();
    rows.scanStored(
        RowKeys.chunk(node.inode(), first),
        end == Long.MAX_VALUE
            ? RowKeys.chunk(node.inode() + 1, 0)
            : RowKeys.chunk(node.inode(), end),
        (key, value) -> {
          found.add(new StoredRow(RowKeys.second(key), decoded(value)));
          return found.size() <= max;
        });
    return found;
  }

  /// Installs what was found of the chunks from `first` to before `end`, except what was overtaken
  /// while it was read.
  private void install(Reading reading, long first, long end, List<StoredRow> found) {
    try (LockSet _ = LockSet.exclusive(reading.node)) {
      installLocked(reading, first, end, found);
    }
  }

  /// @return whether all of them are known now
  private boolean installLocked(Reading reading, long first, long end, List<StoredRow> found) {
    if (!reading.node.loadedRow().isFile()) {
      return false; // Removed meanwhile.
    }
    FileData data = reading.data;
    for (StoredRow each : found) {
      if (!reading.fetch.isOvertaken(each.chunk(), each.chunk() + 1)) {
        install(data, each.chunk(), each.row());
      }
    }
    if (reading.fetch.isOvertaken(first, end)) {
      return false;
    }
    if (end >= data.knownFrom()) {
      data.setKnownFrom(first);
    }
    for (Chunk each : data.chunksFrom(first)) {
      if (each.index() < end && each.row() == null) {
        install(data, each.index(), ChunkRow.EMPTY);
      }
    }
    return true;
  }

  private static ChunkRow decoded(byte[] value) throws FsException {
    try {
      ChunkRow row = ChunkRow.bottom(ChunkRowFormat.decode(value));
      return row == null ? ChunkRow.EMPTY : row;
    } catch (StorageException.Corrupt e) {
      throw Rows.failed(e);
    }
  }

  private void install(FileData data, long index, ChunkRow stored) {
    Chunk chunk = made(data, index);
    if (chunk.row() != null) {
      return;
    }
    ChunkRow row = ChunkRow.bottom(data.withPendingCuts(index, stored, 0));
    chunk.setRow(row == null ? ChunkRow.EMPTY : row);
    chunk.touch(0); // Stays until the clock comes round: who missed it is about to look again.
  }

  private Chunk made(FileData data, long index) {
    Chunk chunk = data.chunk(index);
    if (chunk == null) {
      chunk = data.makeChunk(index);
      cache.add(chunk);
    }
    return chunk;
  }

  private static @Nullable FileData data(InodeNode node) {
    Inode row = node.loadedRow();
    if (row == Generation.REMOVED || !row.isFile()) {
      return null;
    }
    FileData data = node.data();
    if (data == null) {
      data = new FileData(node, row.units == 0);
      node.setData(data);
    }
    return data;
  }

  /// An extent to bring in: what the row said of it when the fetch was planned.
  private record Wanted(long extent, ExtentState state) {}

  /// Loads the extents of `[offset, end)`, and what else the plan says; and keeps them for the
  /// call.
  void fetch(Call call, InodeNode node, long offset, long end, ReadPattern.Plan plan)
      throws FsException {
    if (!node.pin()) {
      return;
    }
    try {
      long first = offset / Inode.EXTENT_BYTES;
      long last = (end - 1) / Inode.EXTENT_BYTES;
      fetchRows(node, first / ChunkRow.EXTENTS, last / ChunkRow.EXTENTS, true);
      long chunkEnd = (first / ChunkRow.EXTENTS + 1) * ChunkRow.EXTENTS;
      long further = plan.restOfChunk() ? Math.max(last, chunkEnd - 1) : last;
      readAhead.follow(node, further + 1, plan.aheadBytes());
      Kept kept = bring(node, wanted(node, first, further, false), first, last, plan.alone());
      if (!wanted(node, first, last, false).isEmpty()) {
        // To make room for it, some of the rest has left memory: now all of it at once.
        kept.close();
        kept = bring(node, wanted(node, first, last, true), first, last, plan.alone());
      }
      call.keep(kept::close);
    } catch (StorageException e) {
      throw Rows.failed(e);
    } finally {
      node.unpin();
    }
  }

  /// What is stored of the extents of one chunk, `[first, end)`, that are not in memory whole.
  private List<ExtentState> missing(InodeNode node, long first, long end) throws FsException {
    long index = first / ChunkRow.EXTENTS;
    fetchRows(node, index, index, true);
    return wanted(node, first, end - 1, false).stream().map(Wanted::state).toList();
  }

  private static boolean rowUnknown(InodeNode node, long index) {
    try (LockSet _ = LockSet.exclusive(node)) {
      FileData data = data(node);
      return data != null && data.row(index) == null;
    }
  }

  /// What is to be brought in of the extents from `first` to `last`: what is missing, or all that
  /// may leave memory.
  private List<Wanted> wanted(InodeNode node, long first, long last, boolean all) {
    List<Wanted> wanted = new ArrayList<>();
    try (LockSet _ = LockSet.exclusive(node)) {
      FileData data = data(node);
      if (data == null) {
        return wanted;
      }
      for (long extent = first; extent <= last && wanted.size() < extentsMax; extent++) {
        ChunkRow row = data.row(extent / ChunkRow.EXTENTS);
        Chunk chunk = data.chunk(extent / ChunkRow.EXTENTS);
        int index = (int) (extent % ChunkRow.EXTENTS);
        Page page = chunk == null ? null : chunk.page(index);
        boolean missing =
            page == null || !page.isFull() || all && page.generation() == PageCache.CLEAN;
        if (row != null && missing && (row.extent(index).exists() || page != null)) {
          wanted.add(new Wanted(extent, row.extent(index)));
        }
      }
    }
    return wanted;
  }

  /// Reads extents and installs them. What can't be read of those up to `last` is thrown in the
  /// end; nobody has asked for the others yet.
  ///
  /// @return what there is of the extents from `first` to `last`
  private Kept bring(InodeNode node, List<Wanted> wanted, long first, long last, boolean alone)
      throws FsException, StorageException {
    if (wanted.isEmpty()) {
      return kept(node, first / ChunkRow.EXTENTS, last / ChunkRow.EXTENTS);
    }
    List<ExtentState> states = wanted.stream().map(Wanted::state).toList();
    try (FrameReader.Runs runs = reader.read(FrameReader.framesOf(states), alone);
        Reservation reserved = reserve(wanted.size())) {
      // Room was made for it, so the rows may have left memory.
      Kept kept = kept(node, first / ChunkRow.EXTENTS, last / ChunkRow.EXTENTS);
      boolean done = false;
      try {
        install(node, wanted, last, runs, reserved);
        done = true;
        return kept;
      } finally {
        if (!done) {
          kept.close();
        }
      }
    }
  }

  private void install(
      InodeNode node, List<Wanted> wanted, long last, FrameReader.Runs runs, Reservation reserved)
      throws StorageException {
    StorageException failure = null;
    ByteBuffer bytes = ByteBuffer.allocateDirect(Inode.EXTENT_BYTES);
    for (Wanted each : wanted) {
      try {
        int length = reader.assemble(each.state(), runs, bytes);
        install(node, each, bytes.clear().limit(length), reserved);
      } catch (StorageException e) {
        failure = failure == null && each.extent() <= last ? e : failure;
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  private Reservation reserve(int blocks) throws FsException {
    Reservation memory = cache.reserve(blocks);
    while (memory == null) {
      cache.awaitMemory(backpressure);
      memory = cache.reserve(blocks);
    }
    return memory;
  }

  private void install(InodeNode node, Wanted wanted, ByteBuffer bytes, Reservation memory) {
    try (LockSet _ = LockSet.exclusive(node)) {
      FileData data = data(node);
      Chunk chunk = data == null ? null : data.chunk(wanted.extent() / ChunkRow.EXTENTS);
      if (data == null || chunk == null) {
        return;
      }
      int index = (int) (wanted.extent() % ChunkRow.EXTENTS);
      ChunkRow row = chunk.row();
      if (row == null || !row.extent(index).equals(wanted.state())) {
        return;
      }
      Page page = chunk.page(index);
      if (page == null) {
        if (!wanted.state().exists()) {
          return;
        }
        page = Page.full(memory, node.inode(), wanted.extent(), bytes.remaining(), PageCache.CLEAN);
        page.write(memory, 0, bytes.remaining(), bytes);
        chunk.setPage(index, page);
      } else if (!page.isFull()) {
        fillBelow(chunk, index, page, bytes, memory);
      }
    }
  }

  /// A page with some ranges becomes full. In the open generation that happens in place; a frozen
  /// one, which its encoder may be reading, is replaced by a copy that stands for the same
  /// generation and becomes clean with it. Inside the gate, so that no seal comes between.
  private void fillBelow(Chunk chunk, int index, Page page, ByteBuffer bytes, Reservation memory) {
    generations.guarded(
        open -> {
          Page filled = page;
          if (page.isFrozen(open.position())) {
            filled = page.standIn(memory, Inode.EXTENT_BYTES);
            chunk.setPage(index, filled);
          }
          int capacity = filled.capacity();
          filled.fillBelow(memory, bytes);
          if (filled.generation() == open.position()) {
            open.grew(filled.capacity() - capacity);
          }
        });
  }
}
