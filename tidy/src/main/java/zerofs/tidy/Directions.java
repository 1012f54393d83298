package zerofs.tidy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which package may see which (docs/ARCHITECTURE.md): what a package uses of ours, by import or by
/// full name, in main code and tests.
final class Directions {
  private static final String STORAGE = "zerofs.base zerofs.objectstore zerofs.codec";
  private static final String INDEX = STORAGE + " zerofs.manifest";
  private static final String WIRE = "zerofs.wire.xdr zerofs.wire.rpc zerofs.wire.nfs3";

  /// Package → the other packages that it may use. `*` = every one.
  private static final Map<String, Set<String>> ALLOWED =
      Map.ofEntries(
          allow("zerofs.base", ""),
          allow("zerofs.objectstore", "zerofs.base"),
          allow("zerofs.codec", "zerofs.base zerofs.objectstore"),
          allow("zerofs.manifest", STORAGE),
          allow("zerofs.lsm", INDEX),
          allow("zerofs.log", INDEX),
          allow("zerofs.journal", STORAGE),
          allow("zerofs.fs", "zerofs.base"),
          allow("zerofs.fs.page", "zerofs.base"),
          allow("zerofs.fs.row", STORAGE + " zerofs.fs"),
          allow("zerofs.fs.extent", STORAGE),
          allow(
              "zerofs.fs.engine",
              INDEX
                  + " zerofs.lsm zerofs.log zerofs.journal zerofs.fs zerofs.fs.page zerofs.fs.row"
                  + " zerofs.fs.extent"),
          allow(
              "zerofs.fs.check",
              INDEX
                  + " zerofs.lsm zerofs.log zerofs.fs zerofs.fs.page zerofs.fs.row zerofs.fs.extent"
                  + " zerofs.fs.engine"),
          allow("zerofs.wire.xdr", ""),
          allow("zerofs.wire.rpc", "zerofs.wire.xdr"),
          allow("zerofs.wire.nfs3", "zerofs.wire.xdr zerofs.wire.rpc"),
          allow("zerofs.server.nfs", "zerofs.base zerofs.fs " + WIRE),
          allow("zerofs.server.metrics", "zerofs.base"),
          allow("zerofs.server.config", STORAGE + " zerofs.server.nfs"),
          allow("zerofs.server.cli", "*"),
          allow("zerofs.simulation", "*"),
          allow("zerofs.bench", "*"),
          allow("zerofs.fuzz", "*"),
          allow("zerofs.tidy", ""),
          allow("zerofs.golden", "*"));

  /// Tests of a front end open a volume for it to serve.
  private static final Set<String> FRONT_END_TESTS =
      Set.of("zerofs.server.nfs", "zerofs.server.config");

  private static final Pattern USE =
      Pattern.compile("\\b(zerofs(?:\\.[a-z][a-z0-9]*)*)\\.[A-Z]\\w*");

  /// Words of protocols. Comments may cite a protocol's document, code may not know it.
  private static final Pattern PROTOCOL =
      Pattern.compile(
          "(?i)\\b\\w*(?:nfs|sunrpc|xdr|portmap|ninep|9p2000|nbd)\\w*\\b"
              + "|(?-i)\\b\\w*(?:RPC|Rpc)\\w*\\b");

  private Directions() {}

  private static Map.Entry<String, Set<String>> allow(String from, String to) {
    return Map.entry(from, to.isEmpty() ? Set.of() : Set.of(to.split(" ")));
  }

  static List<String> violations(SourceTree tree) {
    List<String> found = new ArrayList<>();
    for (SourceFile file : tree.java()) {
      String from = file.packageName();
      Set<String> allowed = ALLOWED.get(from);
      if (allowed == null) {
        found.add(file.path() + ": package " + from + " has no line in Directions");
      } else if (file.isMain() || !FRONT_END_TESTS.contains(from)) {
        uses(file, from, allowed, found);
      }
    }
    return found;
  }

  private static void uses(SourceFile file, String from, Set<String> allowed, List<String> found) {
    Matcher use = USE.matcher(file.code());
    while (use.find()) {
      String to = use.group(1);
      if (!to.equals(from) && !allowed.contains(to) && !allowed.contains("*")) {
        found.add(file.at(use.start()) + ": " + from + " may not use " + use.group());
      }
    }
  }

  /// Where the engine or what lies below it names a protocol.
  static List<String> protocolWords(SourceTree tree) {
    List<String> found = new ArrayList<>();
    for (SourceFile file : tree.main()) {
      if (file.isMainOf("filesystem", "storage")) {
        Matcher word = PROTOCOL.matcher(file.code());
        while (word.find()) {
          found.add(file.at(word.start()) + ": '" + word.group() + "' is a protocol's word");
        }
      }
    }
    return found;
  }
}
