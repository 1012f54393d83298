package zerofs.bench;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import zerofs.base.Tasks;
import zerofs.bench.Costs.Times;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.engine.Journaling;
import zerofs.objectstore.ForgetfulObjectStore;
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.LinkObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters.Request;

/// fsync (class `store`) of 4 KiB beside one writer of a large file that goes as fast as it can, on
/// a store that takes 50 ms for each request at the end of a link that is slower than the writer.
final class FsyncCosts {
  private static final long LATENCY_NANOS = 50_000_000L;
  private static final long AIM_MICROS = 150_000;
  private static final int IO_BYTES = 4096;
  private static final int STEP_BYTES = 256 << 10;
  private static final long BULK_BYTES = 8L << 30;
  private static final int PUTS = 20;
  private static final int FSYNCS_MAX = 500;
  private static final long MEASURE_NANOS = 20_000_000_000L;

  /// While the writer finds its pace: at a server's start nobody knows the link.
  private static final long WARM_NANOS = 5_000_000_000L;

  private final Tasks tasks = BenchVolume.tasks();
  private final BenchVolume bench;
  private final ByteBuffer text = Text.direct(64 << 20, 1);
  private final long bulk;
  private final long small;
  private final AtomicLong bulkBytes = new AtomicLong();

  private FsyncCosts(long bytesPerSecond) throws StorageException, FsException {
    bench =
        BenchVolume.open(
            new LatencyObjectStore(
                new LinkObjectStore(new ForgetfulObjectStore(), tasks, bytesPerSecond),
                tasks,
                LATENCY_NANOS),
            "zstd-3",
            Journaling.NONE);
    bulk = bench.create(Filesystem.ROOT, "bulk");
    small = bench.create(Filesystem.ROOT, "small");
    bench.settle();
  }

  static void run(Costs costs) throws StorageException, FsException {
    for (int mib : List.of(12, 50, 200)) {
      FsyncCosts run = new FsyncCosts((long) mib << 20);
      run.row(costs, mib);
      run.bench.close();
    }
  }

  private void row(Costs costs, int mib) throws StorageException, FsException {
    Times bare = new Times();
    ObjectStore.Body body = new ObjectStore.Body(List.of(text.slice(0, 14_000)));
    for (int i = 0; i < PUTS; i++) {
      long started = tasks.nanoTime();
      bench.store.put("probe/" + i, body, ObjectStore.Cause.PROBE);
      bare.add(tasks.nanoTime() - started);
    }
    AtomicBoolean stop = new AtomicBoolean();
    Tasks.Task writer = tasks.fork("bulk", Tasks.Kind.COMPUTING, () -> writeBulk(stop));
    double alone = rate(WARM_NANOS, () -> tasks.sleep(WARM_NANOS / 50));
    Times warm = new Times();
    rate(WARM_NANOS, () -> fsync(warm));
    Times beside = new Times();
    long puts = bench.store.counters().of(ObjectStore.Cause.BARRIER, Request.PUT);
    long started = tasks.nanoTime();
    long before = bulkBytes.get();
    while (beside.count() < FSYNCS_MAX && tasks.nanoTime() - started < MEASURE_NANOS) {
      fsync(beside);
    }
    double seconds = (tasks.nanoTime() - started) / 1e9;
    double rate = (bulkBytes.get() - before) / seconds / 1e6;
    puts = bench.store.counters().of(ObjectStore.Cause.BARRIER, Request.PUT) - puts;
    stop.set(true);
    writer.join();
    bench.settle();
    check(beside.count() - 1);
    costs.row(
        "fsync of 4 KiB beside a writer, link of %d MiB/s".formatted(mib),
        beside,
        "P %s; writer %.0f MB/s, %.0f without fsyncs; %.1f PUT/s"
            .formatted(Costs.micros(bare.micros(50)), rate, alone, puts / seconds),
        "p99 ≤ P + 150 ms: P + %.0f ms".formatted((beside.micros(99) - bare.micros(50)) / 1000),
        beside.micros(99) <= bare.micros(50) + AIM_MICROS);
  }

  private interface Step {
    void run() throws FsException;
  }

  /// MB that the writer writes each second while `step` is done again and again.
  private double rate(long nanos, Step step) throws FsException {
    long started = tasks.nanoTime();
    long before = bulkBytes.get();
    while (tasks.nanoTime() - started < nanos) {
      step.run();
    }
    return (bulkBytes.get() - before) / ((tasks.nanoTime() - started) / 1e3);
  }

  private void writeBulk(AtomicBoolean stop) {
    ByteBuffer source = text.duplicate();
    try {
      for (long at = 0; !stop.get(); at += STEP_BYTES) {
        int from = (int) (at % text.capacity());
        source.limit(from + STEP_BYTES).position(from);
        bench.volume.write(BenchVolume.waiting(), bulk, at % BULK_BYTES, source);
        bulkBytes.addAndGet(STEP_BYTES);
      }
    } catch (FsException e) {
      throw new IllegalStateException(e);
    }
  }

  private void fsync(Times times) throws FsException {
    Call call = BenchVolume.waiting();
    int at = times.count() * IO_BYTES;
    long started = tasks.nanoTime();
    bench.volume.write(call, small, at, text.slice(at, IO_BYTES));
    bench.volume.barrier(call.sequence());
    times.add(tasks.nanoTime() - started);
    Checked.that(
        bench.volume.storedSequence() >= call.sequence(), "a barrier ended before its write");
  }

  /// What was synced is there.
  private void check(int last) throws FsException {
    ByteBuffer read = ByteBuffer.allocateDirect(IO_BYTES);
    int at = last * IO_BYTES;
    bench.volume.read(BenchVolume.waiting(), small, at, read);
    Checked.that(read.flip().equals(text.slice(at, IO_BYTES)), "what was written is not there");
  }
}
