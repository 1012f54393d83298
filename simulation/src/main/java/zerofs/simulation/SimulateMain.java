package zerofs.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;

/// `simulate [--minutes M] [--seed N] [--scenario S] [--stride K]`: histories of a whole volume in
/// virtual time, with crashes, seed after seed. docs/TESTING.md.
@Command(
    name = "simulate",
    description = "Histories of a whole volume in virtual time, with crashes, seed after seed.",
    mixinStandardHelpOptions = true)
public final class SimulateMain implements Callable<Integer> {
  private static final Tasks TASKS =
      new SystemTasks(
          (name, failure) -> {
            failure.printStackTrace();
            System.exit(1);
          });
  private static final long MINUTE_NANOS = 60_000_000_000L;
  private static final int GENERATED_OPERATIONS = 2_000;
  private static final int GENERATED_RESTARTS = 10;

  @Option(names = "--minutes", description = "seeds begin for so long; one seed without it")
  private long minutes;

  @Option(names = "--seed", description = "the first seed; 1 without it")
  private long firstSeed = 1;

  @Option(names = "--scenario", description = "only this one")
  private String scenario = "";

  @Option(names = "--stride", description = "a crash at one request of so many; at each without it")
  private int stride = 1;

  private final AtomicInteger next = new AtomicInteger();
  private Total total = Total.NOTHING;
  private int violations;

  /// What was done so far.
  private record Total(
      long histories, long crashes, long checks, long operations, Map<String, Long> failpoints) {
    static final Total NOTHING = new Total(0, 0, 0, 0, Map.of());

    Total plus(Total other) {
      Map<String, Long> reached = new TreeMap<>(failpoints);
      other.failpoints.forEach((name, count) -> reached.merge(name, count, Long::sum));
      return new Total(
          histories + other.histories,
          crashes + other.crashes,
          checks + other.checks,
          operations + other.operations,
          reached);
    }
  }

  /// A scenario, and what a seed of it does.
  private record Scenario(String name, String about, LongFunction<Total> run) {}

  private SimulateMain() {}

  public static void main(String[] arguments) {
    System.exit(new CommandLine(new SimulateMain()).execute(arguments));
  }

  private List<Scenario> all() {
    List<Scenario> all = new ArrayList<>();
    all.add(
        new Scenario(
            "generated",
            "every operation of POSIX against a model, with stops, kills and power cuts",
            SimulateMain::generated));
    for (CrashScenario each : CrashScenarios.ALL) {
      all.add(
          new Scenario(
              each.name(),
              each.about() + ": everything ends at each request",
              seed -> swept(each, seed)));
    }
    return all;
  }

  private static Total generated(long seed) {
    HistorySummary summary =
        new History(
                new History.Settings(
                    seed, GENERATED_OPERATIONS, GENERATED_RESTARTS, false, seed % 2 == 0, true))
            .run();
    return new Total(
        1,
        summary.crashes() + summary.takeovers(),
        summary.checks(),
        summary.operations(),
        new TreeMap<>(summary.failpoints()));
  }

  private Total swept(CrashScenario scenario, long seed) {
    CrashSweep.Result result = CrashSweep.run(scenario, seed, stride);
    return new Total(
        result.runs(), result.runs() - 2, result.runs(), result.operations(), Map.of());
  }

  @Override
  public Integer call() {
    List<Scenario> chosen =
        all().stream().filter(each -> scenario.isEmpty() || each.name().equals(scenario)).toList();
    if (chosen.isEmpty()) {
      System.err.println("there is no scenario " + scenario + "; there are");
      all().forEach(each -> System.err.printf("  %-16s %s%n", each.name(), each.about()));
      return CommandLine.ExitCode.USAGE;
    }
    long started = TASKS.nanoTime();
    List<Tasks.Task> workers = new ArrayList<>();
    for (int i = 0; i < Runtime.getRuntime().availableProcessors(); i++) {
      workers.add(TASKS.fork("worker", Tasks.Kind.COMPUTING, () -> work(chosen, started)));
    }
    workers.forEach(Tasks.Task::join);
    total.failpoints().forEach((name, count) -> System.out.printf("  %-40s %8d%n", name, count));
    System.out.printf(
        "histories %d (%d crashes, %d checks of all objects), operations %d, violations %d, %.0f"
            + " histories an hour%n",
        total.histories(),
        total.crashes(),
        total.checks(),
        total.operations(),
        violations,
        total.histories() * 3600e9 / (TASKS.nanoTime() - started));
    return violations == 0 ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
  }

  /// Takes scenario after scenario, seed after seed, until time is over and a seed is whole.
  private void work(List<Scenario> chosen, long started) {
    while (true) {
      int number = next.getAndIncrement();
      long seed = firstSeed + number / chosen.size();
      if (seed > firstSeed && TASKS.nanoTime() - started >= minutes * MINUTE_NANOS) {
        return;
      }
      Scenario each = chosen.get(number % chosen.size());
      try {
        done(seed, each, each.run().apply(seed));
      } catch (RuntimeException e) {
        broken(seed, each, e);
      }
    }
  }

  private synchronized void done(long seed, Scenario which, Total done) {
    total = total.plus(done);
    System.out.printf(
        "seed %d, %s: histories %d, operations %d%n",
        seed, which.name(), done.histories(), done.operations());
  }

  private synchronized void broken(long seed, Scenario which, RuntimeException how) {
    violations++;
    System.out.printf(
        "seed %d, %s, commit %s: VIOLATION%n",
        seed, which.name(), System.getProperty("zerofs.commit", "unknown"));
    how.printStackTrace(System.out);
  }
}
