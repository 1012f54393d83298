package zerofs.fs.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.journal.JournalDirectory;
import zerofs.log.VolumeOpening;
import zerofs.manifest.Manifest;
import zerofs.objectstore.StorageException;

/// The local journal that a volume is opened with, if it has one.
///
/// @param directory of this volume alone, open; stays the caller's to close; null = no journal
/// @param bytesMax of records that the store does not have yet; who would add to more waits
/// @param takeover whether to go on without what only another machine's journal has
public record Journaling(@Nullable JournalDirectory directory, long bytesMax, boolean takeover)
    implements VolumeOpening.LocalJournal {
  /// No journal, and none of another machine left out.
  public static final Journaling NONE = none(false);

  /// No journal.
  public static Journaling none(boolean takeover) {
    return new Journaling(null, Long.MAX_VALUE, takeover);
  }

  @Override
  public String id() {
    return directory == null ? "" : directory.id();
  }

  @Override
  public boolean hasAllOf(int epoch) throws StorageException {
    return directory != null && directory.hasStage(epoch);
  }

  /// Secures what earlier processes left in the journal (Rule JOURNAL_EPOCH).
  ///
  /// @return epochs whose records do not belong to the history that `claim` goes on from
  List<Integer> prepare(Manifest claim) throws StorageException {
    if (directory == null) {
      return List.of();
    }
    return directory.prepare(
        epoch ->
            epoch <= claim.epoch()
                && claim.epochs().stream()
                    .filter(entry -> entry.epoch() >= epoch)
                    .allMatch(entry -> entry.journal().equals(id())));
  }
}
