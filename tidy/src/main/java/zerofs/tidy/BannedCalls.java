package zerofs.tidy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Calls that would let time, chance, threads or waits in beside `zerofs.base`, and a few that
/// nobody should make.
final class BannedCalls {
  private BannedCalls() {}

  /// @param name what exemptions refer to
  /// @param where files that it holds for
  /// @param instead what to do
  private record Ban(String name, Predicate<SourceFile> where, String regex, String instead) {
    private static final Pattern ANY_SPACE = Pattern.compile(" ");

    Pattern pattern() {
      return Pattern.compile(ANY_SPACE.matcher(regex).replaceAll("\\\\s*"));
    }
  }

  private static boolean outsideBase(SourceFile file) {
    return !file.packageName().equals("zerofs.base");
  }

  /// Tests of servers stand for clients, which are other processes: they may have threads.
  private static boolean outsideBaseAndClients(SourceFile file) {
    return outsideBase(file) && !file.path().startsWith("server/src/test/");
  }

  private static boolean engine(SourceFile file) {
    return outsideBase(file) && file.isMainOf("storage", "filesystem");
  }

  private static boolean silent(SourceFile file) {
    return file.isMainOf("storage", "filesystem", "wire");
  }

  private static final List<Ban> BANS =
      List.of(
          new Ban(
              "clock",
              BannedCalls::outsideBase,
              "\\bSystem \\. (?:currentTimeMillis|nanoTime)\\b"
                  + "|\\b(?:Instant|Local\\w+|ZonedDateTime|OffsetDateTime) \\. now\\b"
                  + "|\\bClock \\. (?:system|tick)\\w*|\\bnew Date \\( \\)",
              "ask base.Tasks"),
          new Ban(
              "chance",
              BannedCalls::outsideBase,
              "\\bnew\\s+(?:Splittable)?Random \\( \\)|\\bThreadLocalRandom\\b"
                  + "|\\bUUID \\. randomUUID\\b|\\bMath \\. random\\b|\\bSecureRandom\\b"
                  + "|\\bRandomGenerator \\. (?:of|getDefault)\\b",
              "ask base.Randomness, or give a seed"),
          new Ban(
              "sleep",
              BannedCalls::outsideBase,
              "\\bThread \\. (?:sleep|onSpinWait)\\b|\\bTimeUnit \\. \\w+ \\. sleep\\b",
              "wait for what should happen; base.Tasks has time"),
          new Ban(
              "thread",
              BannedCalls::outsideBaseAndClients,
              "\\bThread \\. (?:startVirtualThread|ofVirtual|ofPlatform)\\b"
                  + "|\\bnew\\s+Thread\\b|\\bextends\\s+Thread\\b|\\bExecutors\\b"
                  + "|\\bExecutorService\\b|\\bForkJoinPool\\b|\\bCompletableFuture\\b"
                  + "|\\bnew\\s+Timer\\b|\\bparallelStream\\b|\\. parallel \\(",
              "fork it by base.Tasks"),
          new Ban(
              "wait",
              BannedCalls::engine,
              "\\bjava \\. util \\. concurrent \\. locks\\b|\\b\\w*Blocking(?:Queue|Deque)\\b"
                  + "|\\b(?:SynchronousQueue|LinkedTransferQueue|DelayQueue)\\b|\\bSemaphore\\b"
                  + "|\\b(?:CountDownLatch|CyclicBarrier|Phaser|Exchanger|StampedLock)\\b"
                  + "|\\bsynchronized\\b|\\. (?:wait|notify|notifyAll) \\(",
              "use the locks and signals of base.Tasks"),
          new Ban(
              "output",
              BannedCalls::silent,
              "\\bSystem \\. (?:out|err|in)\\b|\\. printStackTrace\\b|\\bSystem \\. exit\\b",
              "throw, or report to the caller: servers write"),
          new Ban(
              "danger",
              _ -> true,
              "\\bsun \\. misc\\b|\\bUnsafe\\b|\\b(?:Inheritable)?ThreadLocal\\b"
                  + "|\\bfinalize \\( \\)|\\bCleaner\\b|\\bObject(?:Input|Output)Stream\\b",
              "there is always another way"));

  /// @param ban name of the ban
  /// @param match what is there, in the form that it has in the file
  private record Exemption(String file, String ban, String match, String reason) {}

  private static final List<Exemption> EXEMPTIONS =
      List.of(
          new Exemption(
              "storage/src/main/java/zerofs/codec/SealedFrameCodec.java",
              "wait",
              "BlockingQueue",
              "a bounded pool; only offer and poll, which never wait, are called"),
          new Exemption(
              "storage/src/main/java/zerofs/codec/SealedFrameCodec.java",
              "wait",
              "ArrayBlockingQueue",
              "as above"),
          new Exemption(
              "server/src/main/java/zerofs/server/cli/ServerProcess.java",
              "thread",
              "Thread.ofPlatform",
              "the JDK's shutdown hook is a thread, not a task"));

  static List<String> violations(SourceTree tree) {
    List<String> found = new ArrayList<>();
    for (SourceFile file : tree.java()) {
      String code = file.code();
      for (Ban ban : BANS) {
        Matcher match = ban.pattern().matcher(code);
        while (ban.where().test(file) && match.find()) {
          if (exemption(file, ban, match.group()) == null) {
            found.add(file.at(match.start()) + ": " + match.group() + ": " + ban.instead());
          }
        }
      }
    }
    return found;
  }

  private static @org.jspecify.annotations.Nullable Exemption exemption(
      SourceFile file, Ban ban, String match) {
    for (Exemption each : EXEMPTIONS) {
      if (each.file().equals(file.path())
          && each.ban().equals(ban.name())
          && each.match().equals(match)) {
        return each;
      }
    }
    return null;
  }

  /// Exemptions that nothing needs any more.
  static List<String> idleExemptions(SourceTree tree) {
    Set<Exemption> needed = new HashSet<>();
    for (SourceFile file : tree.java()) {
      for (Ban ban : BANS) {
        Matcher match = ban.pattern().matcher(file.code());
        while (ban.where().test(file) && match.find()) {
          Exemption exemption = exemption(file, ban, match.group());
          if (exemption != null) {
            needed.add(exemption);
          }
        }
      }
    }
    return EXEMPTIONS.stream()
        .filter(each -> !needed.contains(each))
        .map(each -> "nothing needs " + each)
        .toList();
  }
}
