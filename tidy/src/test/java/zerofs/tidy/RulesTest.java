package zerofs.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/// Each rule sees what it forbids, and nothing in what it allows: a rule that finds nothing in the
/// tree may as well be broken.
class RulesTest {
  private static final String LSM = "storage/src/main/java/zerofs/lsm/Example.java";
  private static final String ENGINE = "filesystem/src/main/java/zerofs/fs/engine/Example.java";

  /// Apart, since these documents do not exist and the rules are run on this file too.
  private static final String DOCS = "docs" + "/";

  private static final String RIGHT =
      "/// " + DOCS + "RECOVERY.md \"Steps\", " + DOCS + "adr/0001, Rule FENCE_FIRST.";

  private static SourceTree tree(String path, String text, String... more) {
    List<SourceFile> files = new ArrayList<>();
    files.add(new SourceFile(path, text));
    for (int i = 0; i < more.length; i += 2) {
      files.add(new SourceFile(more[i], more[i + 1]));
    }
    return new SourceTree(files);
  }

  private static void requireSeen(
      Function<SourceTree, List<String>> rule, String path, String text, String... said) {
    List<String> found = rule.apply(tree(path, text));
    assertThat(found).as(text).hasSize(said.length);
    for (int i = 0; i < said.length; i++) {
      assertThat(found.get(i)).contains(said[i]);
    }
  }

  @Test
  void directions() {
    String start = "package zerofs.lsm;\nimport ";
    requireSeen(
        Directions::violations,
        LSM,
        start + "zerofs.log.LogWriter;",
        "Example.java:2: zerofs.lsm may");
    requireSeen(Directions::violations, LSM, start + "static zerofs.fs.Name.of;", "zerofs.fs.Name");
    requireSeen(Directions::violations, LSM, "package zerofs.lsm; zerofs.log.A a;", "zerofs.log.A");
    requireSeen(Directions::violations, LSM, start + "zerofs.codec.ObjectId; // zerofs.log.A");
    requireSeen(
        Directions::violations,
        "wire/src/main/java/zerofs/wire/rpc/A.java",
        "package zerofs.wire.rpc; import zerofs.base.Miss;",
        "zerofs.base.Miss");
    requireSeen(Directions::violations, "x/src/main/java/A.java", "package zerofs.x;", "no line");
  }

  @Test
  void protocolWords() {
    requireSeen(Directions::protocolWords, ENGINE, "int nfsStatus;", "nfsStatus");
    requireSeen(Directions::protocolWords, ENGINE, "class RpcCall {}", "RpcCall");
    requireSeen(Directions::protocolWords, ENGINE, "/// NFSv3 wants it.\nint transparcel;");
  }

  @Test
  void bannedCalls() {
    List<String> everywhere =
        List.of(
            "System.nanoTime()",
            "System\n.currentTimeMillis()",
            "Instant.now()",
            "new Random()",
            "ThreadLocalRandom.current()",
            "UUID.randomUUID()",
            "Thread.sleep(1)",
            "new Thread(this)",
            "Thread.startVirtualThread(this)",
            "sun.misc.Signal x",
            "new ThreadLocal<>()",
            "void finalize() {}",
            "Cleaner.create()");
    for (String code : everywhere) {
      assertThat(BannedCalls.violations(tree(ENGINE, code))).as(code).hasSize(1);
      assertThat(BannedCalls.violations(tree("wire/src/test/java/T.java", code))).hasSize(1);
      assertThat(BannedCalls.violations(tree(ENGINE, "// " + code.replace('\n', ' ')))).isEmpty();
      assertThat(BannedCalls.violations(tree(ENGINE, "s = \"" + code + "\";"))).isEmpty();
    }
    List<String> engine =
        List.of(
            "import java.util.concurrent.locks.Lock;",
            "ArrayBlockingQueue<A> a;",
            "synchronized (this) {}",
            "a.wait();",
            "Semaphore a;",
            "System.out.println()");
    for (String code : engine) {
      assertThat(BannedCalls.violations(tree(ENGINE, code))).as(code).hasSize(1);
      assertThat(BannedCalls.violations(tree("server/src/main/java/A.java", code))).isEmpty();
    }
    String client = "server/src/test/java/T.java";
    requireSeen(BannedCalls::violations, client, "Thread.ofVirtual(); Thread.sleep(1);", "sleep");
    requireSeen(BannedCalls::violations, ENGINE, "new Random(7); tasks.nanoTime(); a.await();");
    String base = "package zerofs.base; long now = System.nanoTime();";
    requireSeen(BannedCalls::violations, "storage/src/main/java/zerofs/base/A.java", base);
    assertThat(BannedCalls.idleExemptions(tree(ENGINE, ""))).hasSizeGreaterThan(2);
  }

