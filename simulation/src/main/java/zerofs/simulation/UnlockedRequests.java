package zerofs.simulation;

import java.util.List;
import java.util.Set;
import zerofs.base.SimulatedTasks;

/// Sees to it that nobody asks a store or a disk while he holds a lock: who wants that lock would
/// wait for an hour of outage (docs/LOCKING.md).
final class UnlockedRequests implements RequestWatcher {
  /// Locks that only those wait for who are about to ask the store, too.
  private static final Set<String> ALLOWED = Set.of("look at the log", "maintenance work");

  private final RequestWatcher next;
  private final SimulatedTasks simulation;

  UnlockedRequests(RequestWatcher next, SimulatedTasks simulation) {
    this.next = next;
    this.simulation = simulation;
  }

  @Override
  public int begin(String name, boolean changes) {
    List<String> held = simulation.heldLocks();
    if (!ALLOWED.containsAll(held)) {
      throw new IllegalStateException(name + " is asked for while locks are held: " + held);
    }
    return next.begin(name, changes);
  }

  @Override
  public void end(int number) {
    next.end(number);
  }
}
