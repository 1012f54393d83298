package zerofs.fuzz;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;

/// What a coverage-guided fuzzer calls: the target is named by the property `zerofs.fuzz.target`.
public final class FuzzMain {
  private static final Target TARGET =
      Target.valueOf(
          System.getProperty("zerofs.fuzz.target", "chunk_row").toUpperCase(Locale.ROOT));

  private FuzzMain() {}

  /// One input.
  public static void fuzzerTestOneInput(byte[] input) {
    TARGET.run(input);
  }

  /// Writes the seeds of the target into a directory.
  public static void main(String[] arguments) throws IOException {
    Seeds.write(TARGET, Path.of(arguments[0]));
  }
}
