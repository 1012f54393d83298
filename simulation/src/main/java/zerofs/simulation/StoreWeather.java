package zerofs.simulation;

import java.util.List;
import java.util.SplittableRandom;
import zerofs.base.SimulatedTasks;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StoreCounters.Request;

/// What a store does to requests: one of fifteen goes wrong in some way, and now and then it is
/// away for a while.
final class StoreWeather implements FaultyObjectStore.Plan {
  private static final long LATE_NANOS = 60_000_000L;

  /// What the keys have to do with is left out: a start that is refused tells it and ends.
  private static final List<Fault> CHANCES =
      List.of(Fault.BUSY, Fault.LOST, Fault.REPLY_LOST, Fault.LATE, Fault.SLOW, Fault.TRUNCATED);

  private final SimulatedTasks simulation;
  private final SplittableRandom random;
  private final boolean isFair;
  private long awayUntil = Long.MIN_VALUE;
  private boolean answersNoReads;

  /// @param isFair whether nothing goes wrong by chance
  StoreWeather(SimulatedTasks simulation, SplittableRandom random, boolean isFair) {
    this.simulation = simulation;
    this.random = random;
    this.isFair = isFair;
  }

  /// From now on the store is away.
  void leave(long nanos) {
    awayUntil = simulation.nanoTime() + nanos;
  }

  /// Whether no read of data or rows is answered.
  void refuseReads(boolean refuses) {
    answersNoReads = refuses;
  }

  @Override
  public Fault next(Request request, String key, Cause cause) {
    boolean isRead = cause == Cause.READ || cause == Cause.METADATA;
    if (answersNoReads && isRead) {
      return Fault.BUSY;
    }
    if (simulation.nanoTime() < awayUntil) {
      return random.nextBoolean() ? Fault.BUSY : Fault.LOST;
    }
    if (isFair || random.nextInt(15) != 0) {
      return Fault.NONE;
    }
    return CHANCES.get(random.nextInt(CHANCES.size()));
  }

  @Override
  public long lateness() {
    return 1 + random.nextLong(LATE_NANOS);
  }
}
