package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;

/// Files with holes of which little is in memory, against byte arrays: clients write, cut and read,
/// beside barriers, counts of space, flushes and a store that is away now and then. Space is never
/// too low, and exact after a count.
class SparseSimulationTest {
  private static final int EXTENT = Inode.EXTENT_BYTES;
  private static final int SIZE_MAX = 24 << 20;
  private static final int CLIENTS = 3;
  private static final int LIVES = 6;

  /// One file, and what it should be.
  private static final class Client {
    private final SimulatedFixture fixture;
    private final String what;
    private final long file;
    private final Random random;
    private final byte[] bytes = new byte[SIZE_MAX];
    private final boolean[] extents = new boolean[SIZE_MAX / EXTENT];
    private int size;
    private int answers;

    Client(SimulatedFixture fixture, Volume volume, long seed, int number) throws FsException {
      this.fixture = fixture;
      this.what = "seed " + seed + " client " + number;
      this.random = new Random(seed * 31 + number);
      this.file =
          volume
              .create(
                  root(), Filesystem.ROOT, Name.of("file" + number), 0644, true, SetAttributes.NONE)
              .inode();
    }

    void work(Volume volume, boolean[] stop) throws FsException {
      while (!stop[0]) {
        int kind = random.nextInt(20);
        if (kind < 12) {
          write(volume);
        } else if (kind < 15) {
          resize(volume);
        } else {
          int offset = offset();
          check(volume, offset, Math.min(SIZE_MAX - offset, 1 + random.nextInt(9000)));
        }
        answers++;
        if (random.nextInt(3) == 0) {
          fixture.simulation.sleep(random.nextInt(3_000_000));
        }
      }
    }

    private int offset() {
      int extent = random.nextInt(12) * 64 + random.nextInt(2);
      return extent * EXTENT + random.nextInt(6) * 5000;
    }

    private void write(Volume volume) throws FsException {
      int offset = offset();
      byte[] data = new byte[1 + random.nextInt(random.nextInt(5) == 0 ? EXTENT * 2 : 3000)];
      random.nextBytes(data);
      Attributes after = volume.write(root(), file, offset, ByteBuffer.wrap(data));
      System.arraycopy(data, 0, bytes, offset, data.length);
      size = Math.max(size, offset + data.length);
      Arrays.fill(extents, offset / EXTENT, (offset + data.length - 1) / EXTENT + 1, true);
      checkSpace(after);
    }

    private void resize(Volume volume) throws FsException {
      int wanted = offset();
      if (random.nextInt(3) > 0) {
        wanted = Math.max(wanted, offset());
      }
      wanted = random.nextInt(10) == 0 ? 0 : wanted;
      Attributes after = volume.setattr(root(), file, SetAttributes.ofSize(wanted));
      if (wanted < size) {
        Arrays.fill(bytes, wanted, size, (byte) 0);
        Arrays.fill(extents, (int) Inode.extentsOf(wanted), extents.length, false);
      }
      size = wanted;
      checkSpace(after);
    }

    private void checkSpace(Attributes after) {
      assertThat(after.size()).as(what).isEqualTo(size);
      assertThat(after.allocatedBytes()).as(what).isGreaterThanOrEqualTo(allocated());
    }

    long allocated() {
      long count = 0;
      for (boolean each : extents) {
        count += each ? 1 : 0;
      }
      return Inode.allocated(count, size);
    }

    private void check(Volume from, int offset, int length) throws FsException {
      ByteBuffer target = ByteBuffer.allocate(length);
      from.read(root(), file, offset, target);
      int end = Math.min(size, offset + length);
      byte[] expected = offset >= end ? new byte[0] : Arrays.copyOfRange(bytes, offset, end);
      byte[] got = Arrays.copyOf(target.array(), target.position());
      assertThat(Arrays.mismatch(expected, got))
          .as("%s: first wrong byte, offset=%d length=%d", what, offset, length)
          .isEqualTo(-1);
    }

    void checkAll(Volume volume) throws FsException {
      for (int at = 0; at < size; at += 1 << 19) {
        check(volume, at, Math.min(SIZE_MAX - at, 1 << 19));
      }
    }

    void checkExact(Volume volume) throws FsException {
      assertThat(volume.getattr(root(), file).allocatedBytes()).as(what).isEqualTo(allocated());
    }
  }

  private int history(long seed) {
    SimulatedFixture fixture = new SimulatedFixture(seed);
    fixture.slabBytes = 6 << 20;
    fixture.flushObjects = 6;
    Random random = new Random(seed);
    int[] answers = {0};
    fixture.simulate(
        () -> {
          List<Client> clients = new ArrayList<>();
          for (int life = 0; life < LIVES; life++) {
            live(fixture, seed, random, clients, life);
          }
          clients.forEach(each -> answers[0] += each.answers);
        });
    return answers[0];
  }

  private static void live(
      SimulatedFixture fixture, long seed, Random random, List<Client> clients, int life)
      throws FsException, zerofs.objectstore.StorageException {
    Volume volume = fixture.open("life" + life);
    for (int i = clients.size(); i < CLIENTS; i++) {
      clients.add(new Client(fixture, volume, seed, i));
    }
    boolean[] stop = {false};
    List<Tasks.Task> tasks = new ArrayList<>();
    for (Client each : clients) {
      tasks.add(fork(fixture, () -> each.work(volume, stop)));
    }
    tasks.add(
        fork(
            fixture,
            () -> {
              while (!stop[0]) {
                fixture.simulation.sleep(random.nextInt(4_000_000));
                volume.barrier(volume.committedSequence());
              }
            }));
    tasks.add(
        fork(
            fixture,
            () -> {
              while (!stop[0]) {
                fixture.simulation.sleep(random.nextInt(12_000_000));
                volume.recountSpace();
              }
            }));
    for (int i = 0; i < 4; i++) {
      fixture.simulation.sleep(10_000_000 + random.nextInt(20_000_000));
      fixture.away = !fixture.away;
    }
    stop[0] = true;
    tasks.forEach(Tasks.Task::join);
    long allocated = 0;
    for (Client each : clients) {
      if (random.nextBoolean()) {
        each.checkAll(volume);
      }
      volume.recountSpace();
      each.checkExact(volume);
      allocated += each.allocated();
    }
    volume.awaitUpkeep();
    assertThat(volume.statfs(root()).bytesUsed()).as("seed " + seed).isEqualTo(allocated);
    volume.close();
  }

  private static Tasks.Task fork(SimulatedFixture fixture, SimulatedFixture.Story story) {
    return fixture.simulation.fork("client", Tasks.Kind.WAITING, fixture.unchecked(story));
  }

  @Test
  void sparseFilesAreWhatWasWritten() {
    int answers = 0;
    long from = Long.getLong("zerofs.seed", 1);
    for (long seed = from; seed < from + Long.getLong("zerofs.seeds", 12); seed++) {
      answers += history(seed);
    }
    assertThat(answers).as("the histories did something").isGreaterThan(1000);
  }
}
