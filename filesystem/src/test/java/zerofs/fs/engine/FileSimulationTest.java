package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;

/// Files against byte arrays while generations are in flight: clients write, cut and read, each its
/// own file, in so little memory that pages leave it, beside barriers, flushes and a store that
/// takes its time and is away now and then; then the process is killed. What the next one finds is
/// each file as it was at the sequence where the recovered history ends.
///
/// Offsets prefer the edges of extents and chunks.
class FileSimulationTest {
  private static final int EXTENT = Inode.EXTENT_BYTES;
  private static final int SIZE_MAX = 5_000_000;
  private static final int CLIENTS = 3;
  private static final AtomicLong REPLAYED = new AtomicLong();

  /// A change that was made, or is under way.
  ///
  /// @param data null = a change of size to `offset`
  private record Change(int offset, byte @Nullable [] data) {
    void apply(Model model) {
      if (data == null) {
        model.resize(offset);
      } else {
        model.write(offset, data);
      }
    }
  }

  private record Committed(long sequence, Change change) {}

  /// What a file holds.
  private static final class Model {
    private byte[] bytes = new byte[0];
    private final boolean[] extents = new boolean[SIZE_MAX / EXTENT + 2];

    void write(int offset, byte[] data) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length, offset + data.length));
      System.arraycopy(data, 0, bytes, offset, data.length);
      Arrays.fill(extents, offset / EXTENT, (offset + data.length - 1) / EXTENT + 1, true);
    }

    void resize(int size) {
      bytes = Arrays.copyOf(bytes, size);
      Arrays.fill(extents, (int) Inode.extentsOf(size), extents.length, false);
    }

    long allocated() {
      long count = 0;
      for (boolean each : extents) {
        count += each ? 1 : 0;
      }
      return Inode.allocated(count, bytes.length);
    }
  }

  /// One client and its file.
  private static final class Client {
    private final SimulatedFixture fixture;
    private final Volume volume;
    private final String what;
    private final long file;
    private final Random random;
    private final Model model = new Model();
    private final List<Committed> history = new ArrayList<>();
    private @Nullable Change underWay;
    private int answers;
    private long synced;

    Client(SimulatedFixture fixture, Volume volume, long seed, int number) throws FsException {
      this.fixture = fixture;
      this.volume = volume;
      this.what = "seed " + seed + " client " + number;
      this.random = new Random(seed * 31 + number);
      this.file =
          volume
              .create(
                  root(), Filesystem.ROOT, Name.of("file" + number), 0644, true, SetAttributes.NONE)
              .inode();
    }

    void work() throws FsException {
      while (true) {
        int kind = random.nextInt(10);
        if (kind < 4) {
          byte[] data = new byte[length()];
          random.nextBytes(data);
          change(new Change(Math.min(offset(), SIZE_MAX - data.length), data));
        } else if (kind < 6) {
          change(new Change(random.nextInt(6) == 0 ? 0 : offset(), null));
        } else {
          read();
        }
        if (random.nextInt(3) == 0) {
          fixture.simulation.sleep(random.nextInt(3_000_000));
        }
      }
    }

    private int length() {
      return switch (random.nextInt(4)) {
        case 0 -> 1 + random.nextInt(200_000);
        case 1 -> EXTENT;
        default -> 1 + random.nextInt(5000);
      };
    }

    private int offset() {
      int edge = random.nextInt(2) == 0 ? EXTENT : (int) Files.CHUNK_BYTES;
      int near = (1 + random.nextInt(SIZE_MAX / edge)) * edge - 6000 + random.nextInt(8000);
      return switch (random.nextInt(4)) {
        case 0 -> random.nextInt(SIZE_MAX);
        case 1 -> model.bytes.length;
        case 2 -> random.nextInt(model.bytes.length + 1);
        default -> Math.clamp(near, 0, SIZE_MAX);
      };
    }

    private void change(Change change) throws FsException {
      Call call = root();
      underWay = change;
      byte[] data = change.data();
      Attributes after =
          data == null
              ? volume.setattr(call, file, SetAttributes.ofSize(change.offset()))
              : volume.write(call, file, change.offset(), ByteBuffer.wrap(data));
      underWay = null;
      history.add(new Committed(call.sequence(), change));
      if (random.nextInt(8) == 0) {
        volume.journalBarrier(call.sequence());
        synced = call.sequence();
      }
      change.apply(model);
      assertThat(after.size()).as(what).isEqualTo(model.bytes.length);
      assertThat(after.allocatedBytes()).as(what).isEqualTo(model.allocated());
      answers++;
    }

    private void read() throws FsException {
      int offset = random.nextInt(3) == 0 ? offset() : random.nextInt(model.bytes.length + 1);
      int length = random.nextInt(random.nextBoolean() ? 5000 : 300_000);
      check(volume, model, offset, length, what + " after " + history.size());
      answers++;
    }

    private void check(Volume from, Model expected, int offset, int length, String which)
        throws FsException {
      ByteBuffer target = ByteBuffer.allocate(length);
      from.read(root(), file, offset, target);
      int end = Math.min(expected.bytes.length, offset + length);
      byte[] bytes = offset >= end ? new byte[0] : Arrays.copyOfRange(expected.bytes, offset, end);
      byte[] got = Arrays.copyOf(target.array(), target.position());
      assertThat(Arrays.mismatch(bytes, got))
          .as("%s: first wrong byte, offset=%d length=%d", which, offset, length)
          .isEqualTo(-1);
    }

    long lastAnswered() {
      return history.isEmpty() ? 0 : history.getLast().sequence();
    }

    /// What another process finds is this file at `sequence`.
    long checkRecovered(Volume again, long sequence) throws FsException {
      Model expected = new Model();
      boolean all = true;
      for (Committed each : history) {
        if (each.sequence() <= sequence) {
          each.change().apply(expected);
        } else {
          all = false;
        }
      }
      Attributes found = again.getattr(root(), file);
      Change last = underWay;
      if (all && last != null && !same(again, found, expected)) {
        last.apply(expected); // It was committed, but not answered.
      }
      assertThat(found.size()).as(what + " recovered").isEqualTo(expected.bytes.length);
      assertThat(found.allocatedBytes()).as(what + " recovered").isEqualTo(expected.allocated());
      for (int at = 0; at < expected.bytes.length; at += 1 << 19) {
        check(again, expected, at, 1 << 19, what + " recovered");
      }
      return expected.allocated();
    }

    private boolean same(Volume again, Attributes found, Model expected) throws FsException {
      if (found.size() != expected.bytes.length) {
        return false;
      }
      for (int at = 0; at < expected.bytes.length; at += 1 << 19) {
        int length = Math.min(1 << 19, expected.bytes.length - at);
        ByteBuffer target = ByteBuffer.allocate(length);
        again.read(root(), file, at, target);
        if (Arrays.mismatch(target.array(), Arrays.copyOfRange(expected.bytes, at, at + length))
            >= 0) {
          return false;
        }
      }
      return true;
    }
  }

  /// How a process ends.
  private enum End {
    /// Killed; it has no journal.
    KILLED,
    /// Killed, with a journal, and so are a few that begin to replay it.
    KILLED_WITH_JOURNAL,
    /// With its machine's power, with a journal.
    POWER_CUT
  }

  private int history(long seed) {
    return history(seed, End.KILLED);
  }

  private int history(long seed, End end) {
    SimulatedFixture fixture = new SimulatedFixture(seed);
    fixture.machine = end == End.KILLED ? null : new SimulatedMachine(seed);
    fixture.slabBytes = 6 << 20;
    fixture.flushObjects = 6;
    Random random = new Random(seed);
    int[] answers = {0};
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          Tasks process = fixture.simulation.group("p");
          List<Client> clients = new ArrayList<>();
          for (int i = 0; i < CLIENTS; i++) {
            clients.add(new Client(fixture, volume, seed, i));
          }
          volume.barrier(volume.committedSequence());
          for (Client each : clients) {
            process.fork("client", Tasks.Kind.WAITING, fixture.unchecked(each::work));
          }
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
          for (int i = 0; i < 6; i++) {
            fixture.simulation.sleep(20_000_000 + random.nextInt(20_000_000));
            fixture.away = !fixture.away;
          }
          fixture.simulation.kill("p");
          fixture.away = false;
          ended(fixture, end, random);
          Volume again = fixture.open("q");
          long allocated = 0;
          long promised = 0;
          for (Client each : clients) {
            long answered = end == End.KILLED_WITH_JOURNAL ? each.lastAnswered() : each.synced;
            promised = Math.max(promised, answered);
          }
          assertThat(again.recoveredSequence()).as("seed " + seed).isGreaterThanOrEqualTo(promised);
          REPLAYED.addAndGet(again.replayedCommits());
          for (Client each : clients) {
            allocated += each.checkRecovered(again, again.recoveredSequence());
            answers[0] += each.answers;
          }
          assertThat(again.statfs(root()).bytesUsed()).as("seed " + seed).isEqualTo(allocated);
          again.close();
        });
    return answers[0];
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

  @Test
  void withAJournalNothingAnsweredIsLostByAKill() {
    REPLAYED.set(0);
    for (long seed = 101; seed <= 108; seed++) {
      history(seed, End.KILLED_WITH_JOURNAL);
    }
    assertThat(REPLAYED.get()).as("commits that only the journal had").isGreaterThan(100);
  }

  @Test
  void withAJournalNothingSyncedIsLostByAPowerCut() {
    REPLAYED.set(0);
    for (long seed = 201; seed <= 208; seed++) {
      history(seed, End.POWER_CUT);
    }
    assertThat(REPLAYED.get()).as("commits that only the journal had").isGreaterThan(100);
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
