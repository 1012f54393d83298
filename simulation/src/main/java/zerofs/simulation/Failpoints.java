package zerofs.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;

/// Kinds of requests, each a place to end at, before it is applied or after; the next one is left
/// to chance. Who has reached it goes no further. docs/TESTING.md says what holds at each.
final class Failpoints implements RequestWatcher {
  private static final long FOR_EVER_NANOS = Long.MAX_VALUE / 4;
  private static final int REQUESTS_MAX = 60;
  private static final Pattern NUMBER = Pattern.compile("[0-9a-f]*[0-9][0-9a-f]*");

  private final Tasks tasks;
  private final SplittableRandom random;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;

  /// Kinds that were seen, in order.
  private final List<String> kinds = new ArrayList<>();

  private final Map<String, Long> reached = new TreeMap<>();

  /// What it waits for: a kind, or any when null.
  private @Nullable String wanted;

  private boolean wantsAfter;

  /// So many of those come before it; negative when it waits for none.
  private int countdown = -1;

  private boolean isReached;
  private boolean isOver;

  Failpoints(SimulatedTasks simulation, SplittableRandom random) {
    this.tasks = simulation.group("failpoints");
    this.random = random;
    this.mutex = tasks.newMutex("failpoints");
    this.changed = mutex.newSignal();
  }

  /// Chooses the next one: half of the time any request, else a kind that may be rare.
  void arm() {
    boolean any = kinds.isEmpty() || random.nextBoolean();
    wanted = any ? null : kinds.get(random.nextInt(kinds.size()));
    wantsAfter = random.nextBoolean();
    countdown = any ? random.nextInt(REQUESTS_MAX) : random.nextInt(2);
    isReached = false;
  }

  void disarm() {
    countdown = -1;
    isReached = false;
  }

  boolean isArmed() {
    return countdown >= 0;
  }

  /// What a request is one of: its name without numbers.
  private static String kind(String name) {
    return NUMBER.matcher(name).replaceAll("#");
  }

  @Override
  public int begin(String name, boolean changes) {
    String kind = kind(name);
    int number = kinds.indexOf(kind);
    if (number < 0) {
      number = kinds.size();
      kinds.add(kind);
    }
    if (!wantsAfter || !changes) {
      pass(kind, "before ");
    }
    return number;
  }

  @Override
  public void end(int number) {
    if (wantsAfter) {
      pass(kinds.get(number), "after ");
    }
  }

  private void pass(String kind, String when) {
    if (countdown < 0 || isReached || (wanted != null && !wanted.equals(kind))) {
      return;
    }
    if (countdown > 0) {
      countdown--;
      return;
    }
    reached.merge(when + kind, 1L, Long::sum);
    isReached = true;
    tell();
    tasks.sleep(FOR_EVER_NANOS);
  }

  private void tell() {
    mutex.lock();
    try {
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  /// Runs a part in a task of `group`.
  ///
  /// @return whether it came to its end; else a failpoint was reached before
  boolean passedBy(Tasks group, Runnable part) {
    isOver = false;
    group.fork(
        "client",
        Tasks.Kind.WAITING,
        () -> {
          part.run();
          isOver = true;
          tell();
        });
    mutex.lock();
    try {
      while (!isOver && !isReached) {
        changed.await();
      }
      return !isReached;
    } finally {
      mutex.unlock();
    }
  }

  /// How often each was reached.
  Map<String, Long> reached() {
    return reached;
  }
}
