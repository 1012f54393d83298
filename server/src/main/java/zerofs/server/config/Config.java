package zerofs.server.config;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.codec.Compression;
import zerofs.objectstore.S3Settings;
import zerofs.server.nfs.NfsSettings;

/// A validated configuration.
///
/// @param file where it was read
/// @param storageUrl `file:///dir` or `s3://bucket/prefix`
/// @param s3 how the bucket is reached; null for a directory
/// @param hedgePercent how many requests that became slow may be sent once more, of all to a bucket
/// @param password opens the volume; a secret
/// @param maxSizeBytes limit on allocated bytes; Long.MAX_VALUE = none
/// @param budgetBytes memory for the whole process
/// @param cache where what is read is kept; null = nowhere
/// @param warmMetadata what of it is fetched at the start
/// @param journal where changes are kept until the store has them; null = nowhere
/// @param metricsAddresses where metrics and probes are served; `host:port` each, mostly none
/// @param adminSocket unix socket of the admin calls
/// @param stopSeconds how long a stop may take: storing what is in memory, then the fence
public record Config(
    Path file,
    String storageUrl,
    @Nullable S3Settings s3,
    int hedgePercent,
    String password,
    long maxSizeBytes,
    Compression compression,
    long budgetBytes,
    @Nullable Cache cache,
    Warmth warmMetadata,
    @Nullable Journal journal,
    Nfs nfs,
    List<String> metricsAddresses,
    Path adminSocket,
    int stopSeconds) {
  /// Metadata that a start fetches, in the background, before it is asked for.
  public enum Warmth {
    OFF,
    FILTERS_INDEX,
    FULL
  }

  /// The disk cache.
  ///
  /// @param bytes how large it may get
  public record Cache(Path directory, long bytes) {}

  /// The local journal.
  ///
  /// @param bytes of changes that it holds before writers wait for the store
  /// @param abandonForeign whether a start goes on without what only another machine's journal has
  public record Journal(Path directory, long bytes, boolean abandonForeign) {}

  public Config {
    metricsAddresses = List.copyOf(metricsAddresses);
  }

  /// The NFS export.
  ///
  /// @param addresses `host:port` each
  /// @param portmapAddresses where a portmapper tells where NFS is; `host:port` each, mostly none
  public record Nfs(List<String> addresses, List<String> portmapAddresses, NfsSettings settings) {
    public Nfs {
      addresses = List.copyOf(addresses);
      portmapAddresses = List.copyOf(portmapAddresses);
    }
  }

  @Override
  public String toString() {
    return "Config[" + file + "]";
  }
}
