package zerofs.server.config;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.tomlj.Toml;
import org.tomlj.TomlArray;
import org.tomlj.TomlParseError;
import org.tomlj.TomlParseResult;
import org.tomlj.TomlPosition;
import org.tomlj.TomlTable;
import zerofs.codec.Compression;
import zerofs.objectstore.S3Settings;
import zerofs.server.nfs.NfsSettings;

/// Reads `zerofs.toml` (docs/CONFIG.md).
public final class ConfigReader {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");
  private static final long GIB = 1L << 30;

  /// The smallest process that works.
  private static final double BUDGET_GIB_MIN = 0.25;

  /// A cache that holds less than what a few readers have under way is of no use.
  private static final double CACHE_GIB_MIN = 0.0625;

  private static final double CACHE_GIB = 10;

  /// A few files, and the stage beside them.
  private static final double JOURNAL_GIB_MIN = 0.0625;

  private static final Map<String, Set<String>> KEYS =
      new TreeMap<>(
          Map.of(
              "storage", Set.of("url", "encryption_password", "hedge_percent"),
              "filesystem", Set.of("max_size_gb", "compression"),
              "cache", Set.of("dir", "disk_size_gb", "warm_metadata"),
              "journal", Set.of("enabled", "dir", "size_gb", "foreign"),
              "memory", Set.of("budget_gb"),
              "admin", Set.of("socket", "stop_seconds"),
              "prometheus", Set.of("addresses"),
              "aws",
                  Set.of(
                      "endpoint",
                      "default_region",
                      "access_key_id",
                      "secret_access_key",
                      "allow_http"),
              "servers.nfs",
                  Set.of(
                      "addresses",
                      "portmap_addresses",
                      "durability",
                      "read_only",
                      "root_squash",
                      "all_squash",
                      "anon_uid",
                      "anon_gid",
                      "allowed_networks")));

  /// What the configuration of such a system usually has, and this version lacks.
  private static final Map<String, String> ABSENT =
      Map.of(
          "servers.ninep", "9P",
          "servers.nbd", "NBD",
          "servers.webui", "the web interface",
          "servers.rpc", "the RPC interface (the admin socket is [admin] socket)",
          "lsm", "tuning of the LSM tree",
          "azure", "Azure",
          "gcp", "Google Cloud Storage");

  private final Path file;
  private final TomlParseResult toml;
  private final UnaryOperator<@Nullable String> environment;

  private ConfigReader(
      Path file, TomlParseResult toml, UnaryOperator<@Nullable String> environment) {
    this.file = file;
    this.toml = toml;
    this.environment = environment;
  }

  /// Reads and validates a file.
  ///
  /// @param environment gives the value of a variable, or null
  public static Config read(Path file, UnaryOperator<@Nullable String> environment)
      throws ConfigException {
    String text;
    try {
      text = Files.readString(file);
    } catch (IOException e) {
      throw new ConfigException(
          "can't read the configuration " + file + " (" + e + "): make one with 'zerofs init'");
    }
    TomlParseResult toml = parsed(file, text);
    if (toml.hasErrors()) {
      TomlParseError first = toml.errors().getFirst();
      throw new ConfigException(
          file
              + ", line "
              + first.position().line()
              + ", column "
              + first.position().column()
              + ": "
              + first.getMessage());
    }
    return new ConfigReader(file, toml, environment).config();
  }

  private static TomlParseResult parsed(Path file, String text) throws ConfigException {
    try {
      return Toml.parse(text);
    } catch (RuntimeException | AssertionError | StackOverflowError e) {
      throw new ConfigException(
          file + " is not TOML that can be read: the parser fails (" + e + ")");
    }
  }

  private Config config() throws ConfigException {
    checkTable(toml, "");
    String url = required("storage.url");
    String password = required("storage.encryption_password");
    if (!url.startsWith("file:///") && !url.startsWith("s3://")) {
      throw wrong(
          "storage.url",
          "'"
              + url
              + "': must be file:///directory or s3://bucket/prefix (Azure and Google Cloud"
              + " are not in this version)");
    }
    double maxSize = number("filesystem.max_size_gb", 0);
    if (maxSize < 0) {
      throw wrong("filesystem.max_size_gb", "must not be negative (0 = no limit)");
    }
    double budget = number("memory.budget_gb", 1);
    if (budget < BUDGET_GIB_MIN) {
      throw wrong("memory.budget_gb", budget + " is too little: at least " + BUDGET_GIB_MIN);
    }
    Path directory = file.toAbsolutePath().getParent();
    Path socket = Path.of(text("admin.socket", "zerofs.sock"));
    return new Config(
        file,
        url,
        url.startsWith("s3://") ? s3(url) : null,
        hedgePercent(),
        password,
        maxSize == 0 ? Long.MAX_VALUE : (long) (maxSize * GIB),
        compression(),
        (long) (budget * GIB),
        cache(directory),
        warmMetadata(),
        journal(directory),
        nfs(),
        addresses("prometheus.addresses", List.of()),
        directory == null ? socket : directory.resolve(socket),
        stopSeconds());
  }

