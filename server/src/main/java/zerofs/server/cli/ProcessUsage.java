package zerofs.server.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/// What the operating system says of a process: Linux only, elsewhere nothing is known.
final class ProcessUsage {
  private static final Path OWN = Path.of("/proc/self");

  private final Path directory;

  ProcessUsage(Path directory) {
    this.directory = directory;
  }

  static ProcessUsage own() {
    return new ProcessUsage(OWN);
  }

  /// A line of `status` that counts kB, such as VmRSS or VmHWM, in bytes; negative when unknown.
  long bytes(String line) {
    try (Stream<String> lines = Files.lines(directory.resolve("status"))) {
      return lines
          .filter(each -> each.startsWith(line + ":"))
          .mapToLong(each -> Long.parseLong(each.replaceAll("\\D", "")) << 10)
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      return -1;
    }
  }

  /// Open file descriptors; negative when unknown.
  long descriptors() {
    try (Stream<Path> all = Files.list(directory.resolve("fd"))) {
      return all.count();
    } catch (IOException e) {
      return -1;
    }
  }
}
