package zerofs.bench;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.ThreadParams;
import zerofs.fs.Attributes;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;

/// Writes to files in memory, each thread in a file of its own. With 4 MiB per file what is dirty
/// fits into one generation, so it is stored every 5 seconds; with more it is stored all the time.
public class WriteBench {
  private static final int APPEND_BYTES = 100;

  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Volume {
    @Param("4")
    public int fileMib;

    private BenchVolume bench;
    private ByteBuffer before;
    private ByteBuffer after;
    private long[] files;
    private AtomicInteger threads;
    private long[] logs;

    @Setup
    public void setup(BenchmarkParams params) throws Exception {
      bench = BenchVolume.open();
      before = Text.direct(fileMib << 20, 1);
      after = Text.direct(fileMib << 20, 2);
      threads = new AtomicInteger(params.getThreads());
      files = new long[params.getThreads()];
      logs = new long[params.getThreads()];
      for (int i = 0; i < files.length; i++) {
        files[i] = bench.file("file " + i, before);
        logs[i] = bench.create(Filesystem.ROOT, "log " + i);
      }
    }

    /// Threads end in any order; the last one closes.
    void leave() throws FsException {
      if (threads.decrementAndGet() == 0) {
        bench.settle();
        bench.close();
      }
    }
  }

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Writer {
    @Param("4096")
    public int ioBytes;

    private Filesystem fs;
    private long inode;
    private long log;
    private SplittableRandom random;
    private ByteBuffer source;
    private int blocks;
    private long appended;
    private int last;
    private long writes;
    private long changeBefore;

    @Setup
    public void setup(Volume volume, ThreadParams thread) throws FsException {
      fs = volume.bench.volume;
      inode = volume.files[thread.getThreadIndex()];
      log = volume.logs[thread.getThreadIndex()];
      random = new SplittableRandom(thread.getThreadIndex());
      source = volume.after.duplicate();
      blocks = source.capacity() / ioBytes;
      changeBefore = volume.bench.change(inode) + volume.bench.change(log);
    }

    Attributes overwrite() throws FsException {
      last = random.nextInt(blocks) * ioBytes;
      writes++;
      source.limit(last + ioBytes).position(last);
      return fs.write(BenchVolume.waiting(), inode, last, source);
    }

    private int from(long at) {
      return (int) (at % (source.capacity() - APPEND_BYTES));
    }

    Attributes append() throws FsException {
      int from = from(appended);
      source.limit(from + APPEND_BYTES).position(from);
      Attributes after = fs.write(BenchVolume.waiting(), log, appended, source);
      appended += APPEND_BYTES;
      writes++;
      return after;
    }

    /// Every write was a commit, and what was written is there.
    @TearDown
    public void check(Volume volume) throws FsException {
      append();
      overwrite();
      long changes = volume.bench.change(inode) + volume.bench.change(log) - changeBefore;
      Checked.that(changes == writes, writes + " writes made " + changes + " changes");
      ByteBuffer read = ByteBuffer.allocateDirect(ioBytes);
      fs.read(BenchVolume.waiting(), inode, last, read);
      Checked.that(
          read.flip().equals(volume.after.slice(last, ioBytes)), "what was written is not there");
      Attributes now = fs.getattr(BenchVolume.warm(), log);
      Checked.that(now.size() == appended, "appended " + appended + ", size " + now.size());
      ByteBuffer tail = ByteBuffer.allocateDirect(APPEND_BYTES);
      fs.read(BenchVolume.waiting(), log, appended - APPEND_BYTES, tail);
      ByteBuffer wanted = volume.after.slice(from(appended - APPEND_BYTES), APPEND_BYTES);
      Checked.that(tail.flip().equals(wanted), "appended bytes are not there");
      volume.leave();
      Checked.done(Checked.hash(volume.after.slice(0, ioBytes)), "");
    }
  }

  @Benchmark
  public Attributes overwrite(Writer writer) throws FsException {
    return writer.overwrite();
  }

  @Benchmark
  public Attributes append(Writer writer) throws FsException {
    return writer.append();
  }
}
