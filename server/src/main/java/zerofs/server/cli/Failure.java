package zerofs.server.cli;

import java.io.Serial;

/// Ends the program with a sentence and an exit code.
final class Failure extends Exception {
  @Serial private static final long serialVersionUID = 1;

  private final int exitCode;

  Failure(int exitCode, String sentence) {
    super(sentence);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}
