package zerofs.tidy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How long files and methods may be. What is longer today is named with its length, and may only
/// shrink.
final class Shape {
  private static final int METHOD_LINES_MAX = 70;
  private static final int FILE_LINES_MAX = 800;

  private static final Pattern TYPE =
      Pattern.compile("\\b(?:class|interface|enum|record)\\s+\\w+", Pattern.DOTALL);

  private static final Pattern METHOD = Pattern.compile("(\\w+)\\s*\\(");

  /// A method or constructor, found by its braces.
  ///
  /// @param lines from the first line of its signature to its closing brace
  record Method(String file, String name, int lines) {
    String key() {
      return file.substring(file.lastIndexOf('/') + 1) + "#" + name;
    }
  }

  private Shape() {}

  /// Methods of a file, in the order in which they end; those of anonymous classes are part of the
  /// method around them.
  static List<Method> methods(SourceFile file) {
    String code = file.code();
    List<Method> methods = new ArrayList<>();
    Deque<Open> open = new ArrayDeque<>();
    int headerStart = 0;
    for (int at = 0; at < code.length(); at++) {
      char each = code.charAt(at);
      if (each == '{') {
        open.push(Open.of(code, headerStart, at, open.peek()));
      } else if (each == '}' && !open.isEmpty()) {
        Open closed = open.pop();
        if (closed.kind() == Kind.METHOD) {
          int lines = (int) code.substring(closed.start(), at).lines().count();
          methods.add(new Method(file.path(), closed.name(), lines));
        }
      }
      if (each == '{' || each == '}' || each == ';') {
        headerStart = at + 1;
      }
    }
    return methods;
  }

  private enum Kind {
    TYPE,
    METHOD,
    OTHER
  }

  /// A brace that is open.
  private record Open(Kind kind, String name, int start) {
    static Open of(
        String code, int from, int brace, @org.jspecify.annotations.Nullable Open around) {
      String header = code.substring(from, brace);
      int start = from + header.length() - header.stripLeading().length();
      if (around == null || around.kind() == Kind.TYPE) {
        if (TYPE.matcher(header).find()) {
          return new Open(Kind.TYPE, "", start);
        }
        Matcher method = METHOD.matcher(header);
        if (around != null && !header.contains("=") && method.find()) {
          return new Open(Kind.METHOD, method.group(1), start);
        }
      }
      return new Open(Kind.OTHER, "", start);
    }
  }

  /// @param known `File.java#method` or `File.java` → lines that it has had so far
  static List<String> violations(SourceTree tree, Map<String, Integer> known) {
    List<String> found = new ArrayList<>();
    Map<String, Integer> left = new HashMap<>(known);
    for (SourceFile file : tree.java()) {
      check(file.fileName(), file.path(), file.lines().size(), FILE_LINES_MAX, left, found);
      for (Method each : methods(file)) {
        check(each.key(), each.file(), each.lines(), METHOD_LINES_MAX, left, found);
      }
    }
    left.forEach((name, lines) -> found.add(name + " is short now: take it off the list"));
    return found;
  }

  private static void check(
      String key, String path, int lines, int max, Map<String, Integer> left, List<String> found) {
    if (lines <= max) {
      return;
    }
    Integer allowed = left.remove(key);
    if (allowed == null) {
      found.add(path + ": " + key + " has " + lines + " lines, more than " + max);
    } else if (lines > allowed) {
      found.add(path + ": " + key + " has grown from " + allowed + " lines to " + lines);
    }
  }
}
