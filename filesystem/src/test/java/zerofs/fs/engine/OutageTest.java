package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.HedgedObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.RetryingObjectStore;
import zerofs.objectstore.StoreCounters;

/// A store that is gone for an hour of simulated time, in each way in which one can be, under
/// clients that write, cut, read and sync in memory that is too small for their files: none is told
/// anything but to come later, who waits for the store has his answer within seconds of its return,
/// and every byte is as it was written.
class OutageTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long HOUR = 3600 * SECOND;
  private static final long SOON = 5 * SECOND;
  private static final int CLIENTS = 4;

  /// How long one request takes of a store that is slow.
  private static final long SLOW = 30 * SECOND;

  /// Until a request that hangs is broken off after the store's return (docs/adr/0014).
  private static final long BREAKING_OFF = 2 * SECOND;

  /// What is wrong with the store.
  enum Trouble {
    /// Connections are refused, names are unknown, or it answers 503.
    AWAY,
    /// What is sent is never answered; half of the PUTs were applied.
    HANGING,
    /// Every request takes 30 seconds.
    SLOW,
    /// Credentials have expired.
    REFUSED
  }

  private static final class Weather implements FaultyObjectStore.Plan {
    private final SimulatedTasks simulation;
    private final Trouble trouble;
    private boolean isBad;
    private long returned;
    private int hung;

    Weather(SimulatedTasks simulation, Trouble trouble) {
      this.simulation = simulation;
      this.trouble = trouble;
    }

    @Override
    public Fault next(StoreCounters.Request request, String key, ObjectStore.Cause cause) {
      if (!isBad) {
        simulation.sleep(SimulatedFixture.LATENCY_NANOS);
        return Fault.NONE;
      }
      return switch (trouble) {
        case AWAY -> Fault.BUSY;
        case REFUSED -> Fault.REFUSED;
        case HANGING -> hang(Long.MAX_VALUE);
        case SLOW -> hang(SLOW);
      };
    }

    private Fault hang(long nanos) {
      long started = simulation.nanoTime();
      while (isBad || simulation.nanoTime() - returned < BREAKING_OFF) {
        if (simulation.nanoTime() - started >= nanos) {
          return Fault.NONE;
        }
        simulation.sleep(SECOND / 2);
      }
      return hung++ % 2 == 0 ? Fault.LOST : Fault.REPLY_LOST;
    }

    @Override
    public long lateness() {
      return 1;
    }
  }

  /// Each trouble once, every other one with a journal; with `-Dzerofs.histories=N` all of both, N
  /// seeds each.
  static Stream<Arguments> outages() {
    int histories = Integer.getInteger("zerofs.histories", 0);
    List<Arguments> outages = new ArrayList<>();
    for (Trouble each : Trouble.values()) {
      for (int seed = 1; seed <= histories; seed++) {
        outages.add(Arguments.of(each, false, seed));
        outages.add(Arguments.of(each, true, seed));
      }
      if (histories == 0) {
        outages.add(Arguments.of(each, outages.size() % 2 == 0, 1));
      }
    }
    return outages.stream();
  }

  @ParameterizedTest
  @MethodSource("outages")
  void anHourWithoutTheStoreIsOnlyWaitedFor(Trouble trouble, boolean withJournal, int seed) {
    SimulatedFixture fixture = new SimulatedFixture(seed);
    SimulatedTasks simulation = fixture.simulation;
    fixture.machine = withJournal ? new SimulatedMachine(seed) : null;
    fixture.slabBytes = 6 << 20;
    fixture.flushObjects = 6;
    fixture.sealNanos = 5 * SECOND;
    fixture.simulate(
        () -> {
          Weather weather = new Weather(simulation, trouble);
          Volume volume = open(fixture, weather);
          Tasks process = simulation.group("p");
          List<FileClient> clients = new ArrayList<>();
          for (int i = 0; i < CLIENTS; i++) {
            clients.add(new FileClient(simulation, volume, seed, i));
          }
          for (FileClient each : clients) {
            process.fork("client", Tasks.Kind.WAITING, fixture.unchecked(each::work));
          }
          simulation.sleep(SECOND);
          int before = answers(clients);
          assertThat(before).as("answers before the outage").isGreaterThan(100);
          clients.forEach(each -> each.pauseNanosMax = (int) (2 * SECOND));
          weather.isBad = true;
          List<Long> stored = new ArrayList<>();
          process.fork(
              "barrier",
              Tasks.Kind.WAITING,
              fixture.unchecked(
                  () -> {
                    simulation.sleep(HOUR / 2);
                    while (simulation.nanoTime() < HOUR + 2 * SECOND) {
                      volume.barrier(volume.committedSequence());
                      stored.add(simulation.nanoTime());
                      simulation.sleep(SECOND / 10);
                    }
                  }));
          simulation.sleep(HOUR);
          assertThat(fixture.deposed).isZero();
          assertThat(answers(clients)).as("answers at the end of the outage").isGreaterThan(before);
          weather.isBad = false;
          weather.returned = simulation.nanoTime();
          simulation.sleep(SOON);
          assertThat(stored).as("barriers that ended after the return").isNotEmpty();
          assertThat(stored.getLast()).isGreaterThan(weather.returned);
          long first =
              stored.stream().filter(at -> at >= weather.returned).findFirst().orElseThrow();
          assertThat(first - weather.returned).as("the first, after").isLessThanOrEqualTo(SOON);
          for (FileClient each : clients) {
            assertThat(each.answeredNanos).as("a client's answer").isGreaterThan(weather.returned);
          }
          volume.close();
          if (fixture.machine != null) {
            fixture.machine.crash(); // Its files are closed.
          }
          Volume again = fixture.open("q");
          again.recountSpace();
          for (FileClient each : clients) {
            each.checkRecovered(again, again.recoveredSequence());
          }
          assertThat(again.getattr(root(), Volume.ROOT).nlink()).isEqualTo(2);
          again.close();
        });
  }

  private static int answers(List<FileClient> clients) {
    return clients.stream().mapToInt(FileClient::answers).sum();
  }

  /// With all that lies between the engine and a store in a server.
  private static Volume open(SimulatedFixture fixture, Weather weather)
      throws zerofs.objectstore.StorageException {
    SimulatedTasks simulation = fixture.simulation;
    Tasks process = simulation.group("p");
    ObjectStore bucket =
        new FaultyObjectStore(fixture.memory, simulation.group("network"), weather);
    ObjectStore hedged =
        new HedgedObjectStore(bucket, process, HedgedObjectStore.Settings.standard(5));
    ObjectStore store =
        new RetryingObjectStore(
            hedged, process, new SeededRandomness(1), RetryingObjectStore.Settings.standard());
    SimulatedMachine machine = fixture.machine;
    return fixture.open(
        "p",
        store,
        machine == null ? Journaling.NONE : machine.journaling(fixture.secrets, process));
  }
}
