package zerofs.fs.engine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.fs.row.Inode;

/// One inode in memory: its current row, its lock, and what hangs on it.
///
/// The row is null until it is loaded; who loads sets it only if it is still null, and nobody
/// changes an inode whose row is null, so a slow load never hides a commit. `Generation.REMOVED`
/// says that the inode is gone.
///
/// The lock guards the row's changes, the file data and the name cache: held exclusively to change,
/// shared to read several things together. The row alone may be read without it.
final class InodeNode {
  private static final long DEAD = -1;
  private static final long ONE_USE = 1L << 32;

  // Fields of its own, not objects: there are many nodes.
  private static final VarHandle PINS = field("pins", long.class);
  private static final VarHandle ROW = field("row", Inode.class);
  private static final VarHandle LAST_SEQUENCE = field("lastSequence", long.class);

  private static VarHandle field(String name, Class<?> type) {
    try {
      return MethodHandles.lookup().findVarHandle(InodeNode.class, name, type);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final long inode;
  private final Tasks.SharedMutex lock;

  /// Pins in the lower half, how often it was pinned in the upper one (31 bits, wrapping).
  private volatile long pins;

  private volatile @Nullable Inode row;
  private volatile long lastSequence;
  private volatile boolean referenced = true;
  private volatile @Nullable FileData data;
  private volatile @Nullable NameCache names;
  private int opens;

  InodeNode(long inode, Tasks tasks) {
    this.inode = inode;
    this.lock = tasks.newSharedMutex("inode");
  }

  long inode() {
    return inode;
  }

  Tasks.SharedMutex lock() {
    return lock;
  }

  @Nullable Inode row() {
    return row;
  }

  /// The row of a node that is known to be loaded.
  Inode loadedRow() {
    Inode loaded = row;
    if (loaded == null) {
      throw new IllegalStateException("inode " + inode + " is not loaded");
    }
    return loaded;
  }

  /// Sets the row that was loaded, unless it is known already.
  void loaded(Inode loaded) {
    ROW.compareAndSet(this, null, loaded);
  }

  /// The row of an inode that was just made.
  void born(Inode newborn) {
    row = newborn;
  }

  /// Says what commit `sequence` made of it; the lock is held exclusively. Who reads the row
  /// without the lock reads it before [#lastSequence], which is raised first: so he never takes
  /// what he saw for older than it is.
  void changed(long sequence, Inode changed) {
    touched(sequence);
    row = changed;
  }

  boolean isRemoved() {
    return row == Generation.REMOVED;
  }

  /// The last commit that changed this inode, as far as is known; 0 = none since it was loaded.
  long lastSequence() {
    return lastSequence;
  }

  /// Raises [#lastSequence]. Who loads the row does so without the lock, beside commits.
  void touched(long sequence) {
    for (long now = lastSequence; now < sequence; now = lastSequence) {
      LAST_SEQUENCE.compareAndSet(this, now, sequence);
    }
  }

  /// Keeps the node in memory; false when it has just left.
  boolean pin() {
    while (true) {
      long now = pins;
      if (now == DEAD) {
        return false;
      }
      if (PINS.compareAndSet(this, now, (now + ONE_USE & Long.MAX_VALUE) + 1)) {
        if (!referenced) {
          referenced = true;
        }
        return true;
      }
    }
  }

  void unpin() {
    PINS.getAndAdd(this, -1L);
  }

  /// What [#tryRetire] compares: it changes with every pin.
  long uses() {
    return pins;
  }

  /// Whether it may leave memory now; then no pin succeeds any more.
  ///
  /// @param seen what [#uses] was before the caller saw that nothing hangs on it: whoever pinned it
  ///   since may have written data that only this node leads to
  boolean tryRetire(long seen) {
    return (int) seen == 0 && PINS.compareAndSet(this, seen, DEAD);
  }

  /// Whether it was used since the last call.
  boolean clearReferenced() {
    boolean was = referenced;
    referenced = false;
    return was;
  }

  @Nullable FileData data() {
    return data;
  }

  void setData(@Nullable FileData newData) {
    data = newData;
  }

  @Nullable NameCache names() {
    return names;
  }

  void setNames(@Nullable NameCache newNames) {
    names = newNames;
  }

  int opens() {
    return opens;
  }

  void addOpens(int delta) {
    opens += delta;
  }
}
