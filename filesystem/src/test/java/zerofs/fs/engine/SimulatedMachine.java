package zerofs.fs.engine;

import java.util.SplittableRandom;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedDirectory;
import zerofs.base.Tasks;
import zerofs.journal.JournalDirectory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.StorageException;

/// A machine with a disk and shared memory, on which processes keep a journal: they are killed, or
/// its power is cut.
final class SimulatedMachine {
  private static final int STAGE_BYTES = 2 << 20;
  private static final int FILE_BYTES = 3 << 20;

  final SimulatedDirectory disk = new SimulatedDirectory("disk");
  private final SimulatedDirectory memory = new SimulatedDirectory("memory");
  private final SplittableRandom random;
  private int boots = 1;
  private int opened;

  SimulatedMachine(long seed) {
    random = new SplittableRandom(seed);
  }

  Journaling journaling(VolumeSecrets secrets, Tasks tasks) throws StorageException {
    return journaling(secrets, tasks, false);
  }

  /// Opens the journal for a new process.
  Journaling journaling(VolumeSecrets secrets, Tasks tasks, boolean takeover)
      throws StorageException {
    JournalDirectory directory =
        JournalDirectory.open(
            disk,
            memory,
            secrets.keys(),
            secrets.idBytes(),
            tasks,
            new SeededRandomness(++opened + random.nextLong()),
            new JournalDirectory.Settings(STAGE_BYTES, FILE_BYTES, "boot-" + boots));
    return new Journaling(directory, 16 << 20, takeover);
  }

  /// Its process is gone.
  void crash() {
    disk.crash();
    memory.crash();
  }

  /// What was not synced may be gone, and so is what was in memory.
  void cutPower() {
    crash();
    disk.cutPower(random);
    memory.list().forEach(memory::delete);
    boots++;
  }
}
