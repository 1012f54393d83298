package zerofs.simulation;

import java.util.SplittableRandom;
import zerofs.base.LocalDirectory;
import zerofs.base.SimulatedDirectory;
import zerofs.base.Tasks;
import zerofs.fs.engine.Journaling;
import zerofs.objectstore.StorageException;

/// A machine with a disk and shared memory, on which one process after another keeps a journal.
final class TestMachine {
  private final SimulatedDirectory disk = new SimulatedDirectory("disk");
  private final SimulatedDirectory memory = new SimulatedDirectory("memory");
  private int boots = 1;

  /// Opens the journal for a new process: whoever had it has ended.
  Journaling journaling(Tasks tasks, long seed) throws StorageException {
    return journaling(disk, tasks, seed, false);
  }

  /// As the other one, with every request to the disk a place to crash at.
  Journaling journaling(RequestWatcher points, Tasks tasks, long seed, boolean takeover)
      throws StorageException {
    return journaling(new WatchedDirectory(disk, tasks, points), tasks, seed, takeover);
  }

  private Journaling journaling(LocalDirectory place, Tasks tasks, long seed, boolean takeover)
      throws StorageException {
    disk.crash();
    return TestVolumes.journaling(place, memory, "boot " + boots, tasks, seed, takeover);
  }

  /// What was not synced may be gone, and what was in memory is.
  void cutPower(SplittableRandom random) {
    disk.cutPower(random);
    memory.list().forEach(memory::delete);
    boots++;
  }
}