  private int stopSeconds() throws ConfigException {
    double seconds = number("admin.stop_seconds", 30);
    if (seconds < 1 || seconds > 86_400 || seconds != Math.rint(seconds)) {
      throw wrong("admin.stop_seconds", "must be a number of seconds, 1 to 86400");
    }
    return (int) seconds;
  }

  private int hedgePercent() throws ConfigException {
    double percent = number("storage.hedge_percent", 5);
    if (percent < 0 || percent > 100 || percent != Math.rint(percent)) {
      throw wrong("storage.hedge_percent", "must be a whole number, 0 (off) to 100");
    }
    return (int) percent;
  }

  private S3Settings s3(String url) throws ConfigException {
    String endpoint = text("aws.endpoint", "");
    String access = text("aws.access_key_id", "");
    String secret = text("aws.secret_access_key", "");
    if (access.isEmpty() != secret.isEmpty()) {
      throw wrong("aws.access_key_id", "needs aws.secret_access_key, and the other way round");
    }
    if (endpoint.startsWith("http://") && !flag("aws.allow_http")) {
      throw wrong("aws.endpoint", "is not encrypted: use https://, or set aws.allow_http = true");
    }
    try {
      return S3Settings.parse(
          url,
          endpoint.isEmpty() ? null : URI.create(endpoint),
          text("aws.default_region", "us-east-1"),
          access.isEmpty() ? null : access,
          secret.isEmpty() ? null : secret);
    } catch (IllegalArgumentException e) {
      throw wrong("storage.url", String.valueOf(e.getMessage()));
    }
  }

  private Config.@Nullable Cache cache(@Nullable Path directory) throws ConfigException {
    String dir = text("cache.dir", "");
    double size = number("cache.disk_size_gb", CACHE_GIB);
    if (size < CACHE_GIB_MIN) {
      throw wrong("cache.disk_size_gb", size + " is too little: at least " + CACHE_GIB_MIN);
    }
    if (dir.isEmpty()) {
      return null;
    }
    Path path = directory == null ? Path.of(dir) : directory.resolve(dir);
    return new Config.Cache(path, (long) (size * GIB));
  }

  private Config.Warmth warmMetadata() throws ConfigException {
    String text = text("cache.warm_metadata", "filters_index");
    return switch (text) {
      case "off" -> Config.Warmth.OFF;
      case "filters_index" -> Config.Warmth.FILTERS_INDEX;
      case "full" -> Config.Warmth.FULL;
      default ->
          throw wrong(
              "cache.warm_metadata", "'" + text + "' is not one of off, filters_index, full");
    };
  }

  private boolean hasJournal() throws ConfigException {
    return flag("journal.enabled", true);
  }

  private Config.@Nullable Journal journal(@Nullable Path directory) throws ConfigException {
    String dir = text("journal.dir", "journal");
    double size = number("journal.size_gb", 1);
    if (size < JOURNAL_GIB_MIN) {
      throw wrong("journal.size_gb", size + " is too little: at least " + JOURNAL_GIB_MIN);
    }
    boolean abandons =
        switch (text("journal.foreign", "refuse")) {
          case "refuse" -> false;
          case "abandon" -> true;
          default -> throw wrong("journal.foreign", "must be 'refuse' or 'abandon'");
        };
    if (!hasJournal()) {
      return null;
    }
    if (dir.isEmpty()) {
      throw wrong("journal.dir", "must not be empty (to go without: journal.enabled = false)");
    }
    Path path = directory == null ? Path.of(dir) : directory.resolve(dir);
    return new Config.Journal(path, (long) (size * GIB), abandons);
  }

  private Compression compression() throws ConfigException {
    try {
      return Compression.parse(text("filesystem.compression", "zstd-3"));
    } catch (IllegalArgumentException e) {
      throw wrong("filesystem.compression", String.valueOf(e.getMessage()));
    }
  }

  private Config.Nfs nfs() throws ConfigException {
    NfsSettings.Durability durability =
        switch (text("servers.nfs.durability", hasJournal() ? "journal" : "store")) {
          case "journal" -> NfsSettings.Durability.JOURNAL;
          case "store" -> NfsSettings.Durability.STORE;
          case "memory" -> NfsSettings.Durability.MEMORY;
          default ->
              throw wrong("servers.nfs.durability", "must be 'journal', 'store' or 'memory'");
        };
    if (durability == NfsSettings.Durability.JOURNAL && !hasJournal()) {
      throw wrong("servers.nfs.durability", "there is no journal: journal.enabled is false");
    }
    List<NfsSettings.Network> allowed = new ArrayList<>();
    for (String each : strings("servers.nfs.allowed_networks", List.of("127.0.0.0/8", "::1/128"))) {
      try {
        allowed.add(NfsSettings.Network.parse(each));
      } catch (IllegalArgumentException e) {
        throw wrong("servers.nfs.allowed_networks", String.valueOf(e.getMessage()));
      }
    }
    NfsSettings settings =
        new NfsSettings(
            durability,
            flag("servers.nfs.read_only"),
            flag("servers.nfs.root_squash"),
            flag("servers.nfs.all_squash"),
            (int) number("servers.nfs.anon_uid", 65534),
            (int) number("servers.nfs.anon_gid", 65534),
            allowed,
            0);
    return new Config.Nfs(
        addresses("servers.nfs.addresses", List.of("127.0.0.1:2049")),
        addresses("servers.nfs.portmap_addresses", List.of()),
        settings);
  }

