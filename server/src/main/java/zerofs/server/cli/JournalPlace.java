package zerofs.server.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import zerofs.base.LocalDirectory;
import zerofs.base.Randomness;
import zerofs.base.SystemDirectory;
import zerofs.base.Tasks;
import zerofs.journal.JournalDirectory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.StorageException;
import zerofs.server.config.Config;

/// Where the journal of a volume is on this machine.
final class JournalPlace {
  private static final Logger LOG = LoggerFactory.getLogger(JournalPlace.class);

  private static final int STAGE_BYTES = 8 << 20;
  private static final int FILE_BYTES = 16 << 20;
  private static final Path SHARED_MEMORY = Path.of("/dev/shm");
  private static final Path BOOT_ID = Path.of("/proc/sys/kernel/random/boot_id");

  private JournalPlace() {}

  static JournalDirectory open(
      Config.Journal settings, VolumeSecrets secrets, Tasks tasks, Randomness randomness)
      throws StorageException {
    try {
      Path path = settings.directory().resolve(secrets.volumeId());
      return JournalDirectory.open(
          new SystemDirectory(path),
          memory(path),
          secrets.keys(),
          secrets.idBytes(),
          tasks,
          randomness,
          new JournalDirectory.Settings(STAGE_BYTES, FILE_BYTES, boot()));
    } catch (IOException e) {
      throw new StorageException.Invalid(
          StorageException.Invalid.Reason.SETTING,
          "can't keep a journal in "
              + settings.directory()
              + " ("
              + e
              + "): set journal.dir to a directory that can be written, or journal.enabled ="
              + " false");
    }
  }

  /// Shared memory outlives the process and not the machine; a directory that outlives both does as
  /// well, as a stage of another boot does not count.
  private static LocalDirectory memory(Path path) throws IOException {
    boolean shared = Files.isDirectory(SHARED_MEMORY) && Files.isWritable(SHARED_MEMORY);
    return new SystemDirectory(shared ? SHARED_MEMORY : path.resolve("stage"));
  }

  private static String boot() {
    try {
      return Files.readString(BOOT_ID).strip();
    } catch (IOException e) {
      LOG.warn("not known when this machine started ({}): the journal's stage counts as lost", e);
      return "";
    }
  }
}
