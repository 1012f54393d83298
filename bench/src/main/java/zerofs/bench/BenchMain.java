package zerofs.bench;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/// Runs the rows and prints a table: `BenchMain [--profile DIRECTORY] [WORD...]` runs those whose
/// names contain one of the words, all without any. With --profile each also leaves a recording of
/// Java Flight Recorder. What JMH says goes to `jmh.log`.
public final class BenchMain {
  /// As `./zerofs` has them, with room for the store, which is in the same heap here.
  private static final List<String> JVM =
      List.of(
          "-Xms1g",
          "-Xmx1g",
          "-XX:MaxDirectMemorySize=1g",
          "-XX:+UseG1GC",
          "-XX:+ExitOnOutOfMemoryError",
          "-XX:+UseCompactObjectHeaders",
          "--enable-native-access=ALL-UNNAMED",
          "--sun-misc-unsafe-memory-access=allow");

  private static final int WARMUPS = 3;
  private static final int ITERATIONS = 12;
  private static final TimeValue WARMUP = TimeValue.milliseconds(500);
  private static final TimeValue ITERATION = TimeValue.milliseconds(350);

  private BenchMain() {}

  public static void main(String[] arguments) throws RunnerException, IOException {
    List<String> words = List.of(arguments);
    String profile = "";
    if (words.size() >= 2 && words.getFirst().equals("--profile")) {
      profile = words.get(1);
      words = words.subList(2, words.size());
    }
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    Map<String, Outcome> outcomes = new LinkedHashMap<>();
    out.println(line("row", "µs", "median", "cpu µs", "MB/s", "B/op", "check", "aim"));
    for (Row row : Row.all()) {
      if (words.isEmpty() || words.stream().anyMatch(row.name()::contains)) {
        Outcome outcome = run(row, profile);
        outcomes.put(row.name(), outcome);
        out.println(line(outcome, outcomes));
      }
    }
  }

  private static Outcome run(Row row, String profile) throws RunnerException, IOException {
    Path checked = Files.createTempFile("zerofs-bench", ".txt");
    try {
      // One list: a second call of jvmArgsAppend would replace what the first one said.
      List<String> jvm = new ArrayList<>(JVM);
      jvm.add("-D" + Checked.PROPERTY + "=" + checked);
      if (!profile.isEmpty()) {
        jvm.add(
            "-XX:StartFlightRecording=settings=profile,dumponexit=true,filename=%s/%s.jfr"
                .formatted(profile, row.name().replaceAll("[^a-z0-9]+", "-")));
      }
      Options options =
          options(row, row.parameters())
              .mode(Mode.AverageTime)
              .timeUnit(TimeUnit.MICROSECONDS)
              .forks(1)
              .warmupIterations(WARMUPS)
              .warmupTime(WARMUP)
              .measurementIterations(ITERATIONS)
              .measurementTime(ITERATION)
              .addProfiler(GCProfiler.class)
              .addProfiler(CpuProfiler.class)
              .jvmArgs(jvm.toArray(new String[0]))
              .verbosity(VerboseMode.NORMAL)
              .output("jmh.log")
              .build();
      Collection<RunResult> results = new Runner(options).run();
      return Outcome.of(row, results, lastLine(row, checked));
    } finally {
      Files.delete(checked);
    }
  }

  /// What every way to run a row has in common.
  static ChainedOptionsBuilder options(Row row, Map<String, String> parameters) {
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .include("^\\Q" + row.type().getName() + "." + row.method() + "\\E$")
            .threads(row.threads())
            .shouldFailOnError(true)
            .syncIterations(true);
    parameters.forEach(options::param);
    return options;
  }

  private static String lastLine(Row row, Path checked) throws IOException {
    List<String> lines = Files.readAllLines(checked);
    if (lines.isEmpty()) {
      throw new IllegalStateException(row.name() + " did not check its work");
    }
    return lines.getLast();
  }

  private static String line(Outcome outcome, Map<String, Outcome> others) {
    boolean rated = outcome.row().bytes() > 0;
    String judged = outcome.judged(others);
    String remark = outcome.remark();
    return line(
        outcome.row().name(),
        number(outcome.micros()),
        number(outcome.median()),
        number(outcome.cpu()),
        rated ? "%.0f".formatted(outcome.bytesPerSecond() / 1e6) : "",
        outcome.row().method().equals("unlink") ? "" : "%.0f".formatted(outcome.allocated()),
        outcome.hash(),
        judged + (judged.isEmpty() || remark.isEmpty() ? "" : "; ") + remark);
  }

  private static String line(String... cells) {
    return "| %-38s | %9s | %9s | %9s | %6s | %9s | %-8s | %s |".formatted((Object[]) cells);
  }

  private static String number(double micros) {
    return String.format(
        Locale.ROOT, micros < 10 ? "%.3f" : micros < 1000 ? "%.1f" : "%.0f", micros);
  }
}
