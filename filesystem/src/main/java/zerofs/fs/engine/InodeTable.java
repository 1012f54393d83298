package zerofs.fs.engine;

import java.util.Iterator;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import zerofs.base.CacheCounter;
import zerofs.base.Tasks;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.row.Inode;

/// Inodes in memory, by number. A bounded hot set: a node that nobody pins and that holds no file
/// data leaves when the table is full, the unreferenced first (CLOCK).
final class InodeTable {
  /// How many nodes one insertion looks at to find one that may leave.
  private static final int LOOKS_MAX = 16;

  private final ConcurrentMap<Long, InodeNode> nodes = new ConcurrentHashMap<>();
  private final AtomicInteger count = new AtomicInteger();
  private final CacheCounter lookups = new CacheCounter();
  private final Tasks tasks;
  private final Rows rows;
  private final int nodesMax;
  private final Tasks.Mutex handMutex;
  private Iterator<InodeNode> hand = nodes.values().iterator();

  InodeTable(Tasks tasks, Rows rows, int nodesMax) {
    this.tasks = tasks;
    this.rows = rows;
    this.nodesMax = nodesMax;
    this.handMutex = tasks.newMutex("inode table hand");
  }

  /// Pins an inode whose row is in memory afterwards; unpin it when done.
  ///
  /// @throws FsException STALE when it does not exist
  InodeNode pin(long inode, boolean mayWait) throws FsException {
    InodeNode node = pinAny(inode, mayWait);
    if (node.loadedRow().nlink == 0 && node.opens() == 0) {
      node.unpin(); // The reaper is at work on it.
      throw new FsException(FsError.STALE);
    }
    return node;
  }

  /// The node of an inode that is in memory, pinned; null when it is not.
  @Nullable InodeNode pinIfPresent(long inode) {
    InodeNode node = nodes.get(inode);
    return node != null && node.pin() ? node : null;
  }

  /// As [#pin], also for an inode without names that nobody has open.
  InodeNode pinAny(long inode, boolean mayWait) throws FsException {
    InodeNode node = pinNode(inode);
    boolean kept = false;
    try {
      lookups.lookedUp();
      Inode row = node.row();
      if (row == null) {
        Inode found = rows.inode(inode, mayWait);
        lookups.missed();
        // It may have changed, and left memory, since the last barrier.
        node.touched(rows.committedSequence());
        node.loaded(found);
      }
      if (node.isRemoved()) {
        throw new FsException(FsError.STALE);
      }
      kept = true;
      return node;
    } finally {
      if (!kept) {
        node.unpin();
      }
    }
  }

  /// Adds the node of an inode that was just made, pinned. Its number was never used before.
  InodeNode pinNew(Inode row) {
    InodeNode node = pinNode(row.inode);
    node.born(row); // Who asked for that number before was told that it does not exist.
    return node;
  }

  int size() {
    return count.get();
  }

  CacheCounter lookups() {
    return lookups;
  }

  private InodeNode pinNode(long inode) {
    while (true) {
      InodeNode node = nodes.get(inode);
      if (node == null) {
        InodeNode fresh = new InodeNode(inode, tasks);
        node = nodes.putIfAbsent(inode, fresh);
        if (node == null) {
          node = fresh;
          if (count.incrementAndGet() > nodesMax) {
            retireSome();
          }
        }
      }
      if (node.pin()) {
        return node;
      }
      if (nodes.remove(inode, node)) {
        count.decrementAndGet();
      }
    }
  }

  private void retireSome() {
    if (!handMutex.tryLock()) {
      return;
    }
    try {
      for (int looks = 0; looks < LOOKS_MAX; looks++) {
        if (!hand.hasNext()) {
          hand = nodes.values().iterator();
          if (!hand.hasNext()) {
            return;
          }
        }
        InodeNode node = hand.next();
        long seen = node.uses();
        FileData data = node.data();
        boolean holdsData = data != null && !data.isEmpty();
        boolean idle = !holdsData && !node.clearReferenced() && node.opens() == 0;
        if (idle && node.tryRetire(seen) && nodes.remove(node.inode(), node)) {
          count.decrementAndGet();
        }
      }
    } finally {
      handMutex.unlock();
    }
  }
}
