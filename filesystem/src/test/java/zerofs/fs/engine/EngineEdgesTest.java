package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.Miss;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// Operations that race, and a store that is away: each a history that went wrong.
class EngineEdgesTest {
  private static long create(Filesystem fs, Call call, String name) throws FsException {
    return fs.create(call, Filesystem.ROOT, Name.of(name), 0644, false, SetAttributes.NONE).inode();
  }

  /// A handle that names no inode yet, from a client that guesses.
  @Test
  void whoAskedForAnInodeBeforeItWasMadeDoesNoHarm() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    long next = create(volume, root(), "one") + 1;
    assertThatThrownBy(() -> volume.getattr(root(), next)).isInstanceOf(FsException.class);
    assertThat(create(volume, root(), "two")).isEqualTo(next);
    volume.write(root(), next, 0, ByteBuffer.wrap(new byte[10]));
    assertThat(volume.lookup(root(), Filesystem.ROOT, Name.of("two")).size()).isEqualTo(10);
    volume.close();
  }

  /// Names cost heap until they are stored, so their makers wait as writers do.
  @Test
  void namesMadeWhileTheStoreIsAwayWaitBeforeMemoryIsFull() {
    SimulatedFixture fixture = new SimulatedFixture(1);
    fixture.slabBytes = 1 << 20;
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          create(volume, root(), "file");
          volume.barrier(volume.committedSequence());
          fixture.away = true;
          int made = 0;
          Call attempt = Call.attempt(Caller.ROOT);
          try {
            while (made < 100_000) {
              create(volume, attempt, "file" + made++);
            }
          } catch (Miss e) {
            fixture.away = false; // What it waits for.
          }
          assertThat(made).isBetween(1000, 50_000);
          create(volume, root(), "one more");
          volume.close();
        });
  }

  @Test
  void makingANameBesideItsRemovalAlwaysSucceeds() {
    for (long seed = 1; seed <= 40; seed++) {
      SimulatedFixture fixture = new SimulatedFixture(seed);
      fixture.slabBytes = 1 << 20;
      fixture.simulate(
          () -> {
            Volume volume = fixture.open("p");
            Tasks.Task maker =
                fixture.simulation.fork(
                    "maker",
                    Tasks.Kind.WAITING,
                    fixture.unchecked(
                        () -> {
                          for (int i = 0; i < 30; i++) {
                            volume.create(
                                root(),
                                Filesystem.ROOT,
                                Name.of("name"),
                                0644,
                                false,
                                SetAttributes.ofSize(0));
                          }
                        }));
            for (int i = 0; i < 30; i++) {
              try {
                volume.unlink(root(), Filesystem.ROOT, Name.of("name"));
              } catch (FsException e) {
                fixture.simulation.yieldPoint(); // It was not there.
              }
            }
            maker.join();
            volume.close();
          });
    }
  }

  /// A close beside operations that still run: none of them is told that another writer took over,
  /// and what was answered as stored is.
  @Test
  void operationsBesideACloseAreStoredOrTold() {
    for (long seed = 1; seed <= 40; seed++) {
      SimulatedFixture fixture = new SimulatedFixture(seed);
      fixture.slabBytes = 1 << 20;
      List<Integer> answered = new ArrayList<>();
      Random random = new Random(seed);
      fixture.simulate(
          () -> {
            Volume volume = fixture.open("p");
            List<Tasks.Task> makers = new ArrayList<>();
            for (int maker = 0; maker < 3; maker++) {
              int first = maker * 1000;
              makers.add(
                  fixture.simulation.fork(
                      "maker", Tasks.Kind.WAITING, () -> make(fixture, volume, first, answered)));
            }
            fixture.simulation.sleep(random.nextInt(30_000_000));
            volume.close();
            makers.forEach(Tasks.Task::join);
            assertThat(fixture.deposed).isZero();
            Volume again = fixture.open("q");
            for (int each : answered) {
              again.lookup(root(), Filesystem.ROOT, Name.of("name" + each));
            }
            again.close();
          });
    }
  }

  private static void make(
      SimulatedFixture fixture, Volume volume, int first, List<Integer> answered) {
    try {
      for (int i = first; ; i++) {
        Call call = root();
        create(volume, call, "name" + i);
        volume.barrier(call.sequence());
        answered.add(i);
      }
    } catch (FsException e) {
      fixture.simulation.yieldPoint(); // The volume is closed.
    }
  }

  /// Linux's NFS client sends SETATTR of size and "mtime now" for O_TRUNC and ftruncate.
  @Test
  void whoMayWriteMayTruncateAndTouchInOne() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    long file = create(volume, root(), "shared");
    volume.setattr(root(), file, SetAttributes.ofMode(0666));
    volume.write(root(), file, 0, ByteBuffer.wrap(new byte[10]));
    SetAttributes.SetTime now = new SetAttributes.SetTime.Now();
    Call other = Call.waiting(new Caller(1000, 1000));
    Attributes after =
        volume.setattr(other, file, new SetAttributes(null, null, null, 0L, null, now, null));
    assertThat(after.size()).isZero();
    assertThatThrownBy(() -> volume.setattr(other, file, SetAttributes.ofTimes(null, now)))
        .as("alone it takes the owner")
        .isInstanceOf(FsException.class);
    volume.close();
  }
}
