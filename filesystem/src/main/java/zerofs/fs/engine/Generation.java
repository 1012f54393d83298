package zerofs.fs.engine;

import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.SpacedLongs;
import zerofs.fs.FileType;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.page.Page;
import zerofs.fs.row.Inode;
import zerofs.fs.row.UsageRow;

/// The changes of one stretch of history, decoded, in memory: what one log object will hold.
///
/// *Open*: commits change it inside the gate, shared. *Sealed*: nothing changes it any more; it is
/// encoded, stored, and leaves memory when it counts as stored (or stays, when the store is away).
///
/// Its position is known from the start: the next one of the log. A generation without changes is
/// never sealed, so takes no position.
final class Generation {
  /// Stands for an inode that was removed.
  static final Inode REMOVED = Inode.create(0, FileType.FIFO).build();

  private final long position;
  private final ConcurrentNavigableRows rows = new ConcurrentNavigableRows();
  private final ConcurrentMap<Long, Inode> inodes = new ConcurrentHashMap<>();
  private final ConcurrentMap<ChunkId, ChunkRow> cuts = new ConcurrentHashMap<>();
  private final Queue<Page> pages = new ConcurrentLinkedQueue<>();
  private final Queue<Page> leftBehind = new ConcurrentLinkedQueue<>();
  private final AtomicInteger leftBehindCount = new AtomicInteger();
  private final Queue<EarlySegment> earlySegments = new ConcurrentLinkedQueue<>();
  private final Set<Long> files = ConcurrentHashMap.newKeySet();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicLong heapBytes = new AtomicLong();
  private final AtomicBoolean full = new AtomicBoolean();

  /// What commits have taken, alone in its cache lines: how many there were, above; units of the
  /// journal, below. One number, so that records lie in the order of sequences.
  private final SpacedLongs taken = new SpacedLongs(1);

  private final long sequenceBefore;
  private final long journalStart;
  private volatile boolean dirty;
  private UsageRow usage = new UsageRow(0, 0);

  /// A chunk of a file.
  record ChunkId(long inode, long chunk) {}

  private static final class ConcurrentNavigableRows extends ConcurrentSkipListMap<byte[], byte[]> {
    private static final long serialVersionUID = 1;

    ConcurrentNavigableRows() {
      super(Arrays::compareUnsigned);
    }
  }

  /// @param position of its log object
  /// @param sequenceBefore last commit before it
  /// @param journalStart where its records begin in the journal
  Generation(long position, long sequenceBefore, long journalStart) {
    this.position = position;
    this.sequenceBefore = sequenceBefore;
    this.journalStart = journalStart;
  }

  /// Takes the next sequence and, behind the records so far, the place of a record, as one number
  /// that [#sequenceOf] and [#journalPositionOf] read. Inside the gate.
  ///
  /// @param recordBytes a multiple of a unit; 0 = no record
  long take(int recordBytes) {
    long before = taken.getAndAdd(0, ONE_COMMIT + recordBytes / UNIT_BYTES);
    Checks.invariant(before >= 0, "a generation has too many commits");
    return before;
  }

  long sequenceOf(long place) {
    return sequenceBefore + (place >>> UNITS_BITS) + 1;
  }

  long journalPositionOf(long place) {
    return journalStart + recordBytes(place);
  }

  private static long recordBytes(long place) {
    return (place & (1L << UNITS_BITS) - 1) * UNIT_BYTES;
  }

  long position() {
    return position;
  }

  /// Puts a row; an empty value removes it.
  void put(byte[] key, byte[] value) {
    if (rows.put(key, value) == null) {
      int length = key.length + value.length;
      bytes.addAndGet(length);
      heapBytes.addAndGet(length + ROW_HEAP_BYTES);
    }
  }

  void put(Inode inode) {
    if (inodes.put(inode.inode, inode) == null) {
      int target = inode.target == null ? 0 : inode.target.length;
      bytes.addAndGet(INODE_ROW_BYTES + target);
      heapBytes.addAndGet(INODE_HEAP_BYTES + target);
    }
  }

  void remove(long inode) {
    inodes.put(inode, REMOVED);
  }

  /// Clips the chunk: what older generations say of its extents, and what this one said before.
  void cut(ChunkId chunk, ChunkRow clips) {
    cuts.merge(chunk, clips, (older, newer) -> ChunkRow.merge(newer, older, DebitSink.NONE));
    bytes.addAndGet(CUT_ROW_BYTES);
    heapBytes.addAndGet(CUT_HEAP_BYTES);
  }

