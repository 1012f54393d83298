package zerofs.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import zerofs.base.SimulatedTasks;
import zerofs.base.SystemTasks;
import zerofs.fs.FsException;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.StorageException;

class RacesTest {
  @Test
  void eightTasksLeaveATree() {
    long succeeded = 0;
    for (long seed = 1; seed <= 20; seed++) {
      long own = seed;
      long[] successes = {0};
      SimulatedTasks simulation = new SimulatedTasks(seed);
      simulation.run(() -> successes[0] = race(simulation, own));
      succeeded += successes[0];
    }
    assertThat(succeeded).as("operations that did something").isGreaterThan(2000);
  }

  private static long race(SimulatedTasks simulation, long seed) {
    MemoryObjectStore store = TestVolumes.empty();
    try {
      Volume volume = TestVolumes.open(store, simulation.group("first"), 1, Long.MAX_VALUE);
      long successes = new Races(volume, simulation).run(8, 60, seed);
      volume.awaitReaper();
      long inodes = TreeChecker.check(volume);
      volume.close();
      Volume again = TestVolumes.open(store, simulation.group("second"), 2, Long.MAX_VALUE);
      assertThat(TreeChecker.check(again)).isEqualTo(inodes);
      again.close();
      return successes;
    } catch (StorageException | FsException e) {
      throw new IllegalStateException("seed " + seed, e);
    }
  }

  @Test
  void aReadNeverShowsHalfOfAWrite() throws Exception {
    SystemTasks tasks =
        new SystemTasks(
            (name, failure) -> {
              throw new AssertionError(name, failure);
            });
    Volume volume = TornReads.volume(tasks);
    TornReads.Result result = new TornReads(volume, tasks).run(300);
    assertThat(result.torn()).as(result.toString()).isZero();
    volume.close();
  }
}
