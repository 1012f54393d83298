package zerofs.tidy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/// The text files of the project: sources, builds, scripts, documents. What builds and servers
/// leave behind is not looked at.
///
/// @param files sorted by path
record SourceTree(List<SourceFile> files) {
  private static final Set<String> ENDINGS = Set.of("java", "xml", "md", "toml", "properties");

  SourceTree {
    files = List.copyOf(files);
  }

  /// Reads the tree below the directory that holds the modules.
  static SourceTree read(Path root) throws IOException {
    List<SourceFile> files = new ArrayList<>();
    try (Stream<Path> top = Files.list(root)) {
      for (Path each : top.sorted().toList()) {
        if (Files.isDirectory(each)) {
          readDirectory(root, each, files);
        } else {
          addIfText(root, each, files);
        }
      }
    }
    return new SourceTree(files);
  }

  private static void readDirectory(Path root, Path directory, List<SourceFile> files)
      throws IOException {
    boolean isModule = Files.exists(directory.resolve("pom.xml"));
    boolean isOurs = Set.of("docs", "proof", ".ci").contains(directory.getFileName().toString());
    if (isModule) {
      addIfText(root, directory.resolve("pom.xml"), files);
    }
    Path start = isModule ? directory.resolve("src") : directory;
    if ((isModule || isOurs) && Files.exists(start)) {
      try (Stream<Path> below = Files.walk(start)) {
        for (Path each : below.filter(Files::isRegularFile).sorted().toList()) {
          addIfText(root, each, files);
        }
      }
    }
  }

  private static void addIfText(Path root, Path file, List<SourceFile> files) throws IOException {
    String name = file.getFileName().toString();
    String ending = name.substring(name.lastIndexOf('.') + 1);
    boolean isScript = !name.contains(".") && Files.isExecutable(file);
    if (ENDINGS.contains(ending) || isScript) {
      String path = root.relativize(file).toString().replace('\\', '/');
      files.add(new SourceFile(path, Files.readString(file)));
    }
  }

  List<SourceFile> java() {
    return files.stream().filter(SourceFile::isJava).toList();
  }

  List<SourceFile> main() {
    return files.stream().filter(SourceFile::isMain).toList();
  }

  List<SourceFile> documents() {
    return files.stream().filter(file -> file.path().endsWith(".md")).toList();
  }

  boolean has(String path) {
    return files.stream().anyMatch(file -> file.path().equals(path));
  }

  SourceFile file(String path) {
    return files.stream().filter(file -> file.path().equals(path)).findFirst().orElseThrow();
  }
}
