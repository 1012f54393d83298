package zerofs.tidy;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// What code and documents refer to exists.
final class Citations {
  private static final Pattern DOCUMENT =
      Pattern.compile("\\bdocs/([A-Za-z0-9_/-]*\\w(?:\\.[a-z]+)?)(?: \"([^\"\\n]+)\")?");
  private static final Pattern DECISION = Pattern.compile("\\b(?:adr/|ADR[- ])(\\d{4})");
  private static final Pattern RULE = Pattern.compile("\\bRule ([A-Z][A-Z_]+)");
  private static final Pattern ELSEWHERE = Pattern.compile("\\b(?:DESIGN|STYLE|MACHINE)\\b");
  private static final Pattern LINK = Pattern.compile("\\[[^\\]\\[]+\\]\\(([^)\\s]+)\\)");
  private static final Pattern CODE =
      Pattern.compile("`(?:zerofs\\.)?((?:[a-z][a-z0-9]*\\.)+)([A-Z]\\w*)(?:\\.\\w+)?`");
  private static final Pattern HEADING = Pattern.compile("(?m)^#+ (.*)$");
  private static final Pattern RULE_NAME = Pattern.compile("\\b[A-Z][A-Z_]{3,}\\b");

  private static final List<String> RULES = List.of("docs/RECOVERY.md", "docs/JOURNAL.md");
  private static final String DECISIONS = "docs/" + "adr/";

  private final SourceTree tree;
  private final List<String> found = new ArrayList<>();

  private Citations(SourceTree tree) {
    this.tree = tree;
  }

  static List<String> violations(SourceTree tree) {
    Citations citations = new Citations(tree);
    for (SourceFile file : tree.files()) {
      citations.check(file);
    }
    return citations.found;
  }

  private void require(boolean holds, SourceFile file, Matcher citation, String why) {
    if (!holds) {
      found.add(file.path() + ": '" + citation.group() + "' " + why);
    }
  }

  private void check(SourceFile file) {
    String prose = file.prose();
    for (Matcher each = DOCUMENT.matcher(prose); each.find(); ) {
      document(file, each);
    }
    for (Matcher each = DECISION.matcher(prose); each.find(); ) {
      require(isDecision(DECISIONS + each.group(1)), file, each, "does not exist");
    }
    if (file.isJava()) {
      for (Matcher each = RULE.matcher(prose); each.find(); ) {
        boolean isPlaceholder = each.group(1).equals("NAME");
        require(isPlaceholder || isRule(each.group(1)), file, each, "is in none of " + RULES);
      }
      if (!file.module().equals("tidy")) {
        for (Matcher each = ELSEWHERE.matcher(prose); each.find(); ) {
          require(false, file, each, "is not in this repository");
        }
      }
    }
    if (file.path().endsWith(".md")) {
      checkDocument(file);
    }
  }

  private void document(SourceFile file, Matcher citation) {
    String path = "docs/" + citation.group(1);
    boolean exists =
        tree.has(path)
            || isDecision(path)
            || tree.files().stream().anyMatch(each -> each.path().startsWith(path + "/"));
    require(exists, file, citation, "does not exist");
    String section = citation.group(2);
    if (section != null && tree.has(path)) {
      require(headings(path).contains(section), file, citation, "has no such section");
    }
  }

  private boolean isDecision(String start) {
    return start.matches(DECISIONS + "\\d{4}")
        && tree.documents().stream().anyMatch(each -> each.path().startsWith(start + "-"));
  }

  private boolean isRule(String name) {
    return RULES.stream()
        .filter(tree::has)
        .flatMap(path -> RULE_NAME.matcher(tree.file(path).text()).results())
        .anyMatch(each -> each.group().equals(name));
  }

  private List<String> headings(String path) {
    return HEADING.matcher(tree.file(path).text()).results().map(each -> each.group(1)).toList();
  }

  private void checkDocument(SourceFile file) {
    for (Matcher each = LINK.matcher(file.text()); each.find(); ) {
      String target = each.group(1);
      if (!target.contains("://") && !target.startsWith("mailto:")) {
        require(resolves(file, target), file, each, "leads nowhere");
      }
    }
    for (Matcher each = CODE.matcher(file.text()); each.find(); ) {
      // Documents leave out the first parts of a package: `engine.Files`.
      String end = "/" + each.group(1).replace('.', '/') + each.group(2) + ".java";
      boolean exists = tree.main().stream().anyMatch(main -> main.path().endsWith(end));
      require(exists, file, each, "is no class of ours");
    }
  }

  private boolean resolves(SourceFile file, String target) {
    int hash = target.indexOf('#');
    String relative = hash < 0 ? target : target.substring(0, hash);
    String path = relative.isEmpty() ? file.path() : normalized(file.directory() + relative);
    boolean isDirectory =
        tree.files().stream().anyMatch(each -> each.path().startsWith(path + "/"));
    if (!tree.has(path)) {
      return (isDirectory && hash < 0);
    }
    return hash < 0
        || headings(path).stream()
            .anyMatch(each -> anchor(each).equals(target.substring(hash + 1)));
  }

  private static String normalized(String path) {
    return java.nio.file.Path.of(path).normalize().toString().replace('\\', '/');
  }

  /// The anchor that a heading gets.
  private static String anchor(String heading) {
    return heading.toLowerCase(Locale.ROOT).replaceAll("[^\\p{L}\\p{N} _-]", "").replace(' ', '-');
  }
}
