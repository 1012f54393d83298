package zerofs.simulation;

import java.util.List;
import java.util.Map;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.StorageException;

/// The long runs of what the tests run short: `model OPERATIONS RESTARTS SEED...` (every second one
/// with a journal), `races ROUNDS`, `torn READS`.
public final class ModelMain {
  private static final Tasks TASKS =
      new SystemTasks(
          (name, failure) -> {
            failure.printStackTrace();
            System.exit(1);
          });

  private ModelMain() {}

  public static void main(String[] arguments) throws StorageException, FsException {
    switch (arguments[0]) {
      case "model" -> model(arguments);
      case "races" -> races(Integer.parseInt(arguments[1]));
      case "torn" -> torn(Integer.parseInt(arguments[1]));
      default -> throw new IllegalArgumentException("unknown run " + arguments[0]);
    }
  }

  private static void model(String[] arguments) {
    long operations = Long.parseLong(arguments[1]);
    int restarts = Integer.parseInt(arguments[2]);
    for (int i = 3; i < arguments.length; i++) {
      History.Settings settings =
          new History.Settings(
              Long.parseLong(arguments[i]), operations, restarts, true, i % 2 == 0, false);
      HistorySummary summary = new History(settings).run();
      print(settings, summary);
      if (operations >= HistorySummary.WHOLE_OPERATIONS) {
        require(summary);
      }
    }
  }

  private static void require(HistorySummary summary) {
    List<String> missing = summary.missing();
    missing.forEach(System.out::println);
    if (!missing.isEmpty()) {
      System.exit(1);
    }
  }

  private static void print(History.Settings settings, HistorySummary summary) {
    System.out.printf("seed %d%n", settings.seed());
    for (Map.Entry<String, Long> each : summary.byOperation().entrySet()) {
      double share = 100.0 * each.getValue() / summary.operations();
      System.out.printf("  %-16s %9d  %5.2f %%%n", each.getKey(), each.getValue(), share);
    }
    summary
        .writesByMagnitude()
        .forEach((bits, count) -> System.out.printf("  written below 2^%d %9d%n", bits, count));
    summary.byError().forEach((error, count) -> System.out.printf("  %-16s %9d%n", error, count));
    System.out.printf(
        "operations %d, restarts %d (crashes %d, changes they took %d), mismatches 0, digest %x%n",
        summary.operations(),
        summary.starts() - 1,
        summary.crashes(),
        summary.lostOperations(),
        summary.digest());
  }

  private static void races(int rounds) throws StorageException, FsException {
    long successes = 0;
    for (int round = 0; round < rounds; round++) {
      MemoryObjectStore store = TestVolumes.empty();
      Volume volume = TestVolumes.open(store, TASKS, 1, Long.MAX_VALUE);
      successes += new Races(volume, TASKS).run(8, 5000, round);
      volume.awaitReaper();
      long inodes = TreeChecker.check(volume);
      volume.close();
      Volume again = TestVolumes.open(store, TASKS, 2, Long.MAX_VALUE);
      if (TreeChecker.check(again) != inodes) {
        throw new IllegalStateException("round " + round + ": a restart changed the tree");
      }
      again.close();
    }
    System.out.printf(
        "races: rounds %d, 8 threads, operations that succeeded %d, damaged trees 0%n",
        rounds, successes);
  }

  private static void torn(int reads) throws StorageException, FsException {
    Volume volume = TornReads.volume(TASKS);
    TornReads.Result result = new TornReads(volume, TASKS).run((reads + 1) / 2);
    volume.close();
    System.out.printf(
        "torn reads: reads of 1 MiB %d, writes of 1 MiB %d, torn %d%n",
        result.reads(), result.writes(), result.torn());
    if (result.torn() > 0) {
      System.exit(1);
    }
  }
}
