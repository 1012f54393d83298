package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.SeededRandomness;
import zerofs.base.Tasks;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.RetryingObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;

/// Two machines, each with a journal, take a volume over from each other under load, at random
/// moments, while up to four PUTs are in flight, replies are lost and PUTs arrive late. The old
/// writer sleeps and wakes late, is cut off from the store, is killed, or goes on beside the new
/// one.
///
/// What must hold (docs/DURABILITY.md): nothing answered in class `store` is lost, and the old
/// writer answers nothing more in it; in class `journal` it answers for a minute at most; each file
/// is what it was at the sequence where the new writer goes on; the new epoch says that a loss is
/// possible; and the old machine's journal is set aside when it comes back, never replayed.
///
/// Long runs: `-Dzerofs.histories=50`.
class TakeoverSimulationTest {
  private static final int CLIENTS = 8;
  private static final int TAKEOVERS = 5;
  private static final long MINUTE_NANOS = 60_000_000_000L;

  /// What was seen in all histories, so that none of it is missing by chance.
  private static final class Seen {
    private int takeovers;
    private int answers;
    private int asleep;
    private int cutOff;
    private int setAside;
    private int refused;
    private int failedStarts;
    private int inFlight;
    private long lostAnswers;
  }

  /// The way of one machine to the store.
  private static final class Link implements FaultyObjectStore.Plan {
    private final SimulatedFixture fixture;
    private final Random random;
    private boolean cutOff;

    Link(SimulatedFixture fixture, Random random) {
      this.fixture = fixture;
      this.random = random;
    }

    @Override
    public Fault next(StoreCounters.Request request, String key, ObjectStore.Cause cause) {
      fixture.simulation.sleep(1 + random.nextInt(8_000_000));
      if (cutOff) {
        return Fault.BUSY;
      }
      if (request != StoreCounters.Request.PUT) {
        return Fault.NONE;
      }
      return switch (random.nextInt(30)) {
        case 0 -> Fault.LATE;
        case 1 -> Fault.REPLY_LOST;
        case 2 -> Fault.LOST;
        case 3 -> Fault.BUSY;
        default -> Fault.NONE;
      };
    }

    @Override
    public long lateness() {
      return 1L + random.nextInt(60_000_000);
    }
  }

  /// A process that writes, and what it told.
  private static final class Writer {
    private final SimulatedFixture fixture;
    private final SimulatedMachine machine;
    private final String name;
    private final Link link;
    private final Volume volume;
    private List<FileClient> clients = List.of();
    private long stored;

    Writer(SimulatedFixture fixture, SimulatedMachine machine, String name, Random random)
        throws StorageException {
      this.fixture = fixture;
      this.machine = machine;
      this.name = name;
      this.link = new Link(fixture, new Random(random.nextLong()));
      Tasks tasks = fixture.simulation.group(name);
      ObjectStore store =
          new RetryingObjectStore(
              new FaultyObjectStore(fixture.memory, fixture.simulation.group("network"), link),
              tasks,
              new SeededRandomness(random.nextLong()),
              new RetryingObjectStore.Settings(1_000_000L, 20_000_000L, 500_000_000L));
      volume = fixture.open(name, store, machine.journaling(fixture.secrets, tasks, true));
    }

    void work(List<FileClient> with, Random random) {
      clients = with;
      Tasks tasks = fixture.simulation.group(name);
      for (FileClient each : with) {
        tasks.fork("client", Tasks.Kind.WAITING, fixture.unchecked(each::work));
      }
      for (int i = 0; i < 3; i++) {
        long seed = random.nextLong();
        tasks.fork(
            "barriers", Tasks.Kind.WAITING, fixture.unchecked(() -> barriers(new Random(seed))));
      }
    }

    private void barriers(Random random) throws FsException {
      while (true) {
        fixture.simulation.sleep(random.nextInt(4_000_000));
        long sequence = volume.committedSequence();
        try {
          volume.barrier(sequence);
        } catch (FsException e) {
          if (e.error() == FsError.CLOSED) {
            return;
          }
          throw e;
        }
        stored = Math.max(stored, sequence);
      }
    }

    long lastSyncedNanos(long sequence) {
      return clients.stream().mapToLong(each -> each.lastSyncedNanos(sequence)).max().orElse(0);
    }

    void kill() {
      fixture.simulation.kill(name);
      machine.crash();
    }
  }

  private final Seen seen = new Seen();

  private void history(long seed) {
    SimulatedFixture fixture = new SimulatedFixture(seed);
    fixture.slabBytes = 6 << 20;
    fixture.flushObjects = 6;
    Random random = new Random(seed);
    SimulatedMachine[] machines = {new SimulatedMachine(seed), new SimulatedMachine(seed + 1000)};
    fixture.simulate(
        () -> {
          Writer old = started(fixture, machines[0], "writer 0", random);
          List<FileClient> clients = new ArrayList<>();
          for (int i = 0; i < CLIENTS; i++) {
            clients.add(new FileClient(fixture.simulation, old.volume, seed, i));
          }
          old.volume.barrier(old.volume.committedSequence());
          for (int i = 1; i <= TAKEOVERS; i++) {
            old.work(clients, random);
            fixture.simulation.sleep(random.nextInt(120_000_000));
            String which = "seed " + seed + " takeover " + i;
            Writer next = takenOver(fixture, old, machines[i % 2], "writer " + i, random, which);
            next.volume.recountSpace();
            clients = new ArrayList<>();
            for (FileClient each : old.clients) {
              clients.add(
                  each.resumed(
                      next.volume, next.volume.recoveredSequence(), new Random(random.nextLong())));
            }
            aftermath(fixture, old, next, random, which);
            old = next;
          }
          old.volume.close();
        });
  }

