package zerofs.bench;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// What promises cost: `Costs DIRECTORY [WORD...]`. DIRECTORY is where the local journal lies: on
/// the disk that is measured. Runs the sections whose names contain a word, all without one, prints
/// a line for each row, and ends with 1 when an aim is missed. docs/BENCHMARKS.md "Costs".
public final class Costs {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

  private final List<String> words;
  private int missed;

  private Costs(List<String> words) {
    this.words = words;
  }

  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    Costs run = new Costs(List.of(arguments).subList(1, arguments.length));
    OUT.println("| row | p50 | p99 | beside | aim |");
    OUT.println("|---|---|---|---|---|");
    run.section("journal", () -> JournalCosts.run(run, directory));
    run.section("fsync", () -> FsyncCosts.run(run));
    run.section("bulk", () -> BulkCosts.run(run));
    if (run.missed > 0) {
      OUT.printf("%d aims missed%n", run.missed);
      System.exit(1);
    }
  }

  private interface Section {
    void run() throws Exception;
  }

  private void section(String name, Section section) throws Exception {
    if (words.isEmpty() || words.stream().anyMatch(name::contains)) {
      section.run();
    }
  }

  /// Prints a row that has no aim.
  void row(String name, Times times, String beside) {
    print(name, times, beside, "");
  }

  /// Prints a row, and counts it when its aim is missed.
  void row(String name, Times times, String beside, String aim, boolean met) {
    missed += met ? 0 : 1;
    print(name, times, beside, aim + (met ? "; met" : "; NOT MET"));
  }

  private static void print(String name, Times times, String beside, String aim) {
    OUT.printf(
        "| %s | %s | %s | %s | %s |%n",
        name, micros(times.micros(50)), micros(times.micros(99)), beside, aim);
  }

  static String micros(double micros) {
    return micros < 10
        ? String.format(Locale.ROOT, "%.2f µs", micros)
        : micros < 10_000
            ? String.format(Locale.ROOT, "%.0f µs", micros)
            : String.format(Locale.ROOT, "%.0f ms", micros / 1000);
  }

  /// Durations that were measured.
  static final class Times {
    private long[] nanos = new long[1024];
    private int count;
    private boolean sorted;

    synchronized void add(long each) {
      if (count == nanos.length) {
        nanos = Arrays.copyOf(nanos, 2 * count);
      }
      nanos[count++] = each;
      sorted = false;
    }

    int count() {
      return count;
    }

    synchronized double micros(double percentile) {
      if (!sorted) {
        Arrays.sort(nanos, 0, count);
        sorted = true;
      }
      return nanos[(int) Math.min(count - 1, Math.floor(count * percentile / 100))] / 1e3;
    }
  }
}
