package zerofs.base;

/// Permits that threads take and give back all the time, most of them unused: a stripe of threads
/// keeps a few that were given back, and the next one to take finds them there, without a look at
/// memory that other processors change.
///
/// Invariants: (1) permits are never made or lost: taken + kept + shared = all there ever were. (2)
/// what is kept can be had by anybody: who finds too few gathers it from all stripes first. So
/// [#tryTake] fails only if at some moment during it, counting what others were just moving as
/// taken, too few were left.
///
/// Any thread may call; nothing waits.
public final class StripedBudget {
  /// Most that a stripe keeps: enough for the usual taker, little beside what there is.
  private static final int KEPT_MAX = 8;

  private final Tasks tasks;
  private final int stripes;
  private final long permits;

  /// What each stripe keeps; the last element is what is shared.
  private final SpacedLongs free;

  /// @param permits how many there are
  public StripedBudget(long permits, Tasks tasks) {
    this.tasks = tasks;
    this.permits = permits;
    this.stripes = tasks.stripes();
    this.free = new SpacedLongs(stripes + 1);
    free.set(stripes, permits);
  }

  /// Takes `count` permits, or none; false when too few are left.
  public boolean tryTake(long count) {
    long kept = takeKept(count);
    if (kept == count || takeShared(count - kept)) {
      return true;
    }
    giveShared(kept);
    gather();
    return takeShared(count);
  }

  private long takeKept(long count) {
    int stripe = tasks.stripe();
    while (true) {
      long kept = free.get(stripe);
      long taken = Math.min(kept, count);
      if (taken == 0 || free.compareAndSet(stripe, kept, kept - taken)) {
        return taken;
      }
    }
  }

  private boolean takeShared(long count) {
    while (true) {
      long left = free.get(stripes);
      if (left < count) {
        return false;
      }
      if (free.compareAndSet(stripes, left, left - count)) {
        return true;
      }
    }
  }

  /// Gives back permits that were taken.
  public void give(long count) {
    int stripe = tasks.stripe();
    if (count > 0 && free.getAndAdd(stripe, count) + count > KEPT_MAX) {
      giveShared(free.getAndSet(stripe, 0));
    }
  }

  /// Gives back permits to all: what the next one to take does not need.
  public void giveShared(long count) {
    if (count > 0) {
      long left = free.getAndAdd(stripes, count) + count;
      Checks.invariant(left <= permits, "more permits than there ever were");
    }
  }

  /// Makes stripes give up what they keep.
  public void gather() {
    for (int stripe = 0; stripe < stripes; stripe++) {
      if (free.get(stripe) != 0) {
        giveShared(free.getAndSet(stripe, 0));
      }
    }
  }

  /// Permits that are not taken. While others move some it is a guess: what moves is seen twice or
  /// not at all.
  public long left() {
    long sum = free.get(stripes);
    for (int stripe = 0; stripe < stripes; stripe++) {
      sum += free.get(stripe);
    }
    return sum;
  }

  /// Permits that no stripe keeps and nobody has taken: [#left] or fewer.
  public long shared() {
    return free.get(stripes);
  }
}
