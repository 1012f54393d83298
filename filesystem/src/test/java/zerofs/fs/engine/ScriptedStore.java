package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.SimulatedTasks;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters.Request;

/// One process's view of a store that others share: what else happens before or after one of its
/// requests is written down beforehand. A step runs once, on the task that makes the request, which
/// so is as slow as the history wants.
final class ScriptedStore implements ObjectStore {
  private final MemoryObjectStore memory;
  private final SimulatedTasks simulation;
  private final List<Point> points = new ArrayList<>();
  private final List<String> puts = new ArrayList<>();
  private int putsUnderWay;
  private int putsUnderWayMost;
  private long putNanos;

  /// What happens meanwhile; may throw what the request then throws.
  interface Step {
    void run() throws Exception;
  }

  private record Point(boolean before, Request request, String key, Step step) {}

  /// A request that waits to be let go.
  final class Held {
    private boolean released;

    void release() {
      released = true;
    }

    private void await() {
      while (!released) {
        simulation.sleep(1_000_000);
      }
    }
  }

  ScriptedStore(MemoryObjectStore memory, SimulatedTasks simulation) {
    this.memory = memory;
    this.simulation = simulation;
  }

  /// Before the next such request for the key (LIST: the prefix) is applied.
  void before(Request request, String key, Step step) {
    points.add(new Point(true, request, key, step));
  }

  /// After it was applied, before its answer arrives.
  void after(Request request, String key, Step step) {
    points.add(new Point(false, request, key, step));
  }

  /// Keeps the next PUT of the key on its way.
  Held hold(String key) {
    Held held = new Held();
    before(Request.PUT, key, held::await);
    return held;
  }

  /// The next PUT of the key is applied, its answer is lost.
  void loseReply(String key) {
    after(
        Request.PUT,
        key,
        () -> {
          throw new StorageException.OutcomeUnknown("the reply was lost");
        });
  }

  /// How long each PUT takes from now on.
  void putsTake(long nanos) {
    putNanos = nanos;
  }

  /// Most PUTs that were under way at a time.
  int putsUnderWayMost() {
    return putsUnderWayMost;
  }

  /// Keys that were created, in order.
  List<String> puts() {
    return puts;
  }

  private void run(boolean before, Request request, String key) throws StorageException {
    for (Point each : List.copyOf(points)) {
      if (each.before() == before
          && each.request() == request
          && each.key().equals(key)
          && points.remove(each)) {
        try {
          each.step().run();
        } catch (StorageException | RuntimeException e) {
          throw e;
        } catch (Exception e) {
          throw new AssertionError("a step of the history failed", e);
        }
      }
    }
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    run(true, Request.GET, key);
    Fetched fetched = memory.get(key, offset, length, cause);
    run(false, Request.GET, key);
    return fetched;
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    run(true, Request.GET, key);
    Fetched fetched = memory.getSuffix(key, length, cause);
    run(false, Request.GET, key);
    return fetched;
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    putsUnderWay++;
    putsUnderWayMost = Math.max(putsUnderWayMost, putsUnderWay);
    try {
      if (putNanos > 0) {
        simulation.sleep(putNanos);
      }
      run(true, Request.PUT, key);
      PutOutcome outcome = memory.put(key, body, cause);
      if (outcome == PutOutcome.CREATED) {
        puts.add(key);
      }
      run(false, Request.PUT, key);
      return outcome;
    } finally {
      putsUnderWay--;
    }
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    if (!key.startsWith("key/") && cause != Cause.SWEEP) {
      throw new AssertionError("this version deletes nothing else: " + key);
    }
    memory.delete(key, cause);
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    run(true, Request.LIST, prefix);
    List<Listed> listed = memory.list(prefix, startAfter, limit, cause);
    run(false, Request.LIST, prefix);
    return listed;
  }

  @Override
  public void close() {
    memory.close();
  }
}
