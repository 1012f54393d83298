package zerofs.bench;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.SplittableRandom;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import zerofs.fs.Call;
import zerofs.fs.FsException;
import zerofs.objectstore.ForgetfulObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;

/// What an fsync costs beyond the PUT that it is.
public class BarrierBench {
  private static final int IO_BYTES = 4096;

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Writer {
    @Param("4")
    public int fileMib;

    private BenchVolume bench;
    private ByteBuffer source;
    private long inode;
    private SplittableRandom random;
    private StoreCounters before;
    private long writes;

    @Setup
    public void setup() throws Exception {
      bench = BenchVolume.open();
      source = Text.direct(fileMib << 20, 2);
      inode = bench.file("file", Text.direct(fileMib << 20, 1));
      random = new SplittableRandom(1);
      before = bench.store.counters();
    }

    void write() throws FsException {
      int at = random.nextInt(source.capacity() / IO_BYTES) * IO_BYTES;
      Call call = BenchVolume.waiting();
      bench.volume.write(call, inode, at, source.limit(at + IO_BYTES).position(at));
      bench.volume.barrier(call.sequence());
      writes++;
    }

    /// Each write and barrier was one PUT; none read anything.
    @TearDown
    public void check() {
      StoreCounters made = bench.store.counters().since(before);
      long puts = made.of(ObjectStore.Cause.BARRIER, StoreCounters.Request.PUT);
      long gets =
          made.of(StoreCounters.Request.GET)
              - made.of(ObjectStore.Cause.COMPACTION, StoreCounters.Request.GET);
      Checked.that(puts == writes, writes + " barriers made " + puts + " PUTs");
      Checked.that(gets == 0, gets + " GETs");
      Checked.that(
          bench.volume.storedSequence() == bench.volume.committedSequence(), "not all is stored");
      bench.close();
      Checked.done(
          Checked.hash(source.limit(IO_BYTES).position(0)),
          "1 PUT, 0 GET, %d bytes each".formatted(made.bytesPut() / writes));
    }
  }

  @Benchmark
  public void write(Writer writer) throws FsException {
    writer.write();
  }

  @State(Scope.Thread)
  @SuppressWarnings("NullAway.Init")
  public static class Putter {
    /// What [BarrierBench#write] says that it stores each time.
    @Param("14000")
    public int bytes;

    private ObjectStore store;
    private ObjectStore.Body body;
    private long number;

    @Setup(Level.Iteration)
    public void setup() {
      store = new ForgetfulObjectStore();
      body = new ObjectStore.Body(List.of(Text.direct(bytes, 1)));
    }

    @TearDown(Level.Iteration)
    public void check() throws StorageException {
      ObjectStore.Fetched last = store.getSuffix(key(number), bytes, ObjectStore.Cause.READ);
      Checked.that(
          last != null && last.bytes().equals(body.parts().getFirst()), "the object differs");
    }

    @TearDown
    public void done() {
      Checked.done(Checked.hash(body.parts().getFirst()), "");
    }

    void put() throws StorageException {
      number++;
      store.put(key(number), body, ObjectStore.Cause.BARRIER);
    }

    private static String key(long number) {
      return "log/" + number;
    }
  }

  @Benchmark
  public void barePut(Putter putter) throws StorageException {
    putter.put();
  }
}
