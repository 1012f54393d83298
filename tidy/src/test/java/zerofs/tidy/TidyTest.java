package zerofs.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// The rules of the project, on its whole tree. A failure names the file and what to do.
class TidyTest {
  /// Longer than the rules allow when they came. Numbers here only go down.
  private static final Map<String, Integer> LONG = Map.of("Volume.java#Volume", 136);

  private static SourceTree tree = new SourceTree(List.of());

  @BeforeAll
  static void readTree() throws Exception {
    tree = SourceTree.read(Path.of("..").toRealPath());
    assertThat(tree.java()).as("the sources are found").hasSizeGreaterThan(150);
    assertThat(tree.has("docs/FORMAT.md")).isTrue();
  }

  private static void requireNone(List<String> violations) {
    assertThat(String.join("\n", violations)).isEmpty();
  }

  @Test
  void packagesSeeOnlyWhatTheyMay() {
    requireNone(Directions.violations(tree));
  }

  @Test
  void theEngineKnowsNoProtocol() {
    requireNone(Directions.protocolWords(tree));
  }

  @Test
  void timeChanceThreadsAndWaitsComeFromBase() {
    requireNone(BannedCalls.violations(tree));
    requireNone(BannedCalls.idleExemptions(tree));
  }

  @Test
  void linesAreClean() {
    requireNone(TextRules.lines(tree));
    requireNone(TextRules.columns(tree));
  }

  @Test
  void mainClassesAndPackagesSayWhatTheyAre() {
    requireNone(TextRules.classComments(tree));
    requireNone(TextRules.packageComments(tree));
  }

  @Test
  void methodsAndFilesStayShort() {
    requireNone(Shape.violations(tree, LONG));
  }

  @Test
  void whatIsCitedExists() {
    requireNone(Citations.violations(tree));
  }
}
