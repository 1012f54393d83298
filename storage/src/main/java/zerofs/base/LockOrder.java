package zerofs.base;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Which locks were taken while which others were held, by name. Two that are taken in both orders
/// can wait for each other some day, also if they did not in this history. Locks of one name are
/// told apart by nobody: who takes several of them has an order of his own.
final class LockOrder {
  private final Map<String, Set<String>> later = new HashMap<>();

  /// A lock is about to be waited for.
  ///
  /// @param held what the task holds
  void waitsFor(String taken, List<String> held) {
    for (String each : held) {
      boolean isNew =
          !each.equals(taken) && later.computeIfAbsent(each, _ -> new LinkedHashSet<>()).add(taken);
      if (isNew && leads(taken, each)) {
        throw new Checks.InvariantBroken(
            "lock '"
                + taken
                + "' is taken while '"
                + each
                + "' is held, and the other way round: "
                + later);
      }
    }
  }

  private boolean leads(String from, String to) {
    Set<String> seen = new LinkedHashSet<>();
    Deque<String> open = new ArrayDeque<>(List.of(from));
    while (!open.isEmpty()) {
      String at = open.removeFirst();
      if (at.equals(to)) {
        return true;
      }
      if (seen.add(at)) {
        open.addAll(later.getOrDefault(at, Set.of()));
      }
    }
    return false;
  }
}
