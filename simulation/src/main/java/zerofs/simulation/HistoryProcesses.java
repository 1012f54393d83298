package zerofs.simulation;

import java.util.SplittableRandom;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.fs.check.Report;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.RetryingObjectStore;
import zerofs.objectstore.StorageException;

/// The processes of a [History]: how they start and end.
final class HistoryProcesses {
  private static final String CLIENT = "client";

  /// After one crash of so many all objects are checked.
  private static final int CHECKED_CRASHES = 4;

  private static final long HOUR_NANOS = 3_600_000_000_000L;

  /// Longer than any outage: no operation fails for the weather.
  private static final RetryingObjectStore.Settings RETRIES =
      new RetryingObjectStore.Settings(20_000_000L, 10_000_000_000L, 4 * HOUR_NANOS);

  private final SimulatedTasks simulation;
  private final History.Settings settings;
  private final BiFunction<String, @Nullable Throwable, RuntimeException> difference;
  private final SplittableRandom random;
  private final StoreWeather weather;
  private final Failpoints failpoints;
  private final CrashWorld world;
  private int checks;

  /// What may end at a failpoint.
  @FunctionalInterface
  interface Part {
    void run() throws StorageException, FsException;
  }

  /// @param difference what is thrown when something fails that may not
  HistoryProcesses(
      SimulatedTasks simulation,
      History.Settings settings,
      long bytesMax,
      BiFunction<String, @Nullable Throwable, RuntimeException> difference) {
    this.simulation = simulation;
    this.settings = settings;
    this.difference = difference;
    this.random = new SplittableRandom(settings.seed());
    this.weather = new StoreWeather(simulation, random.split(), !settings.faults());
    this.failpoints = new Failpoints(simulation, random.split());
    this.world =
        new CrashWorld(
            simulation,
            failpoints,
            new CrashWorld.Setup(
                TestVolumes.Size.SMALL, settings.journal(), bytesMax, this::underWeather),
            settings.seed());
  }

  private ObjectStore underWeather(ObjectStore wire, Tasks process) {
    ObjectStore bad = new FaultyObjectStore(wire, simulation.group("network"), weather);
    return settings.faults()
        ? new RetryingObjectStore(bad, process, new SeededRandomness(random.nextLong()), RETRIES)
        : bad;
  }

  /// From now on the process ends somewhere, if there may be faults.
  void arm() {
    if (settings.faults()) {
      failpoints.arm();
    }
  }

  /// From now on it does not.
  void disarm() {
    failpoints.disarm();
  }

  /// Runs a part; whether it came to its end before a failpoint.
  boolean passes(Part part) throws StorageException, FsException {
    if (!failpoints.isArmed()) {
      part.run();
      return true;
    }
    return failpoints.passedBy(
        simulation.group(CLIENT),
        () -> {
          try {
            part.run();
          } catch (StorageException | FsException e) {
            throw difference.apply("nothing of this kind may fail: " + e, e);
          }
        });
  }

  Volume start() throws StorageException {
    return world.start();
  }

  /// Starts a process; perhaps others before, which are killed when they are about to be there.
  Volume startSomehow() throws StorageException, FsException {
    if (random.nextBoolean()) {
      arm();
    }
    int[] lateClaims = {0};
    Volume[] started = {null};
    while (started[0] == null) {
      if (!passes(() -> started[0] = startBeside(lateClaims))) {
        crash(false);
        started[0] = null;
        lateClaims[0]++;
      }
    }
    disarm();
    return started[0];
  }

  /// A claim that a killed start had on its way may arrive before this one's, which gives way then
  /// (docs/RECOVERY.md, step 5): once for each of them.
  private @Nullable Volume startBeside(int[] lateClaims) throws StorageException {
    try {
      return start();
    } catch (StorageException.Fenced e) {
      if (lateClaims[0]-- == 0) {
        throw e;
      }
      return null;
    }
  }

  /// Everything that runs is killed.
  ///
  /// @param power whether the machines' power is cut, too
  void crash(boolean power) throws StorageException {
    simulation.kill(CLIENT);
    world.crash(power);
    disarm();
    if (random.nextInt(CHECKED_CRASHES) == 0) {
      checkObjects();
    }
  }

  /// What the store has is a whole volume, at whatever moment.
  void checkObjects() throws StorageException {
    Report report = TestVolumes.check(store(), simulation.group("fsck"));
    if (!report.isHealthy()) {
      throw difference.apply("the objects are not in order: " + report, null);
    }
    checks++;
  }

  /// How often the objects were checked.
  int checks() {
    return checks;
  }

  /// Another machine's process takes over from one that goes on, or sleeps and wakes late.
  Volume takeOver() throws StorageException {
    disarm();
    String old = world.last();
    if (random.nextBoolean()) {
      simulation.suspend(old);
    }
    Volume volume = world.takeOver();
    simulation.resume(old);
    return volume;
  }

  /// The store is away for an hour.
  void loseStore() {
    weather.leave(HOUR_NANOS);
  }

  StoreWeather weather() {
    return weather;
  }

  Failpoints failpoints() {
    return failpoints;
  }

  MemoryObjectStore store() {
    return world.store();
  }
}