  @Test
  void lines() {
    requireSeen(TextRules::columns, ENGINE, "a\n" + "ä".repeat(100));
    requireSeen(TextRules::columns, ENGINE, "a\n" + "b".repeat(101), "Example.java:2: 101");
    requireSeen(TextRules::lines, ENGINE, "// TO" + "DO later", "not done");
    requireSeen(TextRules::lines, ENGINE, "import java.util.*;", "by name");
    requireSeen(TextRules::lines, "proof/run", "cd /tmp/w" + "t/x", "machine");
    requireSeen(TextRules::lines, DOCS + "A.md", "see /wor" + "k/main", "machine");
    requireSeen(TextRules::lines, DOCS + "A.md", "in the net/work/flow of /tmp/zerofs");
  }

  @Test
  void comments() {
    requireSeen(TextRules::classComments, ENGINE, "import a.B;\n\nfinal class A {\n}\n", "A has");
    requireSeen(
        TextRules::classComments, ENGINE, "/// Says it.\n@B(\n  c = 1)\nfinal class A {\n}\n");
    String second = "/// Says it.\nclass A {\n}\n\nclass B {\n}\n";
    requireSeen(TextRules::classComments, ENGINE, second, "B has");
    requireSeen(TextRules::packageComments, ENGINE, "", "package-info.java is missing");
    String info = ENGINE.replace("Example", "package-info");
    requireSeen(TextRules::packageComments, info, "/// The engine.\npackage a;", "says nothing");
    requireSeen(TextRules::packageComments, info, "/// One two three four five six.\npackage a;");
  }

  private static String method(int lines) {
    return "class A {\n  private final int[] a = {1, 2};\n\n  int b(int c) {\n"
        + "    if (c) {}\n".repeat(lines - 2)
        + "  }\n}\n";
  }

  private static List<String> shape(String text, Map<String, Integer> known) {
    return Shape.violations(tree(ENGINE, text), known);
  }

  @Test
  void shape() {
    assertThat(shape(method(70), Map.of())).isEmpty();
    assertThat(shape(method(71), Map.of())).singleElement().asString().contains("#b has 71 lines");
    assertThat(shape(method(80), Map.of("Example.java#b", 80))).isEmpty();
    assertThat(shape(method(80), Map.of("Example.java#b", 75))).hasSize(1);
    assertThat(shape(method(80), Map.of("Example.java#b", 85))).isEmpty();
    assertThat(shape(method(20), Map.of("Example.java#b", 85))).hasSize(1);
    assertThat(shape("int a;\n".repeat(801), Map.of())).hasSize(1);
  }

  private static List<String> cited(String text) {
    return Citations.violations(
        tree(
            ENGINE,
            text,
            "docs/RECOVERY.md",
            "# Steps\n\nRules: FENCE_FIRST, REFENCE.",
            DOCS + "adr/0001-why.md",
            "# Why"));
  }

  @Test
  void citations() {
    assertThat(cited(RIGHT)).isEmpty();
    assertThat(cited("/// See " + DOCS + "NONE.md.")).hasSize(1);
    assertThat(cited("/// " + DOCS + "RECOVERY.md\n  /// \"Stops\".")).hasSize(1);
    assertThat(cited("/// See ad" + "r/0009.")).hasSize(1);
    assertThat(cited("/// (Rul" + "e\n/// FENCE_LAST)")).hasSize(1);
    assertThat(cited("/// (Rule REFENCE)")).isEmpty();
    assertThat(cited("/// DES" + "IGN says so.")).hasSize(1);
  }

  private static List<String> linked(String text) {
    return Citations.violations(
        tree(
            DOCS + "A.md", text, DOCS + "B.md", "# Some heading, `x`", ENGINE, "class Example {}"));
  }

  @Test
  void links() {
    assertThat(linked("[b](B.md) [c](B.md#some-heading-x) [d](../docs) [e](https://a.b/c)"))
        .isEmpty();
    assertThat(linked("[b](C.md)")).hasSize(1);
    assertThat(linked("[b](B.md#other)")).hasSize(1);
    assertThat(linked("`engine.Example.run`, `zerofs.fs.engine.Example`")).isEmpty();
    assertThat(linked("`engine.Gone`")).hasSize(1);
  }

  @Test
  void layouts() {
    Layout good = Layout.ofCells("`0 magic \"A\" 4 | 4 b c 2 |\n6 crc`");
    assertThat(good.offsets()).containsExactly(0, 4, 6);
    assertThat(good.misfits(10)).isEmpty();
    assertThat(good.misfits(6)).hasSize(1);
    assertThat(Layout.ofCells("`0 magic 4 | 5 b 1`").misfits(6)).hasSize(1);
    SourceFile ruler = new SourceFile(LSM, "///   0    4   6   8   9\n/// | magic |");
    assertThat(Layout.offsetsIn(ruler)).containsExactly(0, 4, 6, 8, 9);
  }
}
