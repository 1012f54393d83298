package zerofs.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32C;

/// What a benchmark says about its own work, once it has looked that the work was done: a hash that
/// is the same in every run, and a remark. Goes to the file that the property names, because a
/// measured process has no other way to tell.
final class Checked {
  static final String PROPERTY = "zerofs.bench.checked";

  private Checked() {}

  static void done(long hash, String remark) {
    String file = System.getProperty(PROPERTY);
    if (file == null) {
      return;
    }
    String line = "%08x %s%n".formatted(hash, remark);
    try {
      Files.write(
          Path.of(file),
          line.getBytes(StandardCharsets.UTF_8),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Ends the benchmark when it did not do what it says.
  static void that(boolean holds, String what) {
    if (!holds) {
      throw new AssertionError(what);
    }
  }

  static long hash(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return crc.getValue();
  }
}
