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
import zerofs.fs.Name;

/// Reads of what is in memory, each thread in a file of its own.
public class ReadBench {
  @State(Scope.Benchmark)
  @SuppressWarnings("NullAway.Init")
  public static class Volume {
    @Param("64")
    public int fileMib;

    private BenchVolume bench;
    private ByteBuffer text;
    private long[] files;
    private AtomicInteger threads;

    @Setup
    public void setup(BenchmarkParams params) throws Exception {
      bench = BenchVolume.open();
      text = Text.direct(fileMib << 20, 1);
      threads = new AtomicInteger(params.getThreads());
      files = new long[params.getThreads()];
      for (int i = 0; i < files.length; i++) {
        files[i] = bench.file("file " + i, text);
      }
    }

    /// Threads end in any order; the last one closes.
    void leave() {
      if (threads.decrementAndGet() == 0) {
        bench.close();
      }
    }
  }

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Reader {
    @Param("4096")
    public int ioBytes;

    private Filesystem fs;
    private long inode;
    private Name name;
    private SplittableRandom random;
    private ByteBuffer target;
    private int blocks;
    private long offset;

    @Setup
    public void setup(Volume volume, ThreadParams thread) {
      fs = volume.bench.volume;
      inode = volume.files[thread.getThreadIndex()];
      name = Name.of("file " + thread.getThreadIndex());
      random = new SplittableRandom(thread.getThreadIndex());
      target = ByteBuffer.allocateDirect(ioBytes);
      blocks = volume.text.capacity() / ioBytes;
    }

    int read() throws FsException {
      int count = fs.read(BenchVolume.warm(), inode, offset, target.clear());
      Checked.that(count == ioBytes, "short read");
      return count;
    }

    @TearDown
    public void check(Volume volume) throws FsException {
      read();
      ByteBuffer wanted = volume.text.slice((int) offset, ioBytes);
      Checked.that(target.flip().equals(wanted), "read other bytes than were written");
      Checked.that(
          fs.lookup(BenchVolume.warm(), Filesystem.ROOT, name).equals(getattr())
              && getattr().size() == volume.text.capacity(),
          "wrong attributes");
      offset = 0;
      read();
      volume.leave();
      Checked.done(Checked.hash(target.flip()), "");
    }

    private Attributes getattr() throws FsException {
      return fs.getattr(BenchVolume.warm(), inode);
    }
  }

  @Benchmark
  public int random(Reader reader) throws FsException {
    reader.offset = (long) reader.random.nextInt(reader.blocks) * reader.ioBytes;
    return reader.read();
  }

  @Benchmark
  public int sequential(Reader reader) throws FsException {
    reader.offset =
        reader.offset + reader.ioBytes < (long) reader.blocks * reader.ioBytes
            ? reader.offset + reader.ioBytes
            : 0;
    return reader.read();
  }

  @Benchmark
  public Attributes getattr(Reader reader) throws FsException {
    return reader.getattr();
  }

  @Benchmark
  public Attributes lookup(Reader reader) throws FsException {
    return reader.fs.lookup(BenchVolume.warm(), Filesystem.ROOT, reader.name);
  }
}