  private Writer takenOver(
      SimulatedFixture fixture,
      Writer old,
      SimulatedMachine machine,
      String name,
      Random random,
      String which) {
    seen.inFlight = Math.max(seen.inFlight, old.volume.generationsInMemory() - 1);
    switch (random.nextInt(4)) {
      case 0 -> {
        fixture.simulation.suspend(old.name);
        seen.asleep++;
      }
      case 1 -> {
        old.link.cutOff = true;
        seen.cutOff++;
      }
      case 2 -> fixture.simulation.kill(old.name);
      default -> {} // It goes on beside the next one.
    }
    long before = old.stored;
    Writer next = started(fixture, machine, name, random);
    seen.takeovers++;
    assertThat(next.volume.recoveredSequence())
        .as(which + ": what was stored")
        .isGreaterThanOrEqualTo(before);
    assertThat(next.volume.replayedCommits()).as(which + ": another history's changes").isZero();
    assertThat(next.volume.lossEpoch()).as(which).isEqualTo(next.volume.epoch());
    seen.setAside += next.volume.journalsSetAside().size();
    return next;
  }

  /// A start to which the store does not answer ends, and its service manager tries again; also
  /// when the claim of the one before arrives late, and wins over this one's.
  private Writer started(
      SimulatedFixture fixture, SimulatedMachine machine, String name, Random random) {
    for (int i = 0; ; i++) {
      String process = name + " start " + i;
      try {
        return new Writer(fixture, machine, process, random);
      } catch (StorageException.OutcomeUnknown
          | StorageException.Unavailable
          | StorageException.Fenced e) {
        assertThat(e instanceof StorageException.Fenced && i == 0)
            .as(process + " lost to a start before it, and there was none")
            .isFalse();
        fixture.simulation.kill(process);
        machine.crash();
        seen.failedStarts++;
      } catch (StorageException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /// The old writer wakes, or its network is back: it stores nothing more, and answers for a minute
  /// at most. Then its machine comes back and has nothing to say.
  private void aftermath(
      SimulatedFixture fixture, Writer old, Writer next, Random random, String which)
      throws FsException {
    long recovered = next.volume.recoveredSequence();
    long takenNanos = fixture.simulation.nanoTime();
    fixture.simulation.sleep(random.nextInt(2) * (MINUTE_NANOS + 10_000_000_000L));
    fixture.simulation.resume(old.name);
    fixture.simulation.sleep(random.nextInt(2) * 200_000_000L);
    old.link.cutOff = false;
    fixture.simulation.sleep(2_000_000_000L);
    assertThat(old.stored).as(which + ": stored by the old writer").isLessThanOrEqualTo(recovered);
    assertThat(old.lastSyncedNanos(recovered) - takenNanos)
        .as(which + ": the old writer's last answer of class journal")
        .isLessThanOrEqualTo(MINUTE_NANOS);
    for (FileClient each : old.clients) {
      seen.answers += each.answers();
      seen.lostAnswers += each.lastAnswered() > recovered ? 1 : 0;
    }
    old.kill();
    next.volume.barrier(next.volume.committedSequence());
    String again = "again " + old.name;
    assertThatThrownBy(
            () ->
                fixture.open(
                    again,
                    fixture.memory,
                    old.machine.journaling(fixture.secrets, fixture.simulation.group(again))))
        .as(which + ": the old machine's service manager")
        .isInstanceOf(StorageException.Invalid.class)
        .hasMessageContaining("--takeover");
    fixture.simulation.kill(again);
    old.machine.crash();
    seen.refused++;
    next.volume.barrier(next.volume.committedSequence()); // It was not fenced by that.
  }

  @Test
  void nothingStoredIsLostAndNothingDivergesHoweverOftenOthersTakeOver() {
    int histories = Integer.getInteger("zerofs.histories", 4);
    for (long seed = 1; seed <= histories; seed++) {
      history(seed);
    }
    System.out.printf(
        "histories %d, takeovers %d under %d writers (old one asleep %d, cut off %d), generations"
            + " in flight up to %d, answers %d, clients that lost some of class journal or memory"
            + " %d, journals set aside %d, refused returns %d, starts that failed %d, violations"
            + " 0%n",
        histories,
        seen.takeovers,
        CLIENTS,
        seen.asleep,
        seen.cutOff,
        seen.inFlight,
        seen.answers,
        seen.lostAnswers,
        seen.setAside,
        seen.refused,
        seen.failedStarts);
    assertThat(seen.takeovers).isEqualTo(histories * TAKEOVERS);
    assertThat(seen.asleep).isPositive();
    assertThat(seen.cutOff).isPositive();
    assertThat(seen.lostAnswers).isPositive();
    assertThat(seen.setAside).isPositive();
    assertThat(seen.inFlight).isGreaterThanOrEqualTo(4);
  }
}
