package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Files against byte arrays while generations are in flight: clients write, cut and read, each its
/// own file, in so little memory that pages leave it, beside barriers, flushes and a store that
/// takes its time and is away now and then; then the process is killed. What the next one finds is
/// each file as it was at the sequence where the recovered history ends.
///
/// Long runs: `-Dzerofs.histories=200`.
class FileSimulationTest {
  private static final int CLIENTS = 3;
  private static final int CLIENTS_WITH_JOURNAL = 8;
  private static final AtomicLong REPLAYED = new AtomicLong();

  /// How a process ends.
  private enum End {
    /// Killed; it has no journal.
    KILLED,
    /// Killed, with a journal, and so are a few that begin to replay it.
    KILLED_WITH_JOURNAL,
    /// With its machine's power, with a journal.
    POWER_CUT
  }

  /// What clients do before that.
  private enum Load {
    /// Writes of all sizes, beside barriers.
    MIXED,
    /// Large writes without barriers: bulk leaves early.
    BULK
  }

  private static final AtomicLong DATA_SEGMENTS = new AtomicLong();
  private static final AtomicLong ACCOUNTED = new AtomicLong();

  private int history(long seed) {
    return history(seed, End.KILLED, Load.MIXED);
  }

  private int history(long seed, End end, Load load) {
    SimulatedFixture fixture = new SimulatedFixture(seed);
    fixture.machine = end == End.KILLED ? null : new SimulatedMachine(seed);
    fixture.slabBytes = 6 << 20;
    fixture.flushObjects = 6;
    Random random = new Random(seed);
    if (load == Load.BULK) {
      fixture.workers = 1 + random.nextInt(3);
      fixture.logNanos = random.nextInt(30_000_000);
    }
    int[] answers = {0};
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          Tasks process = fixture.simulation.group("p");
          List<FileClient> clients = new ArrayList<>();
          for (int i = 0; i < (end == End.KILLED ? CLIENTS : CLIENTS_WITH_JOURNAL); i++) {
            clients.add(new FileClient(fixture.simulation, volume, seed, i));
          }
          volume.barrier(volume.committedSequence());
          for (FileClient each : clients) {
            each.writesBulk = load == Load.BULK;
            each.syncs = load == Load.MIXED || fixture.machine != null;
          }
          if (load == Load.BULK) {
            fixture.simulation.sleep(Backlog.BARRIERS_NANOS + 1);
          }
          for (FileClient each : clients) {
            process.fork("client", Tasks.Kind.WAITING, fixture.unchecked(each::work));
          }
          if (load == Load.MIXED) {
            process.fork(
                "barriers",
                Tasks.Kind.WAITING,
                fixture.unchecked(
                    () -> {
                      while (true) {
                        fixture.simulation.sleep(random.nextInt(4_000_000));
                        volume.barrier(volume.committedSequence());
                      }
                    }));
          }
          for (int i = 0; i < 6; i++) {
            fixture.simulation.sleep(20_000_000 + random.nextInt(20_000_000));
            fixture.away = !fixture.away;
          }
          if (load == Load.BULK && random.nextInt(3) == 0) {
            volume.barrier(volume.committedSequence()); // In the middle of it.
          }
          fixture.simulation.kill("p");
          fixture.away = false;
          DATA_SEGMENTS.addAndGet(fixture.memory.list("data/", "", 10_000, Cause.ADMIN).size());
          ended(fixture, end, random);
          answers[0] = checked(fixture, end, clients, seed);
        });
    return answers[0];
  }

  /// @return answers that clients had
  private static int checked(SimulatedFixture fixture, End end, List<FileClient> clients, long seed)
      throws FsException, StorageException {
    int answers = 0;
    Volume again = fixture.open("q");
    long allocated = 0;
    long promised = 0;
    for (FileClient each : clients) {
      long answered = end == End.KILLED_WITH_JOURNAL ? each.lastAnswered() : each.synced();
      promised = Math.max(promised, answered);
    }
    assertThat(again.recoveredSequence()).as("seed " + seed).isGreaterThanOrEqualTo(promised);
    REPLAYED.addAndGet(again.replayedCommits());
    again.recountSpace();
    for (FileClient each : clients) {
      allocated += each.checkRecovered(again, again.recoveredSequence());
      answers += each.answers();
    }
    assertThat(again.statfs(root()).bytesUsed()).as("seed " + seed).isEqualTo(allocated);
    again.barrier(again.committedSequence());
    ACCOUNTED.addAndGet(SegmentAccounts.check(again, "seed " + seed));
    again.close();
    return answers;
  }

  private static void ended(SimulatedFixture fixture, End end, Random random) {
    SimulatedMachine machine = fixture.machine;
    if (machine == null) {
      return;
    }
    for (int i = random.nextInt(3); i >= 0; i--) {
      if (end == End.POWER_CUT) {
        machine.cutPower();
      } else {
        machine.crash();
      }
      String starting = "starting" + i;
      fixture
          .simulation
          .group(starting)
          .fork("start", Tasks.Kind.WAITING, fixture.unchecked(() -> fixture.open(starting)));
      fixture.simulation.sleep(random.nextInt(25_000_000));
      fixture.simulation.kill(starting);
    }
    machine.crash();
  }

  private void histories(long firstSeed, End end, Load load) {
    REPLAYED.set(0);
    DATA_SEGMENTS.set(0);
    ACCOUNTED.set(0);
    int answers = 0;
    int histories = Integer.getInteger("zerofs.histories", 4);
    for (long seed = firstSeed; seed < firstSeed + histories; seed++) {
      answers += history(seed, end, load);
    }
    if (end != End.KILLED) {
      assertThat(REPLAYED.get()).as("commits that only the journal had").isGreaterThan(100);
    }
    if (load == Load.BULK) {
      assertThat(DATA_SEGMENTS.get()).as("bulk left early").isGreaterThan(10L * histories);
    }
    assertThat(ACCOUNTED.get()).as("objects with file data").isPositive();
    System.out.printf(
        "%s, %s: histories %d, %d writers each, answers %d, replayed commits %d,"
            + " data segments %d, violations 0%n",
        end,
        load,
        histories,
        end == End.KILLED ? CLIENTS : CLIENTS_WITH_JOURNAL,
        answers,
        REPLAYED.get(),
        DATA_SEGMENTS.get());
  }

  @Test
  void withAJournalNothingAnsweredIsLostByAKill() {
    histories(101, End.KILLED_WITH_JOURNAL, Load.MIXED);
  }

  @Test
  void withAJournalNothingSyncedIsLostByAPowerCut() {
    histories(1001, End.POWER_CUT, Load.MIXED);
  }

  @Test
  void bulkThatLeavesEarlyIsWhatWasWritten() {
    histories(2001, End.KILLED, Load.BULK);
  }

  @Test
  void bulkThatLeavesEarlyIsReplayedAfterAKill() {
    histories(3001, End.KILLED_WITH_JOURNAL, Load.BULK);
  }

  /// Two reads of several extents once took each other's pages, for ever and without time passing.
  @Test
  void readsAreAnsweredWhileNearlyAllMemoryIsDirty() {
    assertThat(history(3054, End.KILLED_WITH_JOURNAL, Load.BULK)).isPositive();
  }

  @Test
  void bulkThatLeavesEarlySurvivesAPowerCut() {
    histories(4001, End.POWER_CUT, Load.BULK);
  }

  @Test
  void filesAreWhatWasWrittenWhileGenerationsAreInFlight() {
    int answers = 0;
    for (long seed = 1; seed <= 12; seed++) {
      answers += history(seed);
    }
    assertThat(answers).as("the histories did something").isGreaterThan(1000);
  }
}
