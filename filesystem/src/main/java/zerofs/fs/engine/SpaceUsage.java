package zerofs.fs.engine;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.row.UsageRow;

/// How much of the volume is used. Two pairs of books: *charged* is raised before a commit, so that
/// the limit is exact under races; *committed* changes inside the gate, so that a seal sees exactly
/// what its generation did.
final class SpaceUsage {
  private final long bytesMax;
  private final Supplier<@Nullable String> storeShortage;
  private final AtomicLong charged = new AtomicLong();
  private final AtomicLong committedBytes = new AtomicLong();
  private final AtomicLong committedInodes = new AtomicLong();

  /// @param bytesMax limit on allocated bytes; Long.MAX_VALUE = none
  /// @param storeShortage why the store wants no new data now; null when it has room
  SpaceUsage(long bytesMax, Supplier<@Nullable String> storeShortage) {
    this.bytesMax = bytesMax;
    this.storeShortage = storeShortage;
  }

  /// Whether the store wants no new data now. What can be left out is left out then.
  boolean isStoreShort() {
    return storeShortage.get() != null;
  }

  /// Refuses what brings new data or names while the store is short of space: what is left there is
  /// for what was answered, and for what frees space.
  void requireStoreRoom() throws FsException {
    String shortage = storeShortage.get();
    if (shortage != null) {
      throw new FsException(FsError.NO_SPACE, shortage, null);
    }
  }

  void restore(UsageRow row) {
    charged.set(row.allocatedBytes());
    committedBytes.set(row.allocatedBytes());
    committedInodes.set(row.inodes());
  }

  /// Charges without a look at the limit what was granted once before.
  void charge(long bytes) {
    charged.addAndGet(bytes);
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
