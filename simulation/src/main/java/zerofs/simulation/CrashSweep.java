package zerofs.simulation;

import java.util.ArrayList;
import java.util.List;

/// A scenario with a crash at every one of its requests: before each, after each that changes
/// something, by a kill and by a power cut.
final class CrashSweep {
  private CrashSweep() {}

  /// @param points requests at which it ended
  /// @param runs ways in which it ended there
  record Result(int points, long runs, long operations) {
    Result plus(Result other) {
      return new Result(points + other.points, runs + other.runs, operations + other.operations);
    }
  }

  /// @param stride of so many requests one is taken, in turn from seed to seed
  /// @throws IllegalStateException when a promise was broken
  static Result run(CrashScenario scenario, long seed, int stride) {
    return run(scenario, seed, stride, false).plus(run(scenario, seed, stride, true));
  }

  private static Result run(CrashScenario scenario, long seed, int stride, boolean journal) {
    CrashRun.Settings whole = CrashRun.Settings.whole(seed, journal);
    CrashRun.Result base = new CrashRun(scenario, whole).run();
    Result result = new Result(0, 1, base.operations());
    for (int i = (int) (seed % stride); i < base.requests().size(); i += stride) {
      for (CrashRun.Settings each : ends(whole, i, base.requests().get(i).changes())) {
        CrashRun.Result run = new CrashRun(scenario, each).run();
        if (!run.reached()) {
          throw new IllegalStateException(
              scenario.name() + ", " + each + ": one seed was two histories");
        }
        result = result.plus(new Result(0, 1, run.operations()));
      }
      result = result.plus(new Result(1, 0, 0));
    }
    return result;
  }

  private static List<CrashRun.Settings> ends(CrashRun.Settings whole, int point, boolean changes) {
    List<CrashRun.Settings> ends = new ArrayList<>();
    for (boolean after : changes ? new boolean[] {false, true} : new boolean[] {false}) {
      ends.add(whole.at(point, after, false));
      if (whole.journal()) {
        ends.add(whole.at(point, after, true));
      }
    }
    return ends;
  }
}
