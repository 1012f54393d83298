package zerofs.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The server as a process, on days when something is wrong: one sentence that says what to do, the
/// documented exit code, no stack trace, and a volume that opens again once the cause is gone.
class BadDaysTest {
  private static final long SECONDS_MAX = 120;

  @TempDir private Path directory;

  /// A process and what it has printed so far.
  private final class Run {
    private final Process process;
    private final Path output;

    Run(String name, String... arguments) throws IOException {
      output = directory.resolve(name + ".out");
      Stream<String> command =
          Stream.of(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-Xmx128m",
              "--enable-native-access=ALL-UNNAMED",
              "-cp",
              System.getProperty("java.class.path"),
              Main.class.getName());
      process =
          new ProcessBuilder(Stream.concat(command, Stream.of(arguments)).toList())
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .start();
    }

    Run awaitReady() throws IOException, InterruptedException {
      while (process.isAlive() && !text().contains("ready")) {
        process.waitFor(20, TimeUnit.MILLISECONDS);
      }
      assertThat(text()).contains("ready");
      return this;
    }

    String text() throws IOException {
      return Files.readString(output);
    }

    void stop() throws IOException, InterruptedException {
      process.destroy();
      assertEnds(ExitCode.OK);
    }

    void assertEnds(int code, String... parts) throws IOException, InterruptedException {
      boolean ended = process.waitFor(SECONDS_MAX, TimeUnit.SECONDS);
      process.destroyForcibly();
      assertThat(ended).as("ended by itself: " + text()).isTrue();
      assertThat(text()).doesNotContain("\tat ");
      for (String part : parts) {
        assertThat(text()).contains(part);
      }
      assertThat(process.exitValue()).as(text()).isEqualTo(code);
    }
  }

  private Path config(String name, Path store, String password, String more) throws IOException {
    Path file = directory.resolve(name + ".toml");
    List<String> lines =
        List.of(
            "[storage]",
            "url = \"file://" + store + "\"",
            "encryption_password = \"" + password + "\"",
            "[memory]",
            "budget_gb = 0.25",
            "[admin]",
            "socket = \"" + name + ".sock\"",
            more);
    Files.write(file, lines);
    return file;
  }

  private Path config(String name) throws IOException {
    return config(
        name,
        directory.resolve("store"),
        "right password",
        "[servers.nfs]\naddresses = [\"127.0.0.1:0\"]");
  }

  private Run run(String name, Path config) throws IOException {
    return new Run(name, "run", "-c", config.toString());
  }

  private void assertRefused(Path config, int code, String... parts) throws Exception {
    run("refused", config).assertEnds(code, parts);
  }

  private void makeVolume() throws Exception {
    run("made", config("made")).awaitReady().stop();
  }

  @Test
  void aWrongPasswordIsSaidAndHarmsNothing() throws Exception {
    makeVolume();
    Path wrong = config("wrong", directory.resolve("store"), "wrong password", "");
    assertRefused(wrong, ExitCode.PASSWORD, "zerofs: ", "password");
    new Run("change", "change-password", "-c", wrong.toString())
        .assertEnds(ExitCode.USAGE, "at least 8 characters");
    makeVolume();
  }

  @Test
  void aDirectoryThatSomethingElseUsesIsLeftAlone() throws Exception {
    Path store = Files.createDirectories(directory.resolve("store"));
    Files.writeString(store.resolve("notes.txt"), "mine");
    assertRefused(config("foreign"), ExitCode.NOT_A_VOLUME, "notes.txt", "give an empty prefix");
    assertThat(Files.readString(store.resolve("notes.txt"))).isEqualTo("mine");
    assertThat(store.resolve("volume")).doesNotExist();
  }

  @Test
  void lostManifestsAreNotTakenForAnEmptyVolume() throws Exception {
    makeVolume();
    Path manifests = directory.resolve("store/manifest");
    Path kept = directory.resolve("kept");
    Files.move(manifests, kept);
    assertRefused(config("lost"), ExitCode.CORRUPT, "no manifest any more", "nothing was changed");
    Files.move(kept, manifests);
    makeVolume();
  }

  @Test
  void aDamagedOrMissingLogObjectIsNamed() throws Exception {
    makeVolume();
    Path log = directory.resolve("store/log");
    List<Path> objects;
    try (Stream<Path> all = Files.walk(log)) {
      objects = all.filter(Files::isRegularFile).sorted().toList();
    }
    Path first = objects.getFirst();
    byte[] bytes = Files.readAllBytes(first);
    Files.delete(first);
    byte[] damaged = bytes.clone();
    damaged[damaged.length / 2] ^= 1;
    Files.write(first, damaged);
    assertRefused(config("damaged"), ExitCode.CORRUPT, "log/");
    Files.delete(first);
    assertRefused(config("missing"), ExitCode.CORRUPT, "log/", "missing");
    Files.write(first, bytes);
    makeVolume();
  }

  @Test
  void aTakenPortIsNamed() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Path config =
          config(
              "port",
              directory.resolve("store"),
              "right password",
              "[servers.nfs]\naddresses = [\"127.0.0.1:" + taken.getLocalPort() + "\"]");
      assertRefused(config, ExitCode.ADDRESS, "127.0.0.1 port " + taken.getLocalPort());
    }
    makeVolume();
  }

  @Test
  void aStoreThatCannotBeThereIsSaid() throws Exception {
    Path file = Files.writeString(directory.resolve("plain-file"), "");
    Path config = config("nowhere", file.resolve("store"), "right password", "");
    assertRefused(config, ExitCode.STORE, "zerofs: could not open the storage directory");
  }

  @Test
  void aTypoInTheConfigurationHasAPlace() throws Exception {
    Path config =
        config("typo", directory.resolve("store"), "p", "[filesystem]\nmax_sise_gb = 3");
    assertRefused(config, ExitCode.USAGE, "line 9", "max_size_gb");
    assertThat(directory.resolve("store")).doesNotExist();
  }

  @Test
  void theSecondServerOfOneConfigurationIsRefused() throws Exception {
    Path config = config("one");
    Run first = run("first", config).awaitReady();
    assertRefused(config, ExitCode.USAGE, "one.sock");
    first.stop();
  }

  @Test
  void aSecondWriterTakesOverAndTheFirstSaysSo() throws Exception {
    Run first = run("first", config("first")).awaitReady();
    Run second = run("second", config("second")).awaitReady();
    // A clean stop plants a fence, where the second one's stands.
    first.process.destroy();
    first.process.waitFor(SECONDS_MAX, TimeUnit.SECONDS);
    assertThat(first.text()).doesNotContain("\tat ");
    second.stop();
  }
}
