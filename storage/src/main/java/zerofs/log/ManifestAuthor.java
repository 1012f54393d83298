package zerofs.log;

import java.util.List;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Writes the manifests of the epoch's writer. One task.
public final class ManifestAuthor {
  private final ManifestStore manifests;
  private final LogWriter log;
  private Manifest newest;

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
  public void publish(List<RunDescriptor> runs, long mark, long markSequence, Cause cause)
      throws StorageException {
    Manifest next =
        new Manifest(
            newest.number() + 1, newest.epoch(), mark, markSequence, false, newest.epochs(), runs);
    byte[] sealed = manifests.seal(next);
    if (manifests.put(next, sealed, cause) != ManifestStore.Outcome.STORED) {
      throw log.deposedByManifest(next.number());
    }
    newest = next;
  }
}
