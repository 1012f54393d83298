package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import zerofs.fs.FsError;

class ErrorsDocumentTest {
  @Test
  void everyErrorStandsInTheTableAsItIsMapped() throws Exception {
    String table = Files.readString(Path.of("../docs/ERRORS.md"));
    for (FsError error : FsError.values()) {
      assertThat(table)
          .containsPattern("\\| " + error + " \\| [A-Z–]+ \\| " + NfsErrors.status(error) + " \\|");
    }
  }
}
