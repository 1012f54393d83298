package zerofs.simulation;

import java.util.List;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.fs.check.Report;
import zerofs.objectstore.StorageException;

/// One scenario, up to one of its requests or to its end. Whatever has ended by then, what a start
/// finds must be what was promised.
final class CrashRun {
  private static final long LOOK_NANOS = 500_000L;
  private static final int HANGING_LOOKS = 10_000_000;

  private final CrashScenario scenario;
  private final Settings settings;
  private final SimulatedTasks simulation;
  private final CrashPoints points;
  private boolean finished;

  /// @param journal whether processes have one
  /// @param point number of the request at which everything ends; negative = none
  /// @param after whether that request is applied, or not
  /// @param power whether the machines' power is cut, or processes are killed
  record Settings(long seed, boolean journal, int point, boolean after, boolean power) {
    static Settings whole(long seed, boolean journal) {
      return new Settings(seed, journal, -1, false, false);
    }

    Settings at(int request, boolean afterIt, boolean powerCut) {
      return new Settings(seed, journal, request, afterIt, powerCut);
    }
  }

  /// @param requests those of the scenario, in order
  /// @param reached whether it ended at its point
  record Result(
      List<CrashPoints.Request> requests, boolean reached, long operations, long digest) {}

  CrashRun(CrashScenario scenario, Settings settings) {
    this.scenario = scenario;
    this.settings = settings;
    this.simulation = new SimulatedTasks(settings.seed());
    this.points = new CrashPoints(simulation, settings.point(), settings.after());
  }

  /// @throws IllegalStateException when a promise was broken
  Result run() {
    long[] operations = {0};
    try {
      simulation.run(unchecked(() -> operations[0] = story()));
    } catch (IllegalStateException e) {
      throw new IllegalStateException(
          scenario.name() + ", " + settings + where() + ": " + e.getMessage(), e);
    }
    return new Result(points.requests(), points.isReached(), operations[0], simulation.digest());
  }

  private String where() {
    return points.isReached() ? " (" + points.requests().get(settings.point()).name() + ")" : "";
  }

  @FunctionalInterface
  private interface Part {
    void run() throws FsException, StorageException;
  }

  private static Runnable unchecked(Part part) {
    return () -> {
      try {
        part.run();
      } catch (FsException | StorageException e) {
        throw new IllegalStateException("nothing of this kind may fail: " + e, e);
      }
    };
  }

  private long story() throws FsException, StorageException {
    CrashWorld.Setup setup =
        new CrashWorld.Setup(
            scenario.size(), settings.journal(), Long.MAX_VALUE, CrashWorld.Weather.FAIR);
    CrashWorld world = new CrashWorld(simulation, points, setup, settings.seed());
    Hands hands = new Hands(world, settings.journal());
    scenario.prepare().run(hands);
    points.arm();
    Tasks client = simulation.group("client");
    client.fork(
        "client",
        Tasks.Kind.WAITING,
        unchecked(
            () -> {
              scenario.story().run(hands);
              finished = true;
            }));
    awaitEnd();
    points.disarm();
    if (points.isReached()) {
      simulation.kill("client");
      world.crash(settings.power());
      checkObjects(world);
      hands.recover(settings.power());
    }
    hands.check();
    hands.write(hands.create(zerofs.fs.Filesystem.ROOT, "and on"), 0, 5000, 2);
    hands.restart();
    hands.check();
    hands.close();
    checkObjects(world);
    return hands.operations();
  }

  private void checkObjects(CrashWorld world) throws StorageException {
    Report report = TestVolumes.check(world.store(), simulation.group("fsck"));
    if (!report.isHealthy()) {
      throw new IllegalStateException("the objects are not in order: " + report);
    }
  }

  private void awaitEnd() {
    for (int i = 0; !finished && !points.isReached(); i++) {
      if (i == HANGING_LOOKS) {
        throw new IllegalStateException("it hangs");
      }
      simulation.sleep(LOOK_NANOS);
    }
  }
}
