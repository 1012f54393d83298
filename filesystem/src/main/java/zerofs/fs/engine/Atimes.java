package zerofs.fs.engine;

import zerofs.fs.Call;
import zerofs.fs.row.Inode;

/// Access times, as the mount option relatime has them (mount(8)): updated when they are not later
/// than mtime or ctime, or a day old.
final class Atimes {
  private static final long DAY_SECONDS = 24 * 60 * 60;

  private Atimes() {}

  static boolean isDue(Inode row, long wallNanos) {
    return !isAfter(row.atime, row.atimeNanos, row.mtime, row.mtimeNanos)
        || !isAfter(row.atime, row.atimeNanos, row.ctime, row.ctimeNanos)
        || Math.floorDiv(wallNanos, 1_000_000_000L) - row.atime >= DAY_SECONDS;
  }

  private static boolean isAfter(long seconds, int nanos, long other, int otherNanos) {
    return seconds > other || (seconds == other && nanos > otherNanos);
  }

  /// Sets the access time to now. No lock is held. Not a change of attributes: neither ctime nor
  /// the change counter moves. A reader never waits to be stored: when too much does, or the store
  /// is short of space, it is left out.
  static void update(Call call, InodeNode node, Generations generations, long now) {
    if (generations.isUnderPressure()) {
      return;
    }
    try (LockSet _ = LockSet.exclusive(node)) {
      Inode row = node.loadedRow();
      if (row == Generation.REMOVED || !isDue(row, now)) {
        return;
      }
      Inode changed = row.edit().atime(now).build();
      node.changed(generations.commit(call, commit -> commit.put(changed)), changed);
    }
  }
}
