package zerofs.server.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.codec.Compression;
import zerofs.server.nfs.NfsSettings;

@SuppressWarnings("NullAway.Init")
class ConfigReaderTest {
  private static final String STORAGE =
      "[storage]\nurl = \"file:///tmp/x\"\nencryption_password = \"p\"\n";

  @TempDir Path directory;

  private Config read(String text) throws Exception {
    Path file = directory.resolve("zerofs.toml");
    Files.writeString(file, text);
    return ConfigReader.read(file, Map.of("SECRET", "from the environment")::get);
  }

  private void assertRefused(String text, String... parts) {
    assertThatThrownBy(() -> read(text))
        .isInstanceOf(ConfigException.class)
        .message()
        .contains(parts);
  }

  @Test
  void defaultsFillWhatIsNotGiven() throws Exception {
    Config config = read(STORAGE);
    assertThat(config.maxSizeBytes()).isEqualTo(Long.MAX_VALUE);
    assertThat(config.compression()).isEqualTo(new Compression.Zstd(3));
    assertThat(config.nfs().addresses()).containsExactly("127.0.0.1:2049");
  }

  @Test
  void anUnknownKeyIsNamedWithPlaceAndNearestKey() {
    assertRefused(
        STORAGE + "[filesystem]\nmax_sise_gb = 3\n",
        "line 5, column 1",
        "filesystem.max_sise_gb",
        "did you mean 'filesystem.max_size_gb'");
    assertRefused(STORAGE + "[server.nfs]\n", "unknown key 'server'");
  }

  @Test
  void metricsAreOffUntilTheyHaveAnAddress() throws Exception {
    assertThat(read(STORAGE).metricsAddresses()).isEmpty();
    Config config = read(STORAGE + "[prometheus]\naddresses = [\"127.0.0.1:9091\", \"[::1]:1\"]\n");
    assertThat(config.metricsAddresses()).containsExactly("127.0.0.1:9091", "[::1]:1");
    assertRefused(
        STORAGE + "[prometheus]\naddress = [\"127.0.0.1:9091\"]\n",
        "line 5, column 1",
        "did you mean 'prometheus.addresses'");
    assertRefused(
        STORAGE + "[prometheus]\naddresses = [\"here\"]\n", "line 5", "'here' is not host:port");
    assertRefused(STORAGE + "[prometheus]\naddresses = \"127.0.0.1:1\"\n", "a list of strings");
  }

  @Test
  void hedgesHaveAShareThatCanBeNone() throws Exception {
    assertThat(read(STORAGE).hedgePercent()).isEqualTo(5);
    assertThat(read(STORAGE + "hedge_percent = 0\n").hedgePercent()).isZero();
    for (String each : new String[] {"-1", "101", "2.5"}) {
      assertRefused(STORAGE + "hedge_percent = " + each + "\n", "line 4", "0 (off) to 100");
    }
  }

  @Test
  void whatThisVersionLacksIsSaidSo() {
    assertRefused(STORAGE + "[servers.nbd]\n", "line 4", "NBD is not in this version");
  }

  @Test
  void aJournalIsOnUnlessItIsSwitchedOffAndExportsUseIt() throws Exception {
    Config config = read(STORAGE);
    assertThat(config.journal())
        .isEqualTo(new Config.Journal(directory.resolve("journal"), 1L << 30, false));
    assertThat(config.nfs().settings().durability()).isEqualTo(NfsSettings.Durability.JOURNAL);
    assertThat(
            read(STORAGE + "[journal]\ndir = \"/j\"\nsize_gb = 2\nforeign = \"abandon\"\n")
                .journal())
        .isEqualTo(new Config.Journal(Path.of("/j"), 2L << 30, true));
    Config without = read(STORAGE + "[journal]\nenabled = false\n");
    assertThat(without.journal()).isNull();
    assertThat(without.nfs().settings().durability()).isEqualTo(NfsSettings.Durability.STORE);
  }

  @Test
  void aDiskCacheIsBesideTheFileUnlessItsPathIsAbsolute() throws Exception {
    assertThat(read(STORAGE).cache()).isNull();
    assertThat(read(STORAGE + "[cache]\ndisk_size_gb = 3\n").cache()).isNull();
    assertThat(read(STORAGE + "[cache]\ndir = \"c\"\n").cache())
        .isEqualTo(new Config.Cache(directory.resolve("c"), 10L << 30));
    assertThat(read(STORAGE + "[cache]\ndir = \"/c\"\ndisk_size_gb = 0.5\n").cache())
        .isEqualTo(new Config.Cache(Path.of("/c"), 1L << 29));
    assertRefused(STORAGE + "[cache]\ndir = \"c\"\ndisk_size_gb = 0\n", "too little");
    assertThat(read(STORAGE).warmMetadata()).isEqualTo(Config.Warmth.FILTERS_INDEX);
    assertThat(read(STORAGE + "[cache]\nwarm_metadata = \"full\"\n").warmMetadata())
        .isEqualTo(Config.Warmth.FULL);
    assertRefused(STORAGE + "[cache]\nwarm_metadata = \"all\"\n", "off, filters_index, full");
  }

  @Test
  void aWrongTypeOrValueIsNamedWithPlace() {
    assertRefused(STORAGE + "[memory]\nbudget_gb = \"much\"\n", "line 5", "must be a number");
    assertRefused(STORAGE + "[memory]\nbudget_gb = 0.1\n", "at least 0.25");
    assertRefused(STORAGE + "[filesystem]\ncompression = \"zip\"\n", "auto, zstd-1 to zstd-22");
    assertRefused(
        STORAGE + "[journal]\nenabled = false\n[servers.nfs]\ndurability = \"journal\"\n",
        "journal.enabled is false");
    assertRefused(STORAGE + "[servers.nfs]\ndurability = \"disk\"\n", "'journal', 'store'");
    assertRefused(STORAGE + "[journal]\nsize_gb = 0.01\n", "at least 0.0625");
    assertRefused(STORAGE + "[journal]\nforeign = \"ask\"\n", "'refuse' or 'abandon'");
    assertRefused(STORAGE + "[servers.nfs]\nallowed_networks = [\"home\"]\n", "'home'");
    assertRefused("[storage]\nurl = \"file:///x\"\n", "encryption_password is missing");
    assertRefused(STORAGE.replace("file:///", "ftp://"), "must be file:///directory or s3://");
    assertRefused(STORAGE + "x = [", "line 4");
  }

  @Test
  void variablesAreReplacedAndMissingOnesNamed() throws Exception {
    String text = STORAGE.replace("\"p\"", "\"${SECRET}\"");
    assertThat(read(text).password()).isEqualTo("from the environment");
    assertRefused(STORAGE.replace("\"p\"", "\"${NO_SUCH}\""), "NO_SUCH is not set");
  }

  @Test
  void aPlainHttpEndpointMustBeAllowed() throws Exception {
    String s3 = STORAGE.replace("file:///tmp/x", "s3://bucket/some/prefix/");
    assertRefused(s3 + "[aws]\nendpoint = \"http://h\"\n", "aws.allow_http");
    Config config = read(s3 + "[aws]\nendpoint = \"https://h\"\n");
    assertThat(java.util.Objects.requireNonNull(config.s3()).prefix()).isEqualTo("some/prefix/");
  }
}
