package zerofs.lsm;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.manifest.Manifest.RunDescriptor;

/// Which runs to merge next: a pure function. Size-tiered: as soon as `fanIn` neighbours, newest
/// first, are of about one size they become one. So a row is rewritten about log(fanIn) of the
/// volume's size times, and there are at most fanIn runs per size class; the bound `runsMax` is
/// enforced even when sizes are odd.
///
/// Requests: a flush of 512 log objects is 1 SST + 1 manifest; with fanIn 4 each further level adds
/// per 4 flushes about 4 GET + 1 PUT + 1 manifest of the level below: under 5 requests per flush in
/// all, 1 % of the log's.
final class CompactionPolicy {
  private static final int SIZE_RATIO = 4;

  private CompactionPolicy() {}

  /// @param from index of the newest run to merge
  /// @param to index after the oldest
  record Choice(int from, int to) {}

  static @Nullable Choice choose(List<RunDescriptor> runs, LsmSettings settings) {
    for (int from = 0; from < runs.size(); from++) {
      int to = from + 1;
      long largest = Math.max(1, runs.get(from).bytes());
      while (to < runs.size() && runs.get(to).bytes() <= SIZE_RATIO * largest) {
        largest = Math.max(largest, runs.get(to).bytes());
        to++;
      }
      if (to - from >= settings.fanIn()) {
        return new Choice(from, to);
      }
    }
    return runs.size() > settings.runsMax() ? new Choice(0, settings.fanIn()) : null;
  }
}
