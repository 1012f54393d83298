package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;

/// Histories that once went wrong in a design of this kind, each told by itself.
class RecoverySeedsTest {
  private static final long BARRIERS_NANOS = Backlog.BARRIERS_NANOS + 1;
  private static final int EXTENT = 32 << 10;
  private static final Name A = Name.of("a");
  private static final Name B = Name.of("b");

  private final SimulatedFixture fixture = new SimulatedFixture(1);
  private final SimulatedMachine machine = new SimulatedMachine(1);

  private static byte[] bytes(int seed, int length) {
    byte[] random = new byte[length];
    new Random(seed).nextBytes(random);
    return random;
  }

  private static long create(Volume volume, Name name) throws FsException {
    return volume.create(root(), Filesystem.ROOT, name, 0644, true, SetAttributes.NONE).inode();
  }

  private static byte[] contents(Volume volume, Name name) throws FsException {
    long inode = volume.lookup(root(), Filesystem.ROOT, name).inode();
    ByteBuffer all = ByteBuffer.allocate(1 << 20);
    byte[] found = new byte[(int) volume.getattr(root(), inode).size()];
    for (int at = 0; at < found.length; at += all.limit()) {
      all.clear().limit(Math.min(all.capacity(), found.length - at));
      assertThat(volume.read(root(), inode, at, all)).isEqualTo(all.limit());
      all.flip().get(found, at, all.limit());
    }
    return found;
  }

