package zerofs.server.cli;

import org.jspecify.annotations.Nullable;

/// The configuration that `init` and `quickstart` write.
final class ConfigTemplate {
  private ConfigTemplate() {}

  private static final String NO_ENDPOINT =
      """
      #[aws]
      #endpoint = "https://s3.example.net"
      """;

  /// @param endpoint of a store that is not AWS; null = none is known
  static String of(String url, String password, @Nullable String endpoint) {
    String aws = NO_ENDPOINT;
    if (endpoint != null) {
      String plain = endpoint.startsWith("http://") ? "allow_http = true\n" : "";
      aws = "[aws]\nendpoint = \"" + endpoint + "\"\n" + plain;
    }
    // What is on a disk already need not be there twice.
    String cache = url.startsWith("s3://") ? "" : "#";
    return """
    # ZeroFS configuration; docs/CONFIG.md explains every key. ${NAME} is replaced by the
    # environment variable NAME.

    [storage]
    # Where everything is kept: file:///directory or s3://bucket/prefix.
    url = "%s"
    # Encrypts everything. Without it the data is lost.
    encryption_password = "%s"

    # For s3://. Without keys: the environment, the profile, a web identity, or the instance.
    %s#default_region = "us-east-1"
    #access_key_id = "${AWS_ACCESS_KEY_ID}"
    #secret_access_key = "${AWS_SECRET_ACCESS_KEY}"

    [filesystem]
    # Limit on allocated bytes, before compression; 0 = none.
    max_size_gb = 0
    # zstd-1 to zstd-22, lz4, none, or auto: zstd-3, and lz4 while writers wait for the processor.
    # Can be changed at any time.
    compression = "zstd-3"

    # What was read of a bucket stays on this machine's disk, encrypted as it is there; also over
    # restarts. A directory relative to this file, for one server at a time.
    %s[cache]
    %sdir = "cache"
    %sdisk_size_gb = 10

    # Changes are kept on this machine's disk until the store has them, encrypted: what was answered
    # outlives a crash. Put dir on a disk that stays; relative to this file.
    [journal]
    enabled = true
    dir = "journal"

    [memory]
    # For the whole process, GiB; at least 0.25.
    budget_gb = 1

    [servers.nfs]
    addresses = ["127.0.0.1:2049"]
    # For clients that ask a portmapper (Windows); port 111 takes the right to use it.
    #portmap_addresses = ["127.0.0.1:111"]
    # What an answer to a stable request means: "journal" = on this machine's disk, and soon in the
    # bucket; "store" = in the bucket; "memory" = in memory, lost with this machine's power.
    #durability = "journal"
    read_only = false
    root_squash = false
    allowed_networks = ["127.0.0.0/8", "::1/128"]

    # Metrics for Prometheus on /metrics, probes on /livez and /readyz. Off without addresses.
    #[prometheus]
    #addresses = ["127.0.0.1:9091"]
    """
        .formatted(url, password, aws, cache, cache, cache);
  }
}
