package zerofs.server.config;

import java.nio.file.Path;
import java.util.List;
import zerofs.codec.Compression;
import zerofs.server.nfs.NfsSettings;

/// A validated configuration.
///
/// @param file where it was read
/// @param storageUrl `file:///dir`
/// @param password opens the volume; a secret
/// @param maxSizeBytes limit on allocated bytes; Long.MAX_VALUE = none
/// @param budgetBytes memory for the whole process
/// @param nfs null when NFS is not served
/// @param adminSocket unix socket of the admin calls
public record Config(
    Path file,
    String storageUrl,
    String password,
    long maxSizeBytes,
    Compression compression,
    long budgetBytes,
    Nfs nfs,
    Path adminSocket) {
  /// The NFS export.
  ///
  /// @param addresses `host:port` each
  public record Nfs(List<String> addresses, NfsSettings settings) {
    public Nfs {
      addresses = List.copyOf(addresses);
    }
  }

  @Override
  public String toString() {
    return "Config[" + file + "]";
  }
}
