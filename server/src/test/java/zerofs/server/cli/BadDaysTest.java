package zerofs.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import zerofs.objectstore.FakeS3;
import zerofs.server.metrics.Exposition;
import zerofs.server.nfs.RpcClient;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.xdr.XdrReader;

/// The server as a process, on days when something is wrong: one sentence that says what to do, the
/// documented exit code, no stack trace, and a volume that opens again once the cause is gone.
@SuppressWarnings("NullAway.Init")
@Timeout(value = 300, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class BadDaysTest {
  private static final long SECONDS_MAX = 120;

  private static final String ANY_PORT = "[servers.nfs]\naddresses = [\"127.0.0.1:0\"]";

  @TempDir private static Path madeOnce;

  @TempDir private Path directory;
  private String answer = "";
  private String newPassword = "short";

  /// A killed server leaves its stage in shared memory, for the next one; here none comes.
  @AfterEach
  void removeStages() throws IOException {
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path each : files.filter(file -> file.endsWith("id")).toList()) {
        String id = HexFormat.of().formatHex(Files.readAllBytes(each));
        try (DirectoryStream<Path> stages =
            Files.newDirectoryStream(Path.of("/dev/shm"), "zerofs-" + id + "-*")) {
          for (Path stage : stages) {
            Files.delete(stage);
          }
        }
      }
    }
  }

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
              "-XX:+UseSerialGC",
              "-XX:TieredStopAtLevel=1",
              "-Xshare:auto",
              "--enable-native-access=ALL-UNNAMED",
              "-cp",
              System.getProperty("java.class.path"),
              Main.class.getName());
      ProcessBuilder builder =
          new ProcessBuilder(Stream.concat(command, Stream.of(arguments)).toList());
      builder.environment().put("XDG_RUNTIME_DIR", directory.toString());
      builder.environment().put("ZEROFS_NEW_PASSWORD", newPassword);
      builder.environment().put("AWS_ACCESS_KEY_ID", "a");
      builder.environment().put("AWS_SECRET_ACCESS_KEY", "s");
      builder.directory(directory.toFile());
      process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
    }

    Run awaitReady() throws IOException, InterruptedException {
      return await("ready");
    }

    Run await(String part) throws IOException, InterruptedException {
      while (process.isAlive() && !text().contains(part)) {
        process.waitFor(20, TimeUnit.MILLISECONDS);
      }
      assertThat(text()).contains(part);
      return this;
    }

    String text() throws IOException {
      return Files.readString(output);
    }

    void kill() throws InterruptedException {
      process.destroyForcibly().waitFor(SECONDS_MAX, TimeUnit.SECONDS);
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
    return config(name, directory.resolve("store"), "right password", ANY_PORT);
  }

  private Run run(String name, Path config) throws IOException {
    return new Run(name, "run", "-c", config.toString());
  }

  /// By a process of its own: what ends once it has told others that it serves the volume.
  private void assertEnds(Path config, int code, String... parts) throws Exception {
    run("ends", config).assertEnds(code, parts);
  }

  /// Here, since nothing was opened yet: it takes a fraction of the time.
  private void assertRefused(Path config, int code, String... parts) {
    assertCommand(code, "zerofs: ", "run", "-c", config.toString());
    assertThat(answer).contains(parts);
  }

  /// Copies a volume that was made once.
  private void makeVolume() throws Exception {
    Path template = madeOnce.resolve("store");
    if (!Files.exists(template)) {
      run("made", config("made", template, "right password", ANY_PORT)).awaitReady().stop();
    }
    try (Stream<Path> all = Files.walk(template)) {
      for (Path each : all.toList()) {
        Files.copy(each, directory.resolve("store").resolve(template.relativize(each)));
      }
    }
  }

  private void assertServes() throws Exception {
    run("served", config("served")).awaitReady().stop();
  }

  /// Runs a command that asks or writes files only, here.
  private void assertCommand(int code, String part, String... arguments) {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream out = System.out;
    PrintStream err = System.err;
    try (PrintStream captured = new PrintStream(said, true, StandardCharsets.UTF_8)) {
      System.setOut(captured);
      System.setErr(captured);
      assertThat(Main.execute(arguments)).isEqualTo(code);
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
    answer = said.toString(StandardCharsets.UTF_8);
    assertThat(answer).contains(part).doesNotContain("\tat ");
  }

  @Test
  void aWrongPasswordIsSaidAndHarmsNothing() throws Exception {
    makeVolume();
    Path wrong = config("wrong", directory.resolve("store"), "wrong password", "");
    assertRefused(wrong, ExitCode.PASSWORD, "zerofs: ", "password");
    new Run("change", "change-password", "-c", wrong.toString())
        .assertEnds(ExitCode.USAGE, "at least 8 characters");
    assertServes();
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
    assertServes();
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
    assertEnds(config("damaged"), ExitCode.CORRUPT, "log/");
    Files.delete(first);
    assertEnds(config("missing"), ExitCode.CORRUPT, "log/", "missing");
    Files.write(first, bytes);
    assertServes();
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
      assertEnds(config, ExitCode.ADDRESS, "127.0.0.1 port " + taken.getLocalPort());
    }
    assertServes();
  }

  @Test
  void aStoreThatCannotBeThereIsSaid() throws Exception {
    Path file = Files.writeString(directory.resolve("plain-file"), "");
    Path config = config("nowhere", file.resolve("store"), "right password", "");
    assertRefused(config, ExitCode.STORE, "zerofs: could not open the storage directory");
  }

  @Test
  void aTypoInTheConfigurationHasAPlace() throws Exception {
    Path config = config("typo", directory.resolve("store"), "p", "[filesystem]\nmax_sise_gb = 3");
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
  void aSecondWriterIsRefusedUnlessItTakesOverAndAKilledOneIsInNobodysWay() throws Exception {
    Run first = run("first", withJournal("first", "a")).awaitReady();
    Path other = withJournal("second", "b");
    assertEnds(other, ExitCode.USAGE, "first.sock", "--takeover");
    Run second = new Run("second", "run", "--takeover", "-c", other.toString()).awaitReady();
    // A clean stop plants a fence, where the second one's stands.
    first.process.destroy();
    first.process.waitFor(SECONDS_MAX, TimeUnit.SECONDS);
    assertThat(first.text()).doesNotContain("\tat ");
    Path last = withJournal("third", "b");
    assertEnds(last, ExitCode.USAGE, "second.sock");
    second.kill();
    Run third = run("third", last).awaitReady();
    third.kill();
    run("again", last).awaitReady().stop();
  }

  private Path withJournal(String name, String journal) throws IOException {
    return config(
        name,
        directory.resolve("store"),
        "right password",
        "[journal]\ndir = \"" + journal + "\"\n" + ANY_PORT);
  }

  @Test
  void whatOnlyAnotherJournalMayHaveIsNotLeftOutWithoutAWord() throws Exception {
    Path here = withJournal("here", "a");
    Path there = withJournal("there", "b");
    run("first", here).awaitReady().kill();
    assertEnds(there, ExitCode.UNCLOSED_EPOCH, "its journal may hold changes", "--takeover");
    run("again", here).awaitReady().stop();
    run("elsewhere", there).awaitReady().kill();
    new Run("taken", "run", "--takeover", "-c", here.toString()).awaitReady().stop();
    Run back = run("back", there).awaitReady();
    assertThat(back.text()).contains("set aside");
    back.stop();
  }

  @Test
  void aJournalThatCannotBeUsedIsSaid() throws Exception {
    Run first = run("first", withJournal("first", "a")).awaitReady();
    new Run("second", "run", "--takeover", "-c", withJournal("second", "a").toString())
        .assertEnds(ExitCode.USAGE, "another process has the journal");
    first.stop();
    Path file = Files.writeString(directory.resolve("file"), "");
    assertRefused(
        withJournal("third", file + "/x"), ExitCode.USAGE, "can't keep a journal", "journal.dir");
  }

  @Test
  void aWrongPasswordIsNotReplacedByANewOne() throws Exception {
    makeVolume();
    newPassword = "long enough";
    Path wrong = config("wrong", directory.resolve("store"), "wrong password", "");
    new Run("change", "change-password", "-c", wrong.toString())
        .assertEnds(ExitCode.PASSWORD, "password");
    new Run("change2", "change-password", "-c", config("right").toString())
        .assertEnds(ExitCode.OK, "storage.encryption_password");
    assertRefused(config("old"), ExitCode.PASSWORD, "password");
  }

  @Test
  void aNewerFormatIsLeftAlone() throws Exception {
    makeVolume();
    Path object = directory.resolve("store/volume");
    byte[] bytes = Files.readAllBytes(object);
    ByteBuffer newer = ByteBuffer.wrap(bytes.clone()).order(ByteOrder.LITTLE_ENDIAN);
    newer.putLong(24, 4); // An incompat bit.
    CRC32C crc = new CRC32C();
    crc.update(newer.array(), 0, 56);
    newer.putInt(56, (int) crc.getValue());
    Files.delete(object);
    Files.write(object, newer.array());
    assertRefused(config("newer"), ExitCode.NOT_A_VOLUME, "incompat=0x4", "newer release");
    Files.write(object, bytes);
    assertServes();
  }

  private Path bucket(String name, int port) throws IOException {
    Path file = directory.resolve(name + ".toml");
    Files.write(
        file,
        List.of(
            "[storage]",
            "url = \"s3://bucket/prefix\"",
            "encryption_password = \"p\"",
            "[aws]",
            "endpoint = \"http://127.0.0.1:" + port + "\"",
            "allow_http = true",
            "access_key_id = \"a\"",
            "secret_access_key = \"s\"",
            "[servers.nfs]",
            "addresses = [\"127.0.0.1:0\"]",
            "[admin]",
            "socket = \"" + name + ".sock\""));
    return file;
  }

  @Test
  void aStoreWithoutCreateOnlyIsRefused() throws Exception {
    HttpServer careless =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    careless.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().add("ETag", "\"e\"");
          exchange.sendResponseHeaders(exchange.getRequestMethod().equals("PUT") ? 200 : 204, -1);
          exchange.close();
        });
    careless.start();
    try {
      assertRefused(
          bucket("careless", careless.getAddress().getPort()), ExitCode.STORE, "If-None-Match");
    } finally {
      careless.stop(0);
    }
  }

  @Test
  void aStartThatWaitsForItsStoreSaysSoAndStopsAtOnce() throws Exception {
    try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Run run = run("waits", bucket("waits", silent.getLocalPort()));
      run.await("opening the volume: ");
      run.stop();
      assertThat(run.text()).contains("stopped before the volume was open");
    }
  }

  /// Before the volume is opened: nothing is taken from a server that has it.
  @Test
  void aTakenPortForMetricsIsNamed() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String address = "127.0.0.1:" + taken.getLocalPort();
      String section = "[prometheus]\naddresses = [\"" + address + "\"]";
      Path config =
          config(
              "metrics", directory.resolve("store"), "right password", ANY_PORT + "\n" + section);
      assertEnds(
          config,
          ExitCode.ADDRESS,
          "127.0.0.1 port " + taken.getLocalPort(),
          "set another address in prometheus.addresses");
      assertThat(directory.resolve("store/volume")).doesNotExist();
    }
  }

  @Test
  void aTakenPortmapperPortIsNamed() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String address = "127.0.0.1:" + taken.getLocalPort();
      Path config =
          config(
              "portmap",
              directory.resolve("store"),
              "right password",
              "[servers.nfs]\naddresses = [\"127.0.0.1:0\"]\nportmap_addresses = [\""
                  + address
                  + "\"]");
      assertEnds(config, ExitCode.ADDRESS, "servers.nfs.portmap_addresses", "rpcbind");
    }
  }

  @Test
  void whatAsksAServerThatDoesNotRunSaysHowToStartIt() throws Exception {
    Path config = config("none");
    assertCommand(
        ExitCode.UNEXPECTED, "start it with 'zerofs run", "status", "-c", config.toString());
    assertCommand(ExitCode.UNEXPECTED, "no server answers", "flush", "-c", config.toString());
    assertCommand(ExitCode.USAGE, "exists already", "init", config.toString());
    assertThat(Files.readString(config)).contains("none.sock");
  }

  @Test
  void quickstartGoesOnWithWhatIsThereAndRefusesToRunTwice() throws Exception {
    Path where = directory.resolve("quick start");
    Path file = where.resolve("zerofs.toml");
    Main.Quickstart.prepare(where, file, "file://" + where.resolve("store"));
    Files.writeString(file, Files.readString(file).replace(":2049", ":0"));
    for (String each : List.of("once", "again")) {
      Run run = new Run(each, "quickstart", where.toString()).awaitReady();
      assertThat(run.text()).contains("mount -t nfs -o vers=3").doesNotContain("port=0");
      new Run("beside-" + each, "quickstart", where.toString())
          .assertEnds(ExitCode.USAGE, "is running already");
      run.stop();
    }
  }

  @Test
  void aRunningServerIsAskedOverASocketOfItsUserOnly() throws Exception {
    Path config = config("asked");
    Run server = run("asked", config).awaitReady();
    assertThat(Files.getPosixFilePermissions(directory.resolve("asked.sock")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    assertCommand(ExitCode.OK, "\"health\": \"ok\"", "status", "--json", "-c", config.toString());
    assertThat(answer.strip()).matches("\\{(\"[a-z_.]+\": (\\d+|\"[^\"\\\\]*\")(, |}$))+");
    assertCommand(ExitCode.OK, "flushed", "flush", "-c", config.toString());
    // Someone who connects and says nothing keeps nobody from asking.
    try (SocketChannel mute =
        SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("asked.sock")))) {
      assertThat(mute.isConnected()).isTrue();
      assertCommand(ExitCode.OK, "health", "status", "-c", config.toString());
    }
    server.stop();
    assertThat(directory.resolve("asked.sock")).doesNotExist();
  }

  /// What quickstart writes for a bucket at an endpoint, on a port that is free.
  private Path quickstartFile(FakeS3 s3) throws IOException {
    Path file = Files.createDirectories(directory.resolve("zerofs-data")).resolve("zerofs.toml");
    String made = ConfigTemplate.of("s3://bucket/some/prefix", "secret", "" + s3.endpoint());
    Files.writeString(
        file,
        made.replace(":2049", ":0")
            + "[admin]\nstop_seconds = 1\n[prometheus]\naddresses = [\"127.0.0.1:0\"]\n");
    return file;
  }

  private Run quickstart(String name) throws Exception {
    return new Run(name, "quickstart", "s3://bucket/some/prefix").awaitReady();
  }

  private static RpcClient connect(Run server) throws IOException {
    Matcher port = Pattern.compile("serving NFS on 127.0.0.1:(\\d+)").matcher(server.text());
    assertThat(port.find()).isTrue();
    return new RpcClient(
        new Socket(InetAddress.getLoopbackAddress(), Integer.parseInt(port.group(1))));
  }

  /// The answer of a page of its metrics' address: status, then body.
  private static String ask(Run server, String path) throws Exception {
    Matcher port = Pattern.compile("serving metrics on 127.0.0.1:(\\d+)").matcher(server.text());
    assertThat(port.find()).isTrue();
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port.group(1) + path))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      return answer.statusCode() + " " + answer.body().strip();
    }
  }

  private static int write(RpcClient client, int xid, byte[] file, int stable, String text)
      throws Exception {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return client
        .nfs(xid, NfsProcedure.WRITE, out -> RpcClient.writeArguments(out, file, 0, stable, bytes))
        .int32();
  }

  /// The end of the reply is what was read.
  private static String read(RpcClient client, int xid, byte[] file) throws Exception {
    XdrReader reply =
        client.nfs(xid, NfsProcedure.READ, out -> out.opaque(file).int64(0).int32(100));
    assertThat(reply.int32()).isZero();
    assertThat(reply.bool()).isTrue();
    for (int i = 0; i < 84 / 4 + 2; i++) {
      reply.int32();
    }
    return new String(reply.opaque(100), StandardCharsets.UTF_8);
  }

  private static byte[] lookUp(RpcClient client, int xid, byte[] root, String name)
      throws Exception {
    XdrReader reply =
        client.nfs(xid, NfsProcedure.LOOKUP, out -> out.opaque(root).opaque(RpcClient.bytes(name)));
    assertThat(reply.int32()).isZero();
    return reply.opaque(64);
  }

  private void awaitStatus(Path file, String part) {
    do {
      assertCommand(ExitCode.OK, "health", "status", "-c", file.toString());
    } while (!answer.contains(part));
  }

  /// Quickstart on a bucket whose endpoint goes away twice: once for a while, once until after the
  /// server was told to stop.
  @Test
  void aBucketThatGoesAwayIsWaitedForAndNothingAcknowledgedIsLost() throws Exception {
    try (FakeS3 s3 = new FakeS3()) {
      Path file = quickstartFile(s3);
      Run first = quickstart("first");
      try (RpcClient client = connect(first)) {
        byte[] root = client.mount();
        byte[] stored = client.create(2, root, "stored");
        assertThat(write(client, 3, stored, 2, "before")).isZero();
        assertThat(ask(first, "/readyz")).isEqualTo("200 ok");
        assertThat(Exposition.parse(ask(first, "/metrics").substring(4) + "\n").names())
            .contains("zerofs_barrier_seconds", "zerofs_resident_memory_max_bytes");
        byte[] waiting = client.create(4, root, "waiting");
        s3.stop();
        assertThat(write(client, 5, waiting, 0, "meanwhile")).isZero();
        client.send(6, NfsProcedure.PROGRAM, 3, 21, out -> out.opaque(waiting).int64(0).int32(0));
        awaitStatus(file, "storing is stalled: PUT log/");
        assertThat(answer).contains("the connection was refused", "s3://bucket/some/prefix");
        assertThat(ask(first, "/readyz")).startsWith("503 storing is stalled: PUT log/");
        assertThat(ask(first, "/livez")).isEqualTo("200 ok");
        s3.comeBack();
        assertThat(client.reply(6).int32()).as("COMMIT").isZero();
        awaitStatus(file, "ok");
        assertThat(ask(first, "/readyz")).isEqualTo("200 ok");
      }
      first.process.destroyForcibly().waitFor(SECONDS_MAX, TimeUnit.SECONDS);

      Run second = quickstart("second");
      try (RpcClient client = connect(second)) {
        byte[] root = client.mount();
        byte[] stored = lookUp(client, 2, root, "stored");
        assertThat(read(client, 3, stored)).isEqualTo("before");
        assertThat(read(client, 4, lookUp(client, 5, root, "waiting"))).isEqualTo("meanwhile");
        s3.stop();
        assertThat(write(client, 6, stored, 0, "never committed")).isZero();
        second.process.destroy();
        second.assertEnds(
            ExitCode.STORE,
            "zerofs: stopped without storing the last",
            "longer than 1 s",
            "in this machine's journal");
      }

      s3.comeBack();
      Run third = quickstart("third");
      try (RpcClient client = connect(third)) {
        assertThat(read(client, 2, lookUp(client, 3, client.mount(), "stored")))
            .as("the journal had it")
            .isEqualTo("never committed");
      }
      third.stop();
    }
  }

  @Test
  void aClockThatIsWrongIsSaid() throws Exception {
    try (FakeS3 s3 = new FakeS3()) {
      s3.fail(403, "RequestTimeTooSkewed");
      assertRefused(bucket("skewed", s3.endpoint().getPort()), ExitCode.STORE, "clock", "set it");
    }
  }

  @Test
  void aQuickstartFileOfAnotherBucketIsNotUsed() throws Exception {
    try (FakeS3 s3 = new FakeS3()) {
      quickstartFile(s3);
      new Run("other", "quickstart", "s3://another/prefix")
          .assertEnds(ExitCode.USAGE, "is for s3://bucket/some/prefix: run quickstart elsewhere");
    }
  }
}
