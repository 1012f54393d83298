package zerofs.simulation;

import java.util.ArrayList;
import java.util.List;
import zerofs.base.SimulatedTasks;

/// Requests to store and disk, each of which is a place to crash at: before it is applied, or after
/// it, when its answer has not come. Who has reached the place goes no further.
final class CrashPoints implements RequestWatcher {
  private static final long FOR_EVER_NANOS = Long.MAX_VALUE / 4;

  private final SimulatedTasks simulation;
  private final int at;
  private final boolean after;
  private final List<Request> requests = new ArrayList<>();
  private boolean counts;
  private boolean reached;

  /// @param changes whether it changes what store or disk have
  record Request(String name, boolean changes) {}

  /// @param at number of the request to crash at; negative = none
  /// @param after whether that is applied
  CrashPoints(SimulatedTasks simulation, int at, boolean after) {
    this.simulation = simulation;
    this.at = at;
    this.after = after;
  }

  /// From now on requests count; until now none did.
  void arm() {
    counts = true;
  }

  /// From now on none does.
  void disarm() {
    counts = false;
  }

  /// @return its number; negative when it does not count
  @Override
  public int begin(String name, boolean changes) {
    if (!counts) {
      return -1;
    }
    int number = requests.size();
    requests.add(new Request(name, changes));
    if (number == at && !after) {
      stay();
    }
    return number;
  }

  @Override
  public void end(int number) {
    if (number >= 0 && number == at && after) {
      stay();
    }
  }

  private void stay() {
    reached = true;
    simulation.sleep(FOR_EVER_NANOS);
  }

  boolean isReached() {
    return reached;
  }

  /// Those that counted.
  List<Request> requests() {
    return requests;
  }
}
