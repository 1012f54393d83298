package zerofs.fs.check;

import java.util.List;
import java.util.Map;

/// What a check found.
///
/// @param manifest number of the manifest that was checked, and whose log
/// @param lastSequence last commit of the state that was checked
/// @param findings of each kind the first thousand, by kind
/// @param counts how many there are of each kind
/// @param unreferenced objects that nothing needs
/// @param foreign keys in the store that are no object's, the first thousand
/// @param notChecked what could not be checked, in sentences
public record Report(
    String volumeId,
    long manifest,
    int epoch,
    long lastSequence,
    Totals totals,
    List<Finding> findings,
    Map<Finding.Kind, Long> counts,
    Garbage unreferenced,
    List<String> foreign,
    List<String> notChecked) {
  /// How much was checked.
  ///
  /// @param segmentBytes of log objects and data segments
  /// @param allocatedBytes of files
  public record Totals(
      long manifests,
      long tables,
      long segments,
      long segmentBytes,
      long frames,
      long rows,
      long inodes,
      long directories,
      long extents,
      long allocatedBytes) {}

  /// Objects that nothing needs: garbage, or what a server at work has just made.
  ///
  /// @param first a thousand of them at most
  public record Garbage(long objects, long bytes, List<Unreferenced> first) {}

  /// An object that nothing needs.
  ///
  /// @param epochWallNanos when the epoch of its writer began: it is no older
  public record Unreferenced(String key, long bytes, long epochWallNanos) {}

  /// Whether nothing is wrong, and all was checked.
  public boolean isHealthy() {
    return counts.isEmpty() && notChecked.isEmpty();
  }
}