  /// Notes that it changes the data of a file: what is settled with it.
  void touch(long inode) {
    files.add(inode);
  }

  Set<Long> files() {
    return files;
  }

  /// True once, when it has grown to `limit` bytes, its rows to `heapLimit` in memory, or its
  /// records to `recordLimit`, or has as many commits as it may.
  boolean becameFull(long limit, long heapLimit, long recordLimit) {
    long now = taken.get(0);
    boolean due =
        bytes.get() >= limit
            || heapBytes.get() >= heapLimit
            || recordBytes(now) >= recordLimit
            || now >>> UNITS_BITS >= COMMITS_MAX;
    return due && full.compareAndSet(false, true);
  }

  /// Whether it became full.
  boolean isFull() {
    return full.get();
  }

  /// Whether it may take no further commits.
  boolean hasAllCommits() {
    return taken.get(0) >>> UNITS_BITS >= COMMITS_MAX;
  }

  /// Takes a page that changed for the first time in this generation.
  void add(Page page) {
    pages.add(page);
    files.add(page.inode());
    bytes.addAndGet(page.capacity() + PAGE_ENTRY_BYTES);
  }

  /// Takes a page that its writer has left behind, all there. Once.
  void leaveBehind(Page page) {
    leftBehind.add(page);
    leftBehindCount.incrementAndGet();
  }

  /// Pages that were left behind and not taken.
  int leftBehind() {
    return leftBehindCount.get();
  }

  /// Takes the oldest pages that were left behind, if so many stay as should.
  void takeLeftBehind(int count, int staying, List<Page> taken) {
    if (leftBehindCount.addAndGet(-count) < staying) {
      leftBehindCount.addAndGet(count); // Another task was faster.
      return;
    }
    for (int i = 0; i < count; i++) {
      taken.add(Objects.requireNonNull(leftBehind.poll(), "counted after it was added"));
    }
  }

  /// Takes a data segment of its pages. Inside the gate, while it is open.
  void add(EarlySegment segment) {
    earlySegments.add(segment);
  }

  /// Data segments of its pages: all of them, once it is sealed.
  Queue<EarlySegment> earlySegments() {
    return earlySegments;
  }

  /// A page of this generation takes so many bytes more.
  void grew(int pageBytes) {
    if (pageBytes > 0) {
      bytes.addAndGet(pageBytes);
    }
  }

  byte @Nullable [] row(byte[] key) {
    return rows.get(key);
  }

  @Nullable Inode inode(long inode) {
    return inodes.get(inode);
  }

  NavigableMap<byte[], byte[]> rows() {
    return rows;
  }

  ConcurrentMap<Long, Inode> inodes() {
    return inodes;
  }

  ConcurrentMap<ChunkId, ChunkRow> cuts() {
    return cuts;
  }

  Queue<Page> pages() {
    return pages;
  }

  /// About how many bytes its log object will have at most.
  long bytes() {
    return bytes.get();
  }

  /// About what its rows take of the heap.
  long heapBytes() {
    return heapBytes.get();
  }

  boolean isDirty() {
    return dirty;
  }

  void markDirty() {
    if (!dirty) { // Written once: what is not written stays with every processor.
      dirty = true;
    }
  }

  /// Ends it: called with the gate held exclusively.
  void seal(UsageRow totals) {
    usage = totals;
  }

  long firstSequence() {
    return sequenceBefore + 1;
  }

  /// The last commit so far.
  long lastSequence() {
    return sequenceBefore + (taken.get(0) >>> UNITS_BITS);
  }

  /// Where its records end so far.
  long journalEnd() {
    return journalPositionOf(taken.get(0));
  }

  UsageRow usage() {
    return usage;
  }

  private static final int UNITS_BITS = 40;
  private static final long ONE_COMMIT = 1L << UNITS_BITS;

  /// What positions in the journal are multiples of, bytes.
  private static final int UNIT_BYTES = 64;

  /// Commits at which it is sealed; as many again fit before their number does not.
  private static final long COMMITS_MAX = 1 << 20;

  private static final int INODE_ROW_BYTES = 150;
  private static final int CUT_ROW_BYTES = 40;

  /// Of a row besides its bytes: headers of two arrays, their padding, a node and its index.
  private static final int ROW_HEAP_BYTES = 90;

  private static final int INODE_HEAP_BYTES = 300;
  private static final int CUT_HEAP_BYTES = 250;

  /// Of a page in the object besides its bytes: more than a frame's overhead and its entries.
  static final int PAGE_ENTRY_BYTES = 80;
}
