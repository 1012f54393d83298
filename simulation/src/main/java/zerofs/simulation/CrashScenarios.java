package zerofs.simulation;

import static zerofs.fs.Filesystem.ROOT;

import java.util.ArrayList;
import java.util.List;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsException;
import zerofs.objectstore.StorageException;
import zerofs.simulation.CrashScenario.Story;

/// The stories. Each is made so that what its name says is going on at many of its requests.
final class CrashScenarios {
  private static final TestVolumes.Size SMALL = TestVolumes.Size.SMALL;
  private static final TestVolumes.Size FLUSHES_OFTEN = new TestVolumes.Size(4 << 20, 300_000L, 3);

  /// Stores nothing without being asked, or without being full.
  private static final TestVolumes.Size LAZY =
      new TestVolumes.Size(6 << 20, 3_600_000_000_000L, 60);

  /// After which nobody expects that barriers come.
  private static final long QUIET_NANOS = 11_000_000_000L;

  private static final int MIB = 1 << 20;
  private static final int EXTENT = 32 << 10;
  private static final long CHUNK = 2L << 20;

  static final List<CrashScenario> ALL =
      List.of(
          new CrashScenario(
              "names", "names that come, move and go", SMALL, Story.NOTHING, CrashScenarios::names),
          new CrashScenario(
              "bulk", "a large file and its fsyncs", SMALL, Story.NOTHING, CrashScenarios::bulk),
          new CrashScenario(
              "early-bulk",
              "data segments before their log object",
              LAZY,
              Story.NOTHING,
              CrashScenarios::earlyBulk),
          new CrashScenario(
              "flush",
              "SSTs and the manifest that names them",
              FLUSHES_OFTEN,
              Story.NOTHING,
              CrashScenarios::flush),
          new CrashScenario(
              "compaction",
              "runs that are merged, and the manifest",
              FLUSHES_OFTEN,
              CrashScenarios::manyRuns,
              CrashScenarios::flush),
          new CrashScenario(
              "four-puts",
              "log objects side by side",
              SMALL,
              Story.NOTHING,
              CrashScenarios::fourPuts),
          new CrashScenario(
              "takeover",
              "another machine's writer, and the one it deposes",
              SMALL,
              Story.NOTHING,
              CrashScenarios::takeover),
          new CrashScenario(
              "huge-truncate",
              "a cut that takes several commits",
              SMALL,
              CrashScenarios::sparse,
              CrashScenarios::hugeTruncate),
          new CrashScenario(
              "hard-links", "names of one inode", SMALL, Story.NOTHING, CrashScenarios::hardLinks),
          new CrashScenario(
              "exchange",
              "two names that change places",
              SMALL,
              CrashScenarios::twoTrees,
              CrashScenarios::exchange),
          new CrashScenario(
              "patches",
              "parts of extents that are not in memory",
              FLUSHES_OFTEN,
              CrashScenarios::coldFile,
              CrashScenarios::patches),
          new CrashScenario(
              "journal-wrap",
              "more records than the journal's stage and a file take",
              LAZY,
              Story.NOTHING,
              CrashScenarios::journalWrap),
          new CrashScenario(
              "orphans",
              "open files without a name",
              SMALL,
              Story.NOTHING,
              CrashScenarios::orphans),
          new CrashScenario(
              "restart",
              "clean stops, fences and starts",
              SMALL,
              Story.NOTHING,
              CrashScenarios::restart),
          new CrashScenario(
              "replay",
              "starts after a kill, with and without a journal",
              LAZY,
              Story.NOTHING,
              CrashScenarios::replay),
          new CrashScenario(
              "password",
              "another password, beside a server",
              SMALL,
              hands -> hands.protect("the first password"),
              CrashScenarios::password));

  private CrashScenarios() {}

  private static void names(Hands hands) throws FsException {
    long one = hands.mkdir(ROOT, "one");
    long other = hands.mkdir(ROOT, "other");
    for (int i = 0; i < 30; i++) {
      long file = hands.create(one, "f" + i);
      hands.write(file, 0, 100 * i + 1, i);
      switch (i % 6) {
        case 0 -> hands.rename(one, "f" + i, other, "g" + i % 4, RenameMode.REPLACE);
        case 1 -> hands.unlink(one, "f" + i);
        case 2 -> hands.symlink(one, "l" + i, "f" + i);
        case 3 -> {
          hands.mkdir(one, "d");
          hands.rename(one, "d", other, "d", RenameMode.NOREPLACE);
        }
        case 4 -> {
          hands.rmdir(other, "d");
          hands.sync();
        }
        default -> hands.barrier();
      }
    }
  }

  private static void bulk(Hands hands) throws FsException {
    long file = hands.create(ROOT, "bulk");
    for (int i = 0; i < 4; i++) {
      hands.write(file, (long) i * MIB, MIB, 2 + i);
      hands.barrier();
    }
  }

  private static void earlyBulk(Hands hands) throws FsException {
    long file = hands.create(ROOT, "bulk");
    hands.sleep(QUIET_NANOS);
    hands.write(file, 0, 6 * MIB, 2);
    hands.write(file, MIB, 2 * MIB, 3);
    hands.truncate(file, 5 * MIB + 77);
    hands.sync();
    hands.write(file, 5 * MIB, MIB, 4);
    hands.barrier();
  }

  private static void flush(Hands hands) throws FsException {
    for (int i = 0; i < 4; i++) {
      long directory = hands.mkdir(ROOT, "d" + i);
      for (int k = 0; k < 10; k++) {
        hands.write(hands.create(directory, "f" + k), 0, 1000, k);
        hands.sleep(500_000L);
      }
      hands.flush();
    }
  }

