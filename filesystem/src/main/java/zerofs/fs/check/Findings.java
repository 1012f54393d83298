package zerofs.fs.check;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import zerofs.base.Tasks;

/// Collects what is found; of each kind the first ones, and how many there are. Any thread.
final class Findings {
  private static final int KEPT_MAX = 1000;

  private final Tasks.Mutex mutex;
  private final List<Finding> kept = new ArrayList<>();
  private final Map<Finding.Kind, Long> counts = new EnumMap<>(Finding.Kind.class);

  Findings(Tasks tasks) {
    this.mutex = tasks.newMutex("fsck findings");
  }

  void add(Finding.Kind kind, String text) {
    mutex.lock();
    try {
      if (counts.merge(kind, 1L, Long::sum) <= KEPT_MAX) {
        kept.add(new Finding(kind, text));
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Those that were kept, by kind.
  List<Finding> kept() {
    mutex.lock();
    try {
      List<Finding> sorted = new ArrayList<>(kept);
      sorted.sort(java.util.Comparator.comparing(Finding::kind));
      return sorted;
    } finally {
      mutex.unlock();
    }
  }

  Map<Finding.Kind, Long> counts() {
    mutex.lock();
    try {
      return Map.copyOf(counts);
    } finally {
      mutex.unlock();
    }
  }
}
