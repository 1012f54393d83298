package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.Keys;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.RetryingObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;

/// Whole volumes in virtual time: processes on one store that crash, sleep, and take over from each
/// other, while the store delays, refuses, loses replies and applies PUTs late. Each process makes
/// numbered files, one after the other, each with a barrier.
///
/// Checked at the end of each history: every file whose barrier was answered is there, and of each
/// process's files there is a prefix.
class SimulationTest {
  private static final Call ROOT = Call.waiting(Caller.ROOT);
  private static final String VOLUME_ID = "00112233445566778899aabbccddeeff";

  /// Chance. Every request takes its time, so is a place where the scheduler may switch.
  private record Chance(SimulatedTasks simulation, Random random)
      implements FaultyObjectStore.Plan {
    @Override
    public Fault next(StoreCounters.Request request, String key, ObjectStore.Cause cause) {
      simulation.sleep(1 + random.nextInt(5_000_000));
      if (random.nextInt(25) == 0) {
        return Fault.BUSY;
      }
      if (request == StoreCounters.Request.GET) {
        return random.nextInt(200) == 0 ? Fault.TRUNCATED : Fault.NONE;
      }
      return switch (random.nextInt(30)) {
        case 0 -> Fault.LATE;
        case 1 -> Fault.REPLY_LOST;
        case 2 -> Fault.LOST;
        default -> Fault.NONE;
      };
    }

    @Override
    public long lateness() {
      return 1L + random.nextInt(60_000_000);
    }
  }

  /// One history. Its digest tells which.
  private static final class History {
    private final long seed;
    private final SimulatedTasks simulation;
    private final MemoryObjectStore memory = new MemoryObjectStore();
    private final Random random;
    private final List<Integer> answered = new ArrayList<>();
    private final VolumeSecrets secrets =
        new VolumeSecrets(VOLUME_ID, new Keys(new byte[32], new byte[16]));

    History(long seed) {
      this.seed = seed;
      this.simulation = new SimulatedTasks(seed);
      this.random = new Random(seed);
    }

    long run() {
      ManifestStore manifests =
          new ManifestStore(
              memory,
              new zerofs.codec.ObjectEnvelope(
                  secrets.keys(), secrets.idBytes(), new SeededRandomness(seed)));
      Manifest first = new Manifest(1, 0, 0, 0, false, List.of(), List.of());
      memory.put(
          ManifestStore.key(1),
          ObjectStore.Body.of(manifests.seal(first)),
          ObjectStore.Cause.ADMIN);
      simulation.run(this::story);
      return simulation.digest();
    }

    private void story() {
      int processes = 2 + random.nextInt(3);
      for (int process = 0; process < processes; process++) {
        answered.add(-1);
        int number = process;
        Tasks tasks = simulation.group("p" + number);
        tasks.fork("process", Tasks.Kind.COMPUTING, () -> work(number, tasks));
        simulation.sleep(random.nextInt(150_000_000));
        switch (random.nextInt(4)) {
          case 0 -> simulation.kill("p" + number);
          case 1 -> simulation.suspend("p" + number);
          default -> {} // It goes on beside the next one.
        }
      }
      simulation.sleep(random.nextInt(100_000_000));
      for (int process = 0; process < processes; process++) {
        simulation.resume("p" + process);
      }
      simulation.sleep(random.nextInt(200_000_000));
      for (int process = 0; process < processes; process++) {
        simulation.kill("p" + process);
      }
      check(processes);
    }

    private Volume open(int process, Tasks tasks, ObjectStore store) throws StorageException {
      Volume.Settings settings =
          new Volume.Settings(
              "host" + process,
              1 << 20,
              1 << 20,
              100,
              1,
              Long.MAX_VALUE,
              new Compression.Lz4(),
              3_600_000_000_000L,
              4,
              16 << 20);
      return new Volume(
          store,
          secrets,
          settings,
          tasks,
          new SeededRandomness(seed * 31 + process),
          SlabMemory.direct(),
          reason -> {});
    }

    /// A process: it works until it is deposed or killed; what goes wrong at its start ends it.
    private void work(int process, Tasks tasks) {
      ObjectStore faulty =
          new FaultyObjectStore(
              memory,
              simulation.group("network"),
              new Chance(simulation, new Random(seed * 17 + process)));
      ObjectStore store =
          new RetryingObjectStore(
              faulty,
              tasks,
              new SeededRandomness(seed * 13 + process),
              new RetryingObjectStore.Settings(1_000_000L, 5_000_000L, 20_000_000L));
      try {
        Volume volume = open(process, tasks, store);
        for (int i = 0; i < 60; i++) {
          volume.create(ROOT, Filesystem.ROOT, name(process, i), 0644, true, SetAttributes.NONE);
          if (i % 3 != 1) {
            volume.barrier(volume.committedSequence());
            answered.set(process, i);
          }
        }
      } catch (StorageException.Corrupt e) {
        throw new IllegalStateException("nothing was damaged", e);
      } catch (StorageException | FsException e) {
        tasks.yieldPoint(); // Deposed, or the store was not there: the process exits.
      }
    }

    private static Name name(int process, int file) {
      return Name.of("p" + process + "-" + file);
    }

    private void check(int processes) {
      try {
        Volume volume = open(99, simulation.group("checker"), memory);
        for (int process = 0; process < processes; process++) {
          int found = 0;
          while (found < 60 && exists(volume, name(process, found))) {
            found++;
          }
          assertThat(found)
              .as("seed %d: files of process %d up to its last answer", seed, process)
              .isGreaterThan(answered.get(process));
          for (int beyond = found; beyond < 60; beyond++) {
            assertThat(exists(volume, name(process, beyond)))
                .as("seed %d: process %d has no file %d but file %d", seed, process, found, beyond)
                .isFalse();
          }
        }
      } catch (StorageException e) {
        throw new IllegalStateException("seed " + seed + ": the volume does not open", e);
      }
    }

    private static boolean exists(Volume volume, Name name) {
      try {
        volume.lookup(ROOT, Filesystem.ROOT, name);
        return true;
      } catch (FsException e) {
        return false;
      }
    }
  }

  @Test
  void nothingThatWasAnsweredIsLostWhateverHappens() {
    int answered = 0;
    for (long seed = 1; seed <= 150; seed++) {
      History history = new History(seed);
      history.run();
      answered += history.answered.stream().mapToInt(last -> last + 1).sum();
    }
    assertThat(answered).as("the histories did something").isGreaterThan(500);
  }

  @Test
  void oneSeedIsOneHistory() {
    for (long seed = 1000; seed < 1005; seed++) {
      assertThat(new History(seed).run()).isEqualTo(new History(seed).run());
    }
    assertThat(new History(1).run()).isNotEqualTo(new History(2).run());
  }
}
