package zerofs.fs.page;

import zerofs.base.Checks;

/// Blocks set aside for one operation before it took its locks; what it did not use goes back at
/// close. One thread.
public final class Reservation implements AutoCloseable {
  private final Slab slab;
  private int left;

  private Reservation(Slab slab, int blocks) {
    this.slab = slab;
    this.left = blocks;
  }

  /// Reserves `blocks`, or null when there are not as many.
  public static @org.jspecify.annotations.Nullable Reservation tryReserve(Slab slab, int blocks) {
    return slab.tryReserve(blocks) ? new Reservation(slab, blocks) : null;
  }

  int allocate(int bytes) {
    Checks.invariant(left > 0, "reservation used up");
    int address = slab.allocate(bytes);
    if (address >= 0) {
      return address;
    }
    left--;
    return ~address;
  }

  Slab slab() {
    return slab;
  }

  @Override
  public void close() {
    slab.unreserve(left);
    left = 0;
  }
}
