package zerofs.bench;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.zip.CRC32C;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import zerofs.fs.Attributes;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// Names made, moved and removed, in directories of a few thousand.
public class NamespaceBench {
  static final int UNLINKS = 1000;

  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Directory {
    @Param("4096")
    public int entriesMax;

    private BenchVolume bench;
    private Name[] names;
    private long directory;
    private long changeBefore;
    private long changes;
    private int entries;
    private int directories;
    private boolean moved;
    private String remark = "";

    @Setup
    public void setup() throws Exception {
      bench = BenchVolume.open();
      names = new Name[entriesMax];
      for (int i = 0; i < entriesMax; i++) {
        names[i] = Name.of("file-%06d.txt".formatted(i));
      }
      startDirectory();
    }

    /// Lets what is done in the background catch up, outside of the measured time: without a pause
    /// the heap, which holds the store as well, does not last.
    @Setup(Level.Iteration)
    public void drain() throws FsException {
      bench.volume.flush();
    }

    private void startDirectory() throws FsException {
      directory = bench.mkdir("directory " + directories++);
      changeBefore = bench.change(directory);
      changes = 0;
      entries = 0;
    }

    Attributes create() throws FsException {
      if (entries == entriesMax) {
        startDirectory();
      }
      changes++;
      return bench.volume.create(
          BenchVolume.waiting(), directory, names[entries++], 0644, true, SetAttributes.NONE);
    }

    void unlink(int entry) throws FsException {
      changes++;
      bench.volume.unlink(BenchVolume.waiting(), directory, names[entry]);
    }

    void rename() throws FsException {
      changes++;
      bench.volume.rename(
          BenchVolume.waiting(),
          directory,
          names[moved ? 1 : 0],
          directory,
          names[moved ? 0 : 1],
          RenameMode.REPLACE);
      moved = !moved;
    }

    boolean exists(int entry) throws FsException {
      try {
        bench.volume.lookup(BenchVolume.waiting(), directory, names[entry]);
        return true;
      } catch (FsException e) {
        Checked.that(e.error() == FsError.NOT_FOUND, "lookup says " + e.error());
        return false;
      }
    }

    /// Every operation was one change of the directory.
    @TearDown
    public void check() throws FsException {
      long made = bench.change(directory) - changeBefore;
      Checked.that(made == changes, changes + " operations made " + made + " changes");
      CRC32C crc = new CRC32C();
      for (Name each : names) {
        crc.update(each.raw());
      }
      int[] listed = {0};
      bench.volume.readdir(
          BenchVolume.waiting(),
          directory,
          2,
          (cookie, name, inode, type, attributes) -> {
            listed[0]++;
            return true;
          });
      Checked.that(listed[0] == entries, listed[0] + " entries listed of " + entries);
      bench.settle();
      Checked.done(crc.getValue(), remark);
      bench.close();
    }
  }

  @Benchmark
  public Attributes create(Directory directory) throws FsException {
    return directory.create();
  }

  /// One file, moved to and fro between two names.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Moved {
    private Directory directory;

    @Setup
    public void setup(Directory of) throws FsException {
      directory = of;
      directory.create();
    }

    @TearDown
    public void check() throws FsException {
      Checked.that(
          directory.exists(1) == directory.moved && directory.exists(0) != directory.moved,
          "the file is not where it was moved to");
    }
  }

  @Benchmark
  public void rename(Moved moved) throws FsException {
    moved.directory.rename();
  }

  /// Files to remove, made outside of the measured time. What JMH measures of allocation and of
  /// processor time has making them in it, so the thread's own allocation is noted here.
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Victims {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private Directory directory;
    private long allocated;
    private long unlinked;

    @Setup(Level.Invocation)
    public void setup(Directory of) throws FsException {
      directory = of;
      directory.entries = 0;
      for (int i = 0; i < UNLINKS; i++) {
        directory.create();
      }
    }

    void unlinkAll() throws FsException {
      long before = THREADS.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < UNLINKS; i++) {
        directory.unlink(i);
      }
      allocated += THREADS.getCurrentThreadAllocatedBytes() - before;
      unlinked += UNLINKS;
      directory.remark = "%d B on its own thread".formatted(allocated / unlinked);
    }

    @TearDown(Level.Invocation)
    public void check() throws FsException {
      Checked.that(!directory.exists(0) && !directory.exists(UNLINKS - 1), "a name is still there");
      directory.entries = 0;
    }
  }

  @Benchmark
  @OperationsPerInvocation(UNLINKS)
  public void unlink(Victims victims) throws FsException {
    victims.unlinkAll();
  }
}
