package zerofs.server.cli;

import java.io.PrintStream;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import zerofs.base.Randomness;
import zerofs.base.SystemRandomness;
import zerofs.base.Tasks;
import zerofs.fs.check.Finding;
import zerofs.fs.check.Fsck;
import zerofs.fs.check.Report;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.server.config.Config;
import zerofs.server.config.ConfigException;

/// `zerofs fsck`: checks a volume, whether a server runs or not; docs/FSCK.md. Exit codes are those
/// of fsck(8).
@Command(
    name = "fsck",
    description = "Check every object of a volume, and its tree. Changes nothing.",
    exitCodeOnInvalidInput = FsckCommand.USAGE)
final class FsckCommand implements Callable<Integer> {
  static final int HEALTHY = 0;
  static final int DAMAGED = 4;
  static final int FAILED = 8;
  static final int USAGE = 16;

  private static final Logger LOG = LoggerFactory.getLogger(FsckCommand.class);
  private static final int WORKERS = 16;
  private static final int SHOWN_MAX = 20;
  private static final long NANOS = 1_000_000_000L;

  @Option(
      names = {"-c", "--config"},
      required = true,
      paramLabel = "FILE")
  private Path file = Path.of("zerofs.toml");

  @Option(names = "--json", description = "the report as JSON, on standard output")
  private boolean json;

  @Option(
      names = "--no-data",
      description = "do not read file data: only whether it is there, and everything else")
  private boolean noData;

  @Override
  public Integer call() {
    Tasks tasks = Main.tasks();
    Randomness randomness = new SystemRandomness();
    try {
      Config config = Main.config(file);
      try (ObjectStore store =
          ServerProcess.retrying(
              ServerProcess.openStore(config, false, tasks), tasks, randomness)) {
        VolumeSecrets secrets = VolumeSecrets.open(store, config.password());
        Report report =
            new Fsck(
                    store,
                    secrets,
                    tasks,
                    randomness,
                    new Fsck.Settings(!noData, WORKERS),
                    line -> System.err.println("fsck: " + line))
                .run();
        if (json) {
          System.out.println(Json.of(values(report)));
        } else {
          show(report, System.out);
        }
        return report.counts().isEmpty() ? HEALTHY : DAMAGED;
      }
    } catch (ConfigException e) {
      System.err.println("zerofs: " + e.getMessage());
      return USAGE;
    } catch (StorageException e) {
      System.err.println("zerofs: the volume can't be checked: " + e.getMessage());
      return FAILED;
    } catch (RuntimeException | Error e) {
      LOG.error("fsck failed", e);
      System.err.println("zerofs: the volume can't be checked, the log says more: " + e);
      return FAILED;
    }
  }

  private static Map<String, Object> values(Report report) {
    Map<String, Object> values = new LinkedHashMap<>();
    Report.Totals totals = report.totals();
    values.put("healthy", report.counts().isEmpty());
    values.put("volume", report.volumeId());
    values.put("manifest", report.manifest());
    values.put("epoch", report.epoch());
    values.put("last_commit", report.lastSequence());
    values.put("manifests", totals.manifests());
    values.put("ssts", totals.tables());
    values.put("segments", totals.segments());
    values.put("segment_bytes", totals.segmentBytes());
    values.put("frames", totals.frames());
    values.put("rows", totals.rows());
    values.put("inodes", totals.inodes());
    values.put("directories", totals.directories());
    values.put("extents", totals.extents());
    values.put("allocated_bytes", totals.allocatedBytes());
    Map<String, Object> counts = new TreeMap<>();
    report.counts().forEach((kind, count) -> counts.put(kind.id(), count));
    values.put("counts", counts);
    values.put(
        "findings",
        report.findings().stream()
            .map(each -> Map.of("kind", each.kind().id(), "text", each.text()))
            .toList());
    values.put("not_checked", report.notChecked());
    values.put("unreferenced_objects", report.unreferenced().objects());
    values.put("unreferenced_bytes", report.unreferenced().bytes());
    values.put(
        "unreferenced", report.unreferenced().first().stream().map(FsckCommand::values).toList());
    values.put("foreign", report.foreign());
    return values;
  }

  private static Map<String, Object> values(Report.Unreferenced object) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("key", object.key());
    values.put("bytes", object.bytes());
    if (object.epochWallNanos() != 0) {
      values.put("not_before", at(object.epochWallNanos()));
    }
    return values;
  }

  private static String at(long wallNanos) {
    return Instant.ofEpochSecond(Math.floorDiv(wallNanos, NANOS)).toString();
  }

  private static void show(Report report, PrintStream out) {
    Report.Totals totals = report.totals();
    out.printf(
        "volume %s: manifest %d, epoch %d, commit %d%n",
        report.volumeId(), report.manifest(), report.epoch(), report.lastSequence());
    out.printf(
        "read: %,d manifests, %,d SSTs, %,d log objects and data segments (%,d bytes, %,d"
            + " frames)%n",
        totals.manifests(),
        totals.tables(),
        totals.segments(),
        totals.segmentBytes(),
        totals.frames());
    out.printf(
        "found: %,d rows, %,d inodes, %,d of them directories, %,d extents, %,d bytes allocated%n",
        totals.rows(),
        totals.inodes(),
        totals.directories(),
        totals.extents(),
        totals.allocatedBytes());
    unreferenced(report.unreferenced(), out);
    shown("not an object of this volume", report.foreign(), out);
    shown("not checked", report.notChecked(), out);
    for (Finding.Kind kind : Finding.Kind.values()) {
      List<String> texts =
          report.findings().stream()
              .filter(each -> each.kind() == kind)
              .map(Finding::text)
              .toList();
      shown("DAMAGE, " + kind.id(), texts, out);
      long more = report.counts().getOrDefault(kind, 0L) - texts.size();
      if (more > 0) {
        out.printf("  and %,d more of them%n", more);
      }
    }
    long damages = report.counts().values().stream().mapToLong(Long::longValue).sum();
    out.println(
        damages == 0
            ? "nothing is wrong"
            : String.format(
                "%,d things are wrong: nothing was changed; docs/FSCK.md says what each means",
                damages));
  }

  private static void unreferenced(Report.Garbage garbage, PrintStream out) {
    if (garbage.objects() > 0) {
      out.printf(
          "unreferenced: %,d objects, %,d bytes (garbage, or just made by a server that runs):%n",
          garbage.objects(), garbage.bytes());
      garbage.first().stream()
          .limit(SHOWN_MAX)
          .forEach(
              each ->
                  out.printf(
                      "  %s, %,d bytes%s%n",
                      each.key(),
                      each.bytes(),
                      each.epochWallNanos() == 0
                          ? ""
                          : ", not before " + at(each.epochWallNanos())));
      more(garbage.objects(), out);
    }
  }

  private static void shown(String title, List<String> lines, PrintStream out) {
    if (!lines.isEmpty()) {
      out.println(title + ":");
      lines
          .subList(0, Math.min(SHOWN_MAX, lines.size()))
          .forEach(each -> out.println("  " + printable(each)));
      more(lines.size(), out);
    }
  }

  /// Keys that are not ours may hold anything.
  private static String printable(String text) {
    return text.codePoints()
        .map(each -> Character.isISOControl(each) ? '?' : each)
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private static void more(long count, PrintStream out) {
    if (count > SHOWN_MAX) {
      out.printf("  and %,d more: --json has the first thousand%n", count - SHOWN_MAX);
    }
  }
}
