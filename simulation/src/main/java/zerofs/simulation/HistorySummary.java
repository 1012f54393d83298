package zerofs.simulation;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import zerofs.fs.FsError;

/// What a history did.
///
/// @param starts how often the volume was opened
/// @param crashes how many of the stops before were crashes
/// @param lostOperations changes that crashes took, as they may
/// @param byOperation how often each operation ran
/// @param byError how often each error was the answer, as it had to be
/// @param writesByMagnitude how many writes succeeded by where they ended: below 2^key, and not
///   below a smaller one
/// @param failpoints how often it ended at each kind of request
/// @param takeovers how many of the stops left a process behind that was not told
/// @param checks how often all objects of the store were checked
public record HistorySummary(
    long operations,
    int starts,
    int crashes,
    long lostOperations,
    Map<String, Long> byOperation,
    Map<FsError, Long> byError,
    Map<Integer, Long> writesByMagnitude,
    Map<String, Long> failpoints,
    int takeovers,
    int checks,
    long digest) {
  /// So many operations must have shown everything.
  static final long WHOLE_OPERATIONS = 1_000_000;

  private static final long ERROR_COUNT_MIN = 100;
  private static final int RESTARTS_MIN = 50;
  private static final int MAGNITUDE_STEP = 9;
  private static final int MAGNITUDE_MAX = 63;

  /// The errors that a volume can give: none is opened to be only read.
  private static final Set<FsError> ERRORS = EnumSet.complementOf(EnumSet.of(FsError.READ_ONLY));

  /// The k in steps of 9 for which a number is below 2^k.
  static int magnitude(long number) {
    int bits = Long.SIZE - Long.numberOfLeadingZeros(number);
    return (bits + MAGNITUDE_STEP - 1) / MAGNITUDE_STEP * MAGNITUDE_STEP;
  }

  /// What a whole history has not shown often enough; empty if all is there.
  List<String> missing() {
    List<String> missing = new ArrayList<>();
    for (Class<?> each : Op.class.getPermittedSubclasses()) {
      long count = byOperation.getOrDefault(each.getSimpleName(), 0L);
      if (count * 100 < operations) {
        missing.add(each.getSimpleName() + " is less than 1 % of the operations: " + count);
      }
    }
    for (FsError each : ERRORS) {
      long count = byError.getOrDefault(each, 0L);
      if (count < ERROR_COUNT_MIN) {
        missing.add(each + " was the answer " + count + " times, not " + ERROR_COUNT_MIN);
      }
    }
    if (starts - 1 < RESTARTS_MIN) {
      missing.add("there were " + (starts - 1) + " restarts, not " + RESTARTS_MIN);
    }
    if (!writesByMagnitude.containsKey(MAGNITUDE_MAX)) {
      missing.add("nothing was written near 8 EiB");
    }
    return missing;
  }
}
