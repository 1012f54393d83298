package zerofs.tidy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What a line may hold, and where a comment must stand.
final class TextRules {
  private static final int COLUMNS_MAX = 100;
  private static final int PACKAGE_COMMENT_WORDS_MIN = 6;

  // In pieces, so that this file does not break its own rules.
  private static final Pattern UNFINISHED =
      Pattern.compile("\\b(?:" + "TO" + "DO|FIX" + "ME|XX" + "X)\\b");
  private static final Pattern MACHINE =
      Pattern.compile("(?<![\\w.])/(?:wor" + "k|hom" + "e/\\w+|roo" + "t|tmp/w" + "t)/");

  private static final Pattern WILDCARD = Pattern.compile("(?m)^import .*\\*;");
  private static final Pattern TOP_TYPE =
      Pattern.compile("(?m)^(?:[a-z-]+ )*(?:class|interface|enum|record|@interface) (\\w+)");

  private TextRules() {}

  static List<String> lines(SourceTree tree) {
    List<String> found = new ArrayList<>();
    for (SourceFile file : tree.files()) {
      List<String> lines = file.lines();
      for (int i = 0; i < lines.size(); i++) {
        String place = file.path() + ":" + (i + 1);
        String line = lines.get(i);
        if (file.isJava() && UNFINISHED.matcher(line).find()) {
          found.add(place + ": says that something is not done");
        }
        if (MACHINE.matcher(line).find()) {
          found.add(place + ": a path of somebody's machine");
        }
      }
      Matcher wildcard = WILDCARD.matcher(file.text());
      while (file.isJava() && wildcard.find()) {
        found.add(file.at(wildcard.start()) + ": import by name");
      }
    }
    return found;
  }

  /// Lines that are too long.
  static List<String> columns(SourceTree tree) {
    List<String> found = new ArrayList<>();
    for (SourceFile file : tree.java()) {
      List<String> lines = file.lines();
      for (int i = 0; i < lines.size(); i++) {
        int columns = lines.get(i).codePointCount(0, lines.get(i).length());
        if (columns > COLUMNS_MAX) {
          found.add(file.path() + ":" + (i + 1) + ": " + columns + " columns");
        }
      }
    }
    return found;
  }

  /// Main types without a comment of their own.
  static List<String> classComments(SourceTree tree) {
    List<String> found = new ArrayList<>();
    for (SourceFile file : tree.main()) {
      Matcher type = TOP_TYPE.matcher(file.code());
      while (type.find()) {
        String before = file.text().substring(0, type.start());
        String own = before.substring(before.lastIndexOf("\n}\n") + 1);
        if (own.lines().noneMatch(line -> line.startsWith("///"))) {
          found.add(file.at(type.start()) + ": " + type.group(1) + " has no comment");
        }
      }
    }
    return found;
  }

  /// Packages of main code without a comment that says something.
  static List<String> packageComments(SourceTree tree) {
    List<String> found = new ArrayList<>();
    Set<String> directories = new HashSet<>();
    for (SourceFile file : tree.main()) {
      String info = file.directory() + "package-info.java";
      if (directories.add(file.directory())) {
        if (!tree.has(info)) {
          found.add(info + " is missing");
        } else if (commentWords(tree.file(info)) < PACKAGE_COMMENT_WORDS_MIN) {
          found.add(info + ": its comment says nothing");
        }
      }
    }
    return found;
  }

  private static long commentWords(SourceFile file) {
    return file.lines().stream()
        .filter(line -> line.startsWith("///"))
        .flatMap(line -> Pattern.compile("\\w+").matcher(line).results())
        .count();
  }
}