  private List<String> addresses(String key, List<String> otherwise) throws ConfigException {
    List<String> addresses = strings(key, otherwise);
    for (String each : addresses) {
      int colon = each.lastIndexOf(':');
      boolean isAddress = each.matches("\\[?[0-9a-zA-Z.:-]+]?:\\d{1,5}");
      if (!isAddress || Integer.parseInt(each.substring(colon + 1)) > 65_535) {
        throw wrong(key, "'" + each + "' is not host:port");
      }
    }
    if (addresses.isEmpty() && !otherwise.isEmpty()) {
      throw wrong(key, "must name at least one host:port");
    }
    return addresses;
  }

  /// Refuses keys that nothing reads: a typo must not be a silent default.
  private void checkTable(TomlTable table, String prefix) throws ConfigException {
    for (String key : table.keySet()) {
      String path = prefix + key;
      boolean isTable =
          KEYS.keySet().stream().anyMatch(t -> t.equals(path) || t.startsWith(path + "."));
      boolean isKey =
          !prefix.isEmpty() && keysOf(prefix.substring(0, prefix.length() - 1)).contains(key);
      if (!isTable && !isKey) {
        throw unknown(table, key, path);
      }
      if (isTable) {
        TomlTable inner = table.isTable(List.of(key)) ? table.getTable(List.of(key)) : null;
        if (inner == null) {
          throw wrong(path, "must be a table: [" + path + "]");
        }
        checkTable(inner, path + ".");
      }
    }
  }

  private static Set<String> keysOf(String table) {
    return KEYS.getOrDefault(table, Set.of());
  }

  private ConfigException unknown(TomlTable table, String key, String path) {
    TomlPosition position = table.inputPositionOf(List.of(key));
    String absent = ABSENT.get(path);
    if (absent != null) {
      return new ConfigException(
          file
              + place(position)
              + ": ["
              + path
              + "]: "
              + absent
              + " is not in this version: remove the section");
    }
    Set<String> known = new TreeSet<>();
    KEYS.forEach(
        (name, keys) -> {
          known.add(name);
          keys.forEach(each -> known.add(name + "." + each));
        });
    String nearest = known.iterator().next();
    for (String each : known) {
      if (distance(each, path) < distance(nearest, path)) {
        nearest = each;
      }
    }
    return new ConfigException(
        file + place(position) + ": unknown key '" + path + "'; did you mean '" + nearest + "'?");
  }

  private static String place(@Nullable TomlPosition position) {
    return position == null ? "" : ", line " + position.line() + ", column " + position.column();
  }

  private ConfigException wrong(String key, String what) {
    return new ConfigException(file + place(toml.inputPositionOf(key)) + ": " + key + ": " + what);
  }

  private String required(String key) throws ConfigException {
    Object value = toml.get(key);
    if (value == null) {
      throw new ConfigException(file + ": " + key + " is missing");
    }
    String text = text(key, "");
    if (text.isEmpty()) {
      throw wrong(key, "must not be empty");
    }
    return text;
  }

  private String text(String key, String otherwise) throws ConfigException {
    Object value = toml.get(key);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof String text)) {
      throw wrong(key, "must be a string");
    }
    return expanded(key, text);
  }

  private String expanded(String key, String text) throws ConfigException {
    Matcher matcher = VARIABLE.matcher(text);
    StringBuilder out = new StringBuilder();
    while (matcher.find()) {
      String value = environment.apply(matcher.group(1));
      if (value == null) {
        throw wrong(key, "environment variable " + matcher.group(1) + " is not set");
      }
      matcher.appendReplacement(out, Matcher.quoteReplacement(value));
    }
    return matcher.appendTail(out).toString();
  }

  private double number(String key, double otherwise) throws ConfigException {
    return switch (toml.get(key)) {
      case null -> otherwise;
      case Long whole -> whole;
      case Double real -> real;
      default -> throw wrong(key, "must be a number");
    };
  }

  private boolean flag(String key) throws ConfigException {
    return flag(key, false);
  }

  private boolean flag(String key, boolean otherwise) throws ConfigException {
    return switch (toml.get(key)) {
      case null -> otherwise;
      case Boolean value -> value;
      default -> throw wrong(key, "must be true or false");
    };
  }

  private List<String> strings(String key, List<String> otherwise) throws ConfigException {
    Object value = toml.get(key);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof TomlArray array)) {
      throw wrong(key, "must be a list of strings");
    }
    List<String> strings = new ArrayList<>();
    for (Object each : array.toList()) {
      if (!(each instanceof String text)) {
        throw wrong(key, "must be a list of strings");
      }
      strings.add(expanded(key, text));
    }
    return strings;
  }

  /// Levenshtein distance: how many single characters differ.
  static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int replaced = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[other.length()];
  }
}
