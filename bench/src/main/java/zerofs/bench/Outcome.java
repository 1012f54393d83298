package zerofs.bench;

import java.util.Collection;
import java.util.Map;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.util.Statistics;

/// What one row gave.
///
/// @param micros per operation and thread, in the fastest iteration: the least disturbed one
/// @param median the same in the median iteration
/// @param cpu processor time of the whole process per operation, in the cheapest iteration, µs
/// @param allocated bytes of heap per operation, by all threads of the process
record Outcome(
    Row row,
    double micros,
    double median,
    double cpu,
    double allocated,
    String hash,
    String remark) {
  static Outcome of(Row row, Collection<RunResult> results, String checked) {
    RunResult result = results.iterator().next();
    Statistics times = result.getPrimaryResult().getStatistics();
    int space = checked.indexOf(' ');
    return new Outcome(
        row,
        times.getMin(),
        times.getPercentile(50),
        secondary(result, CpuProfiler.LABEL),
        secondary(result, "gc.alloc.rate.norm"),
        checked.substring(0, space),
        checked.substring(space + 1).strip());
  }

  private static double secondary(RunResult result, String label) {
    Result<?> found = result.getSecondaryResults().get(label);
    return found == null ? Double.NaN : found.getScore();
  }

  double bytesPerSecond() {
    return row.bytes() * row.threads() / micros * 1e6;
  }

  private double cpuPerByte() {
    return cpu / row.bytes();
  }

  /// What the row is measured by, and whether it was reached; empty without an aim or when a row
  /// that it refers to did not run.
  String judged(Map<String, Outcome> others) {
    return switch (row.aim()) {
      case Row.Aim.None() -> "";
      case Row.Aim.Micros(double most) ->
          verdict("≤ %s µs".formatted(number(most)), micros <= most);
      case Row.Aim.MicrosOver(String name, double most) -> {
        Outcome other = others.get(name);
        yield other == null
            ? ""
            : verdict(
                "≤ put + %s µs: + %.0f".formatted(number(most), micros - other.micros),
                micros - other.micros <= most);
      }
      case Row.Aim.ShareOfRate(String name, double least) -> {
        Outcome other = others.get(name);
        double share = other == null ? 0 : bytesPerSecond() / other.bytesPerSecond();
        yield other == null
            ? ""
            : share(least, share, "of the codec's rate")
                + "; by processor time %.2f".formatted(other.cpuPerByte() / cpuPerByte());
      }
      case Row.Aim.Scaling(String alone, String otherAlone, String other, double least) -> {
        Outcome one = others.get(alone);
        Outcome copyOne = others.get(otherAlone);
        Outcome copyTwo = others.get(other);
        if (one == null || copyOne == null || copyTwo == null) {
          yield "";
        }
        double own = 2 * one.micros / micros;
        double copy = 2 * copyOne.micros / copyTwo.micros;
        yield share(least, own / copy, "of memcpy's scaling (%.2f to %.2f)".formatted(own, copy))
            + "; by processor time %.2f".formatted(one.cpu / cpu / (copyOne.cpu / copyTwo.cpu));
      }
    };
  }

  private static String share(double least, double share, String of) {
    return verdict("≥ %s %s: %.2f".formatted(number(least), of, share), share >= least);
  }

  private static String verdict(String what, boolean met) {
    return what + (met ? "; met" : "; NOT MET");
  }

  private static String number(double value) {
    return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
  }
}
