package zerofs.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.base.Randomness;
import zerofs.base.SystemRandomness;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.check.Finding;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.FileObjectStore;
import zerofs.objectstore.ObjectStore;

/// `zerofs fsck` as a user meets it.
@SuppressWarnings("NullAway.Init")
class FsckCommandTest {
  @TempDir private Path directory;
  private Path config;
  private String out = "";
  private String errors = "";

  @BeforeEach
  void makeVolume() throws Exception {
    config = directory.resolve("zerofs.toml");
    configure("the right password");
    Tasks tasks =
        new SystemTasks(
            (name, e) -> {
              throw new IllegalStateException(name, e);
            });
    Randomness randomness = new SystemRandomness();
    Files.createDirectory(directory.resolve("store"));
    try (ObjectStore store = FileObjectStore.open(directory.resolve("store"), false, 0, tasks)) {
      VolumeSecrets secrets =
          VolumeSecrets.createOrOpen(store, "the right password", tasks, randomness);
      Volume volume =
          new Volume(
              store,
              secrets,
              Volume.Settings.standard("host"),
              tasks,
              randomness,
              SlabMemory.direct(),
              reason -> {
                throw new IllegalStateException(reason);
              });
      Call call = Call.waiting(Caller.ROOT);
      long file =
          volume
              .create(call, Filesystem.ROOT, Name.of("a file"), 0644, false, SetAttributes.NONE)
              .inode();
      byte[] bytes = new byte[100_000];
      new Random(1).nextBytes(bytes);
      volume.write(call, file, 0, ByteBuffer.wrap(bytes));
      volume.barrier(volume.committedSequence());
      volume.close();
    }
  }

  private void configure(String password) throws IOException {
    Files.writeString(
        config,
        "[storage]\nurl = \"file://"
            + directory.resolve("store")
            + "\"\nencryption_password = \""
            + password
            + "\"\n");
  }

  private int fsck(String... more) {
    PrintStream outBefore = System.out;
    PrintStream errorsBefore = System.err;
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    ByteArrayOutputStream complained = new ByteArrayOutputStream();
    String[] arguments =
        Stream.concat(Stream.of("fsck", "-c", config.toString()), Arrays.stream(more))
            .toArray(String[]::new);
    try {
      System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
      System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
      return Main.execute(arguments);
    } finally {
      System.setOut(outBefore);
      System.setErr(errorsBefore);
      out = said.toString(StandardCharsets.UTF_8);
      errors = complained.toString(StandardCharsets.UTF_8);
      assertThat(errors).doesNotContain("\tat ");
    }
  }

  private void damageLog() throws IOException {
    try (Stream<Path> files = Files.walk(directory.resolve("store/log"))) {
      Path largest =
          files
              .filter(Files::isRegularFile)
              .filter(each -> each.toFile().length() > 100_000)
              .findAny()
              .orElseThrow();
      byte[] bytes = Files.readAllBytes(largest);
      bytes[40_000] ^= 1;
      Files.write(largest, bytes);
    }
  }

  @Test
  void aHealthyVolume() {
    assertThat(fsck()).as(errors).isEqualTo(FsckCommand.HEALTHY);
    assertThat(out).contains("2 inodes, 1 of them directories").endsWith("nothing is wrong\n");
    assertThat(fsck("--json")).isEqualTo(FsckCommand.HEALTHY);
    assertThat(out).startsWith("{\"healthy\": true, ").contains("\"inodes\": 2");
  }

  @Test
  void damageIsNamed() throws IOException {
    damageLog();
    assertThat(fsck()).isEqualTo(FsckCommand.DAMAGED);
    assertThat(out)
        .contains("DAMAGE, frame-damaged:")
        .contains("(/a file): bytes 32768 to 65535 can't be read")
        .contains("2 things are wrong");
    assertThat(fsck("--json")).isEqualTo(FsckCommand.DAMAGED);
    assertThat(out)
        .startsWith("{\"healthy\": false")
        .contains("\"counts\": {\"data-unreadable\": 1, \"frame-damaged\": 1}");
    assertThat(fsck("--no-data")).isEqualTo(FsckCommand.HEALTHY);
    assertThat(out).contains("file data was not read");
  }

  @Test
  void whatCantBeCheckedIsSaidInASentence() throws IOException {
    configure("another password");
    assertThat(fsck()).isEqualTo(FsckCommand.FAILED);
    assertThat(errors).contains("zerofs: the volume can't be checked: ").contains("password");
    Files.writeString(config, "[storage]\nurl = \"file:///nowhere/at/all\"\n");
    assertThat(fsck()).isEqualTo(FsckCommand.USAGE);
    configure("the right password");
    assertThat(fsck("--repair")).isEqualTo(FsckCommand.USAGE);
    assertThat(errors).contains("--repair");
    Files.writeString(
        config,
        "[storage]\nurl = \"file:///nowhere/at/all\"\nencryption_password = \"12345678\"\n");
    assertThat(fsck()).isEqualTo(FsckCommand.FAILED);
    assertThat(errors).contains("/nowhere/at/all does not exist");
    assertThat(Path.of("/nowhere")).doesNotExist();
  }

  @Test
  void theDocumentHasEveryKind() throws IOException {
    String document = Files.readString(Path.of("../docs/FSCK.md"));
    assertThat(
            document
                .lines()
                .dropWhile(line -> !line.equals("## What can be wrong"))
                .filter(line -> line.startsWith("| "))
                .map(line -> line.split(" ")[1])
                .filter(id -> !id.equals("finding")))
        .containsExactlyElementsOf(
            Arrays.stream(Finding.Kind.values())
                .map(Finding.Kind::id)
                .collect(Collectors.toList()));
  }
}
