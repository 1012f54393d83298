package zerofs.simulation;

import java.util.SplittableRandom;
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
    disk.crash();
    return TestVolumes.journaling(disk, memory, "boot " + boots, tasks, seed);
  }

  /// What was not synced may be gone, and what was in memory is.
  void cutPower(SplittableRandom random) {
    disk.cutPower(random);
    memory.list().forEach(memory::delete);
    boots++;
  }
}
