package zerofs.tidy;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// One text file of the project. Immutable.
///
/// @param path relative to the root, with slashes
/// @param text all of it
record SourceFile(String path, String text) {
  private static final Pattern PACKAGE = Pattern.compile("(?m)^package ([\\w.]+);");
  private static final Pattern COMMENT_BREAK = Pattern.compile("\\n\\s*/// ?");

  boolean isJava() {
    return path.endsWith(".java");
  }

  /// Whether it is main code of one of the modules.
  boolean isMainOf(String... modules) {
    for (String module : modules) {
      if (path.startsWith(module + "/src/main/java/")) {
        return true;
      }
    }
    return false;
  }

  boolean isMain() {
    return isJava() && path.contains("/src/main/java/");
  }

  String module() {
    return path.substring(0, Math.max(0, path.indexOf('/')));
  }

  String fileName() {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  String directory() {
    return path.substring(0, path.lastIndexOf('/') + 1);
  }

  String packageName() {
    Matcher found = PACKAGE.matcher(text);
    return found.find() ? found.group(1) : "";
  }

  List<String> lines() {
    return text.lines().toList();
  }

  /// The Java text with blanks in place of comments and of what strings hold; lines stay.
  String code() {
    return JavaText.withoutCommentsAndStrings(text);
  }

  /// The text as one line per comment, so that a phrase may be searched that a comment breaks.
  String prose() {
    return COMMENT_BREAK.matcher(text).replaceAll(" ");
  }

  /// `path:line` of an offset into the text.
  String at(int offset) {
    return path + ":" + (1 + text.substring(0, offset).chars().filter(c -> c == '\n').count());
  }
}
