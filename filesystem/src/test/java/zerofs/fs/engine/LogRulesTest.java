package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every rule of the log protocol's model is named where the code obeys it (`Rule NAME`, or in a
/// list `Rules NAME, NAME`), or docs/RECOVERY.md says why no line does yet.
class LogRulesTest {
  private static final Path ROOT = Path.of("..");

  private static String code() throws IOException {
    StringBuilder code = new StringBuilder();
    for (String module : List.of("storage", "filesystem")) {
      try (Stream<Path> files = Files.walk(ROOT.resolve(module).resolve("src/main/java"))) {
        for (Path each : files.filter(file -> file.toString().endsWith(".java")).toList()) {
          code.append(Files.readString(each));
        }
      }
    }
    return code.toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "CREATE_ONLY_LOG",
        "COUNT_IN_ORDER",
        "EXISTS_IS_READ",
        "DEPOSED_STOPS",
        "IN_FLIGHT_BOUND",
        "FLUSH_STORED_ONLY",
        "STOP_AFTER_STORED",
        "FENCE_FIRST",
        "CREATE_ONLY_MANIFEST",
        "LOSER_READS",
        "REFENCE",
        "RECHECK_CLAIM",
        "MANIFEST_BEFORE_LOG",
        "AFTER_FENCE",
        "EPOCH_END",
        "GAP_PROBE",
        "GAP_SLIDE",
        "PROBE_AFTER_FENCE",
        "PROBE_ANY_FENCE",
        "RELIST",
        "PREDECESSOR",
        "CLEAN_IS_OWN",
        "UNCLOSED_EPOCH",
        "JOURNAL_EPOCH",
        "JOURNAL_FREE",
        "JOURNAL_CUT",
        "JOURNAL_LOCK"
      })
  void aRuleIsNamedWhereTheCodeObeysIt(String rule) throws IOException {
    // A sentence may be broken over lines of a comment.
    Pattern named = Pattern.compile("Rules?[\\s/]+(?:[A-Z_]+,[\\s/]+)*" + rule + "\\b");
    assertThat(named.matcher(code()).find()).as(rule).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"GC_AFTER_MANIFEST", "FENCE_KEPT", "FIRST_MANIFEST_KEPT"})
  void aRuleWithoutCodeHasItsReason(String rule) throws IOException {
    String text = Files.readString(ROOT.resolve("docs/RECOVERY.md"));
    String reasons = text.substring(text.indexOf("Rules without a line of code yet"));
    assertThat(reasons).containsPattern("\\b" + rule + "\\b");
  }
}