  private static void manyRuns(Hands hands) throws FsException {
    for (int i = 0; i < 6; i++) {
      hands.write(hands.create(ROOT, "f" + i), 0, 700, i);
      hands.flush();
    }
  }

  private static void fourPuts(Hands hands) throws FsException {
    long file = hands.create(ROOT, "file");
    for (int i = 0; i < 40; i++) {
      hands.write(file, (long) i * EXTENT / 2, EXTENT, 2 + i);
      hands.create(ROOT, "f" + i);
      hands.sleep(400_000L);
      if (i % 20 == 19) {
        hands.barrier();
      }
    }
  }

  private static void takeover(Hands hands) throws FsException, StorageException {
    for (int i = 0; i < 3; i++) {
      long directory = hands.mkdir(ROOT, "d" + i);
      for (int k = 0; k < 8; k++) {
        hands.write(hands.create(directory, "f" + k), 0, 900 * k + 1, k);
        if (k == 3) {
          hands.barrier();
        }
      }
      hands.sync();
      hands.takeOver();
    }
  }

  private static void sparse(Hands hands) throws FsException {
    long file = hands.create(ROOT, "sparse");
    for (int i = 0; i < 4500; i++) {
      hands.write(file, i * CHUNK, 1, 6);
    }
    hands.flush();
  }

  private static void hugeTruncate(Hands hands) throws FsException {
    long file = hands.lookup(ROOT, "sparse");
    hands.truncate(file, 3 * CHUNK + 5);
    hands.sync();
    hands.write(file, 2 * CHUNK, 100, 7);
    hands.barrier();
  }

  private static void hardLinks(Hands hands) throws FsException {
    long directory = hands.mkdir(ROOT, "d");
    long file = hands.create(ROOT, "file");
    for (int i = 0; i < 12; i++) {
      hands.link(file, directory, "l" + i);
      hands.write(file, 1000L * i, 1000, i + 2);
      if (i % 4 == 1) {
        hands.unlink(directory, "l" + (i - 1));
        hands.sync();
      }
      if (i % 4 == 3) {
        hands.rename(directory, "l" + i, ROOT, "other", RenameMode.REPLACE);
        hands.barrier();
      }
    }
    hands.unlink(ROOT, "file");
    hands.barrier();
  }

  private static void twoTrees(Hands hands) throws FsException {
    long one = hands.mkdir(ROOT, "one");
    long other = hands.mkdir(ROOT, "other");
    hands.write(hands.create(one, "file"), 0, 50_000, 2);
    hands.mkdir(other, "directory");
    hands.barrier();
  }

  private static void exchange(Hands hands) throws FsException {
    long one = hands.lookup(ROOT, "one");
    long other = hands.lookup(ROOT, "other");
    for (int i = 0; i < 9; i++) {
      hands.rename(one, "file", other, "directory", RenameMode.EXCHANGE);
      hands.rename(ROOT, "one", ROOT, "other", RenameMode.EXCHANGE);
      hands.create(one, "f" + i);
      if (i % 3 == 1) {
        hands.sync();
      }
      if (i % 3 == 2) {
        hands.barrier();
      }
    }
  }

  private static void coldFile(Hands hands) throws FsException, StorageException {
    long file = hands.create(ROOT, "cold");
    hands.write(file, 0, MIB, 2);
    hands.flush();
    hands.restart();
  }

  private static void patches(Hands hands) throws FsException {
    long file = hands.lookup(ROOT, "cold");
    for (int i = 0; i < 20; i++) {
      hands.write(file, (long) (i % 5) * EXTENT + 997L * i, 700, 3 + i);
      hands.sleep(400_000L);
      if (i % 7 == 3) {
        hands.truncate(file, MIB - 5000L * i);
        hands.sync();
      }
      if (i % 7 == 6) {
        hands.flush();
      }
    }
  }

  private static void journalWrap(Hands hands) throws FsException {
    long file = hands.create(ROOT, "file");
    for (int i = 0; i < 9; i++) {
      for (int k = 0; k < 8; k++) {
        hands.write(file, (long) (i + k) * MIB / 8, MIB / 8, 2 + i * 8 + k);
      }
      hands.sync();
      if (i % 4 == 3) {
        hands.barrier();
      }
    }
  }

  private static void orphans(Hands hands) throws FsException {
    List<Long> files = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      long file = hands.create(ROOT, "f" + i);
      files.add(file);
      hands.write(file, 0, 40_000, 2 + i);
      hands.open(file);
      hands.unlink(ROOT, "f" + i);
      hands.write(file, 10_000, 10_000, 3 + i);
      if (i % 2 == 1) {
        hands.barrier();
        hands.release(files.removeFirst());
      }
    }
    for (long file : files) {
      hands.release(file);
    }
    hands.barrier();
  }

  private static void restart(Hands hands) throws FsException, StorageException {
    for (int i = 0; i < 3; i++) {
      hands.write(hands.create(ROOT, "f" + i), 0, 60_000, 2 + i);
      hands.mkdir(ROOT, "d" + i);
      hands.restart();
    }
  }

  private static void replay(Hands hands) throws FsException, StorageException {
    for (int i = 0; i < 3; i++) {
      long directory = hands.mkdir(ROOT, "d" + i);
      for (int k = 0; k < 12; k++) {
        hands.write(hands.create(directory, "f" + k), 0, 3000 * k, k);
      }
      hands.truncate(hands.create(directory, "holes"), 1L << 40);
      if (i == 1) {
        hands.barrier();
      }
      hands.kill();
    }
  }

  private static void password(Hands hands) throws FsException, StorageException {
    long file = hands.create(ROOT, "file");
    hands.changePassword("the second password");
    hands.write(file, 0, EXTENT, 1);
    hands.changePassword("the third password");
    hands.barrier();
  }
}
