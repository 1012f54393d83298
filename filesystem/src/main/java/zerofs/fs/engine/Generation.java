package zerofs.fs.engine;

import java.util.Arrays;
import java.util.NavigableMap;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.fs.FileType;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.page.Page;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;
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
  private final Set<Long> files = ConcurrentHashMap.newKeySet();
  private final AtomicLong bytes = new AtomicLong();
  private final AtomicBoolean full = new AtomicBoolean();
  private volatile boolean dirty;
  private long firstSequence;
  private long lastSequence;
  private UsageRow usage = new UsageRow(0, 0);

  /// A chunk of a file.
  record ChunkId(long inode, long chunk) {}

  private static final class ConcurrentNavigableRows extends ConcurrentSkipListMap<byte[], byte[]> {
    private static final long serialVersionUID = 1;

    ConcurrentNavigableRows() {
      super(Arrays::compareUnsigned);
    }
  }

  Generation(long position) {
    this.position = position;
  }

  long position() {
    return position;
  }

  /// Puts a row; an empty value removes it.
  void put(byte[] key, byte[] value) {
    if (rows.put(key, value) == null) {
      bytes.addAndGet(key.length + value.length);
    }
  }

  void put(Inode inode) {
    if (inodes.put(inode.inode, inode) == null) {
      byte[] target = inode.target;
      bytes.addAndGet(INODE_ROW_BYTES + (target == null ? 0 : target.length));
    }
  }

  /// Puts a file whose data changed.
  void put(Inode before, Inode after) {
    put(after);
    if (before.guessed != after.guessed) {
      put(RowKeys.guessed(after.inode), after.guessed ? new byte[] {1} : new byte[0]);
    }
  }

  void remove(Inode inode) {
    inodes.put(inode.inode, REMOVED);
    if (inode.guessed) {
      put(RowKeys.guessed(inode.inode), new byte[0]);
    }
  }

  /// Clips the chunk: what older generations say of its extents, and what this one said before.
  void cut(ChunkId chunk, ChunkRow clips) {
    cuts.merge(chunk, clips, (older, newer) -> ChunkRow.merge(newer, older, DebitSink.NONE));
    bytes.addAndGet(CUT_ROW_BYTES);
  }

  /// Notes that it changes the data of a file: what is settled with it.
  void touch(long inode) {
    files.add(inode);
  }

  Set<Long> files() {
    return files;
  }

  /// True once, when it has grown to `limit` bytes.
  boolean becameFull(long limit) {
    return bytes.get() >= limit && full.compareAndSet(false, true);
  }

  /// Takes a page that changed for the first time in this generation.
  void add(Page page) {
    pages.add(page);
    files.add(page.inode());
    bytes.addAndGet(page.capacity() + PAGE_ENTRY_BYTES);
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

  boolean isDirty() {
    return dirty;
  }

  void markDirty() {
    if (!dirty) { // Written once: what is not written stays with every processor.
      dirty = true;
    }
  }

  /// Ends it: called with the gate held exclusively.
  void seal(long first, long last, UsageRow totals) {
    firstSequence = first;
    lastSequence = last;
    usage = totals;
  }

  long firstSequence() {
    return firstSequence;
  }

  long lastSequence() {
    return lastSequence;
  }

  UsageRow usage() {
    return usage;
  }

  private static final int INODE_ROW_BYTES = 150;
  private static final int CUT_ROW_BYTES = 40;

  /// Of a page in the object besides its bytes: more than a frame's overhead and its entries.
  static final int PAGE_ENTRY_BYTES = 80;
}
