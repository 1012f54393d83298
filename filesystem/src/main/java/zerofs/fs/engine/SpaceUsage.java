package zerofs.fs.engine;

import java.util.concurrent.atomic.AtomicLong;
import zerofs.fs.row.UsageRow;

/// How much of the volume is used. Two pairs of books: *charged* is raised before a commit, so that
/// the limit is exact under races; *committed* changes inside the gate, so that a seal sees exactly
/// what its generation did.
final class SpaceUsage {
  private final long bytesMax;
  private final AtomicLong charged = new AtomicLong();
  private final AtomicLong committedBytes = new AtomicLong();
  private final AtomicLong committedInodes = new AtomicLong();

  /// @param bytesMax limit on allocated bytes; Long.MAX_VALUE = none
  SpaceUsage(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  void restore(UsageRow row) {
    charged.set(row.allocatedBytes());
    committedBytes.set(row.allocatedBytes());
    committedInodes.set(row.inodes());
  }

  /// Charges `bytes` more (or fewer: always granted); false when the limit would be passed.
  boolean tryCharge(long bytes) {
    while (bytes != 0) {
      long now = charged.get();
      if (bytes > 0 && bytes > bytesMax - now) {
        return false;
      }
      if (charged.compareAndSet(now, now + bytes)) {
        return true;
      }
    }
    return true;
  }

  /// Books inside the gate what was charged before it.
  void commit(long bytes, long inodes) {
    if (bytes != 0) {
      committedBytes.addAndGet(bytes);
    }
    if (inodes != 0) {
      committedInodes.addAndGet(inodes);
    }
  }

  UsageRow committed() {
    return new UsageRow(committedBytes.get(), committedInodes.get());
  }

  long bytesMax() {
    return bytesMax;
  }
}