  /// What a large memory took and the store never got is replayed into a small one.
  @Test
  void theBudgetIsShrunkBeforeTheReplay() {
    fixture.machine = machine;
    fixture.slabBytes = 32 << 20;
    byte[] written = bytes(2, 8 << 20);
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long inode = create(volume, A);
          fixture.simulation.sleep(BARRIERS_NANOS); // Else writers are paced for their sake.
          fixture.away = true;
          for (int at = 0; at < written.length; at += 1 << 20) {
            volume.write(root(), inode, at, ByteBuffer.wrap(written, at, 1 << 20));
          }
          fixture.simulation.kill("p");
          machine.crash();
          fixture.away = false;
          fixture.slabBytes = 6 << 20;
          Volume again = fixture.open("q");
          assertThat(again.replayedCommits()).isGreaterThanOrEqualTo(8);
          assertThat(contents(again, A)).isEqualTo(written);
          again.close();
        });
  }

  /// The machine was restarted: what was synced is in files, and nothing is in its memory.
  @Test
  void theStageIsLostAndTheFilesAreKept() {
    fixture.machine = machine;
    byte[] written = bytes(3, 3 * EXTENT);
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long inode = create(volume, A);
          fixture.away = true;
          volume.write(root(), inode, 0, ByteBuffer.wrap(written));
          long synced = volume.committedSequence();
          volume.journalBarrier(synced);
          create(volume, B);
          fixture.simulation.kill("p");
          machine.cutPower();
          fixture.away = false;
          Volume again = fixture.open("q");
          assertThat(again.recoveredSequence()).isGreaterThanOrEqualTo(synced);
          assertThat(contents(again, A)).isEqualTo(written);
          assertThat(again.lossEpoch()).as("B may have been lost, and is told").isEqualTo(2);
          again.close();
        });
  }

  /// A writer with four PUTs in flight takes each position before a fence gets there.
  @Test
  void aBusyWriterIsOvertaken() {
    fixture.simulate(
        () -> {
          int[] answered = {0};
          busyWriter(answered);
          long began = fixture.simulation.nanoTime();
          Volume next = fixture.open("next");
          long took = fixture.simulation.nanoTime() - began;
          assertThat(took / SimulatedFixture.LATENCY_NANOS)
              .as("requests one after the other, of which a start has ten")
              .isLessThan(60);
          fixture.simulation.sleep(100_000_000L);
          assertThat(fixture.deposed).isEqualTo(1);
          assertThat(answered[0]).isGreaterThan(100);
          assertThat(next.statfs(root()).inodesUsed()).isGreaterThan(answered[0]);
          next.close();
        });
  }

  /// A PUT without an answer is tried again, however often that comes in a row.
  @Test
  void aFenceAndAClaimWhoseAnswersAreLostStandAfterAll() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          create(volume, A);
          volume.barrier(volume.committedSequence());
          fixture.simulation.kill("p");
          int[] lost = {0};
          FaultyObjectStore store =
              new FaultyObjectStore(
                  fixture.memory, fixture.simulation, lost(lost, Fault.LOST, Fault.LATE));
          Volume again = fixture.open("q", store, Journaling.NONE);
          assertThat(lost[0]).as("of the fence and of the claim").isEqualTo(12);
          again.lookup(root(), Filesystem.ROOT, A);
          again.close();
        });
  }

  /// Six PUTs of the first log object and six of the first manifest have no answer.
  private static FaultyObjectStore.Plan lost(int[] lost, Fault... faults) {
    return new FaultyObjectStore.Plan() {
      @Override
      public Fault next(StoreCounters.Request request, String key, ObjectStore.Cause cause) {
        boolean isNext = key.startsWith(lost[0] < 6 ? "log/" : "manifest/");
        return request == StoreCounters.Request.PUT && isNext && lost[0] < 12
            ? faults[lost[0]++ % faults.length]
            : Fault.NONE;
      }

      @Override
      public long lateness() {
        return 50_000_000L;
      }
    };
  }

  /// Between two looks at the log it fills what looked like a gap.
  @Test
  void aBusyWriterIsNoDamage() {
    fixture.machine = machine;
    fixture.simulate(
        () -> {
          int[] answered = {0};
          Volume old = busyWriter(answered);
          for (int i = 0; i < 30; i++) {
            String process = "other " + i;
            Tasks tasks = fixture.simulation.group(process);
            ObjectStore store =
                new LatencyObjectStore(fixture.memory, tasks, SimulatedFixture.LATENCY_NANOS);
            Journaling other = new SimulatedMachine(2 + i).journaling(fixture.secrets, tasks);
            assertThatThrownBy(() -> fixture.open(process, store, other))
                .isInstanceOf(StorageException.Invalid.class)
                .hasMessageContaining("--takeover");
          }
          assertThat(fixture.deposed).isZero();
          old.close();
        });
  }

  /// A volume under eight tasks that make files and store each.
  private Volume busyWriter(int[] answered) throws StorageException {
    Volume volume = fixture.open("old");
    for (int i = 0; i < 8; i++) {
      String prefix = "f" + i + "-";
      fixture
          .simulation
          .group("old")
          .fork(
              "writer",
              Tasks.Kind.WAITING,
              fixture.unchecked(() -> answered[0] += syncedFiles(volume, prefix)));
    }
    fixture.simulation.sleep(100_000_000L);
    return volume;
  }

  /// @return files that were made and stored before the volume was deposed
  private static int syncedFiles(Volume volume, String prefix) throws FsException {
    for (int i = 0; ; i++) {
      try {
        create(volume, Name.of(prefix + i));
        volume.barrier(volume.committedSequence());
      } catch (FsException e) {
        if (e.error() == FsError.CLOSED) {
          return i;
        }
        throw e;
      }
    }
  }

  /// One generation takes a name over another's, cuts the file inside an extent and writes a part
  /// of one behind the cut: old bytes must not come back between them, whoever applies it.
  private void movedCutAndPatched(boolean replayed) {
    fixture.machine = replayed ? machine : null;
    byte[] before = bytes(4, 3 * EXTENT);
    byte[] patch = bytes(5, 100);
    byte[] after = Arrays.copyOf(before, 2 * EXTENT + 700);
    Arrays.fill(after, EXTENT + 1000, after.length, (byte) 0);
    System.arraycopy(patch, 0, after, EXTENT + 5000, 100);
    System.arraycopy(patch, 0, after, 2 * EXTENT + 600, 100);
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long inode = create(volume, A);
          volume.write(root(), inode, 0, ByteBuffer.wrap(before));
          create(volume, B);
          volume.barrier(volume.committedSequence());
          volume.close(); // So that nothing of the file is in memory.
          machine.crash();
          volume = fixture.open("p2");
          volume.rename(
              root(), Filesystem.ROOT, A, Filesystem.ROOT, B, Filesystem.RenameMode.REPLACE);
          volume.setattr(root(), inode, SetAttributes.ofSize(EXTENT + 1000));
          volume.write(root(), inode, EXTENT + 5000, ByteBuffer.wrap(patch));
          volume.write(root(), inode, 2 * EXTENT + 600, ByteBuffer.wrap(patch));
          if (!replayed) {
            volume.barrier(volume.committedSequence());
          }
          fixture.simulation.kill("p2");
          machine.crash();
          Volume again = fixture.open("q");
          assertThat(again.replayedCommits()).isEqualTo(replayed ? 4 : 0);
          assertThat(contents(again, B)).isEqualTo(after);
          again.flush();
          again.close();
          machine.crash();
          again = fixture.open("r");
          assertThat(contents(again, B)).isEqualTo(after);
          assertThat(LogHistory.exists(again, "a")).isFalse();
          again.close();
        });
  }

  @Test
  void aMoveACutAndAPatchInOneGeneration() {
    movedCutAndPatched(false);
  }

  @Test
  void aMoveACutAndAPatchInOneGenerationAreReplayed() {
    movedCutAndPatched(true);
  }

  /// A merge of runs has stored its tables, and no manifest says so.
  @Test
  void aCrashBetweenTheMergeOfRunsAndItsManifest() {
    byte[] written = bytes(6, 5 * EXTENT);
    fixture.simulate(
        () -> {
          ScriptedStore store = new ScriptedStore(fixture.memory, fixture.simulation);
          Volume volume = fixture.open("p", store, Journaling.NONE);
          long inode = create(volume, A);
          volume.write(root(), inode, 0, ByteBuffer.wrap(written));
          volume.barrier(volume.committedSequence());
          store.hold(ManifestStore.key(3));
          Tasks process = fixture.simulation.group("p");
          process.fork("flush", Tasks.Kind.WAITING, fixture.unchecked(volume::flush));
          fixture.simulation.sleep(1_000_000_000);
          assertThat(store.puts())
              .as("tables, no manifest")
              .anyMatch(key -> key.startsWith("sst/"));
          assertThat(fixture.memory.get(ManifestStore.key(3), 0, 1, Cause.ADMIN)).isNull();
          fixture.simulation.kill("p");
          Volume again = fixture.open("q");
          assertThat(contents(again, A)).isEqualTo(written);
          again.flush();
          again.close();
          again = fixture.open("r");
          assertThat(contents(again, A)).isEqualTo(written);
          again.close();
        });
  }
}
