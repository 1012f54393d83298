package zerofs.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// One formatter: each source file is what google-java-format makes of it. `mvn verify -pl tidy -am
/// -Dtest=FormatTest -Dsurefire.failIfNoSpecifiedTests=false -Dzerofs.format=true` rewrites those
/// that are not. (Maven itself may run on a JDK that cannot parse this code, tests cannot: so it is
/// a test.)
class FormatTest {
  private static final boolean REWRITE = Boolean.getBoolean("zerofs.format");

  private static String formatted(SourceFile file) {
    try {
      return new Formatter().formatSourceAndFixImports(file.text());
    } catch (FormatterException e) {
      throw new IllegalStateException(file.path() + " does not parse", e);
    }
  }

  @Test
  void everySourceIsFormatted() throws IOException {
    Path root = Path.of("..").toRealPath();
    List<String> differing = new ArrayList<>();
    for (SourceFile file : SourceTree.read(root).java()) {
      String formatted = formatted(file);
      if (!formatted.equals(file.text())) {
        differing.add(file.path());
        if (REWRITE) {
          Files.writeString(root.resolve(file.path()), formatted);
        }
      }
    }
    if (!REWRITE) {
      assertThat(differing).as("not formatted: run with -Dzerofs.format=true").isEmpty();
    }
  }
}
