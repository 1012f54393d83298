package zerofs.simulation;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;

/// The way from a process to the store. Requests take a while; what is on it when the process ends
/// is lost, or arrives later.
final class Wire implements ObjectStore {
  private static final long LATENCY_NANOS = 2_000_000L;
  private static final long LATE_NANOS = 30_000_000L;

  private final MemoryObjectStore store;
  private final Tasks network;
  private final RequestWatcher points;
  private final SplittableRandom random;
  private boolean isCut;

  Wire(
      MemoryObjectStore store,
      SimulatedTasks simulation,
      RequestWatcher points,
      SplittableRandom random) {
    this.store = store;
    this.network = simulation.group("network");
    this.points = points;
    this.random = random;
  }

  /// The process at its end is gone.
  void cut() {
    isCut = true;
  }

  private void travel() {
    network.sleep(1 + random.nextLong(LATENCY_NANOS));
  }

  private void asks(String what) {
    points.begin(what, false);
    travel();
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause) {
    asks("GET " + key);
    return store.get(key, offset, length, cause);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) {
    asks("GET " + key);
    return store.getSuffix(key, length, cause);
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause) {
    asks("LIST " + prefix);
    return store.list(prefix, startAfter, limit, cause);
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) {
    int number = points.begin("PUT " + key, true);
    Flight flight = new Flight(key, bytes(body), cause);
    network.fork("put", Tasks.Kind.WAITING, flight::travel);
    PutOutcome outcome = flight.await();
    points.end(number);
    return outcome;
  }

  private static byte[] bytes(Body body) {
    ByteBuffer all = ByteBuffer.allocate(Math.toIntExact(body.bytes()));
    body.parts().forEach(part -> all.put(part.duplicate()));
    return all.array();
  }

  /// A PUT on its way.
  private final class Flight {
    private final String key;
    private final byte[] bytes;
    private final Cause cause;
    private final Tasks.Mutex mutex = network.newMutex("flight");
    private final Tasks.Signal landed = mutex.newSignal();
    private @Nullable PutOutcome outcome;

    Flight(String key, byte[] bytes, Cause cause) {
      this.key = key;
      this.bytes = bytes;
      this.cause = cause;
    }

    void travel() {
      Wire.this.travel();
      if (isCut) {
        if (random.nextBoolean()) {
          return;
        }
        network.sleep(1 + random.nextLong(LATE_NANOS));
      }
      PutOutcome answer = store.put(key, Body.of(bytes), cause);
      Wire.this.travel();
      mutex.lock();
      try {
        outcome = answer;
        landed.signalAll();
      } finally {
        mutex.unlock();
      }
    }

    PutOutcome await() {
      mutex.lock();
      try {
        while (outcome == null) {
          landed.await();
        }
        return Objects.requireNonNull(outcome);
      } finally {
        mutex.unlock();
      }
    }
  }

  @Override
  public void delete(String key, Cause cause) {
    int number = points.begin("DELETE " + key, true);
    travel();
    store.delete(key, cause);
    points.end(number);
  }

  @Override
  public void close() {
    // The store outlives it.
  }
}
