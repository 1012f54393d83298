package zerofs.tidy;

/// As much of Java's lexical grammar as is needed to tell code from comments and strings.
final class JavaText {
  private final String text;
  private final StringBuilder code;
  private int at;

  private JavaText(String text) {
    this.text = text;
    this.code = new StringBuilder(text.length());
  }

  /// The same text, of the same length and with the same lines, where comments and the inside of
  /// strings and characters are blank.
  static String withoutCommentsAndStrings(String text) {
    return new JavaText(text).run();
  }

  private String run() {
    while (at < text.length()) {
      if (text.startsWith("//", at)) {
        blankUntil("\n", 2, false);
      } else if (text.startsWith("/*", at)) {
        blankUntil("*/", 2, false);
      } else if (text.startsWith("\"\"\"", at)) {
        blankUntil("\"\"\"", 3, true);
      } else if (text.charAt(at) == '"') {
        blankUntil("\"", 1, true);
      } else if (text.charAt(at) == '\'') {
        blankUntil("'", 1, true);
      } else {
        code.append(text.charAt(at++));
      }
    }
    return code.toString();
  }

  /// Blanks up to and including `end`; a line comment's line break stays one.
  private void blankUntil(String end, int openerLength, boolean escapes) {
    int from = at;
    at += openerLength;
    while (at < text.length() && !text.startsWith(end, at)) {
      at += escapes && text.charAt(at) == '\\' ? 2 : 1;
    }
    at = Math.min(text.length(), at + end.length());
    for (char each : text.substring(from, at).toCharArray()) {
      code.append(each == '\n' ? '\n' : ' ');
    }
  }
}
