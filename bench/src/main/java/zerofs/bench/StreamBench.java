package zerofs.bench;

import java.nio.ByteBuffer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;

/// A new file, written from start to end in steps of 1 MiB until all of it is stored.
public class StreamBench {
  private static final int STEP_BYTES = 1 << 20;

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Stream {
    @Param({"zstd-3", "lz4", "auto"})
    public String compression;

    @Param("256")
    public int fileMib;

    private BenchVolume bench;
    private ByteBuffer text;
    private long inode;
    private long bytesBefore;

    @Setup
    public void setup() throws Exception {
      bench = BenchVolume.open(compression);
      text = Text.direct(Math.min(64, fileMib) << 20, 1);
    }

    @Setup(Level.Invocation)
    public void begin() throws FsException {
      inode = bench.create(Filesystem.ROOT, "file");
      bench.settle();
      bytesBefore = bench.store.counters().bytesPut();
    }

    void write() throws FsException {
      for (int i = 0; i < fileMib; i++) {
        int from = i * STEP_BYTES % text.capacity();
        ByteBuffer step = text.limit(from + STEP_BYTES).position(from);
        bench.volume.write(BenchVolume.waiting(), inode, (long) i * STEP_BYTES, step);
      }
      bench.settle();
    }

    @TearDown(Level.Invocation)
    public void end() throws FsException {
      long bytes = (long) fileMib * STEP_BYTES;
      long stored = bench.store.counters().bytesPut() - bytesBefore;
      Checked.that(stored > bytes / 5 && stored < bytes * 3 / 4, "stored " + stored + " bytes");
      Checked.that(bench.volume.getattr(BenchVolume.warm(), inode).size() == bytes, "wrong size");
      ByteBuffer last = ByteBuffer.allocateDirect(STEP_BYTES);
      bench.volume.read(BenchVolume.waiting(), inode, bytes - STEP_BYTES, last);
      ByteBuffer wanted = text.slice((fileMib - 1) * STEP_BYTES % text.capacity(), STEP_BYTES);
      Checked.that(last.flip().equals(wanted), "what was written is not there");
      bench.volume.unlink(BenchVolume.waiting(), Filesystem.ROOT, Name.of("file"));
      bench.settle();
    }

    @TearDown
    public void check() {
      bench.close();
      Checked.done(Checked.hash(text.clear()), "");
    }
  }

  @Benchmark
  public void write(Stream stream) throws FsException {
    stream.write();
  }
}
