package zerofs.log;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Writes the manifests of the epoch's writer. One task.
///
/// A PUT that ended without an answer may have been applied, or be applied later: its number is
/// then neither free nor lost. That very object is settled before the next number is asked for,
/// since another one under the same number would find its own predecessor there and take it for a
/// stranger's.
public final class ManifestAuthor {
  private final ManifestStore manifests;
  private final LogWriter log;
  private Manifest newest;
  private @Nullable Unsettled unsettled;

  private record Unsettled(Manifest manifest, byte[] sealed) {}

  public ManifestAuthor(ManifestStore manifests, LogWriter log, Manifest claim) {
    this.manifests = manifests;
    this.log = log;
    this.newest = claim;
  }

  public Manifest newest() {
    return newest;
  }

  /// Says that the runs hold every row up to `mark`, which counts as stored (Rule
  /// FLUSH_STORED_ONLY). A number that holds another's manifest deposes this writer.
  ///
  /// @throws StorageException.Unavailable when an earlier manifest turns out to be stored whose
  ///   mark is higher: its rows are not in these runs
  public void publish(List<RunDescriptor> runs, long mark, long markSequence, Cause cause)
      throws StorageException {
    if (unsettled != null) {
      settle(unsettled, cause);
    }
    if (mark < newest.mark()) {
      throw new StorageException.Unavailable(
          "manifest " + newest.number() + " has mark " + newest.mark() + ", above " + mark);
    }
    Manifest next =
        new Manifest(
            newest.number() + 1, newest.epoch(), mark, markSequence, false, newest.epochs(), runs);
    settle(new Unsettled(next, manifests.seal(next)), cause);
  }

  private void settle(Unsettled attempt, Cause cause) throws StorageException {
    unsettled = attempt;
    // Rule CREATE_ONLY_MANIFEST.
    if (manifests.put(attempt.manifest(), attempt.sealed(), cause)
        != ManifestStore.Outcome.STORED) {
      throw log.deposedByManifest(attempt.manifest().number());
    }
    newest = attempt.manifest();
    unsettled = null;
  }
}
