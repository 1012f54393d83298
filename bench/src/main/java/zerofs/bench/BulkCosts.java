package zerofs.bench;

import java.nio.ByteBuffer;
import java.util.List;
import zerofs.base.Tasks;
import zerofs.bench.Costs.Times;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.engine.Journaling;
import zerofs.objectstore.ForgetfulObjectStore;
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.StoreCounters.Request;

/// A large file that is written as fast as it goes, with one fsync at the end, to a store that
/// takes 50 ms for each request and so much of what one connection carries.
final class BulkCosts {
  private static final long LATENCY_NANOS = 50_000_000L;
  private static final int STEP_BYTES = 256 << 10;
  private static final long BULK_BYTES = 1L << 30;

  /// After which nobody expects the barrier to come again that a start has.
  private static final long QUIET_NANOS = 11_000_000_000L;

  private final Tasks tasks = BenchVolume.tasks();
  private final BenchVolume bench;
  private final ByteBuffer text = Text.direct(64 << 20, 1);

  private BulkCosts(long bytesPerSecond) throws StorageException, FsException {
    bench =
        BenchVolume.open(
            new LatencyObjectStore(
                new ForgetfulObjectStore(), tasks, LATENCY_NANOS, bytesPerSecond),
            "zstd-3",
            Journaling.NONE);
  }

  static void run(Costs costs) throws StorageException, FsException {
    for (int mib : List.of(12, 40)) {
      BulkCosts run = new BulkCosts((long) mib << 20);
      run.row(costs, mib);
      run.bench.close();
    }
  }

  private void row(Costs costs, int mib) throws FsException {
    long file = bench.create(Filesystem.ROOT, "bulk");
    bench.settle();
    tasks.sleep(QUIET_NANOS);
    StoreCounters before = bench.store.counters();
    Times steps = new Times();
    ByteBuffer source = text.duplicate();
    long started = tasks.nanoTime();
    for (long at = 0; at < BULK_BYTES; at += STEP_BYTES) {
      int from = (int) (at % text.capacity());
      source.limit(from + STEP_BYTES).position(from);
      long stepped = tasks.nanoTime();
      bench.volume.write(BenchVolume.waiting(), file, at, source);
      steps.add(tasks.nanoTime() - stepped);
    }
    long written = tasks.nanoTime();
    bench.settle();
    double seconds = (tasks.nanoTime() - started) / 1e9;
    StoreCounters after = bench.store.counters();
    double stored = after.bytesPut() - before.bytesPut();
    check(file);
    costs.row(
        "write of 256 KiB of 1 GiB, %d MiB/s a connection".formatted(mib),
        steps,
        "%.0f MB/s, the fsync at the end %s; %.1f connections kept full; %d PUTs"
            .formatted(
                BULK_BYTES / seconds / 1e6,
                Costs.micros((seconds * 1e9 - (written - started)) / 1e3),
                stored / seconds / (mib << 20),
                after.of(Request.PUT) - before.of(Request.PUT)));
  }

  /// What was synced is there.
  private void check(long file) throws FsException {
    ByteBuffer read = ByteBuffer.allocateDirect(STEP_BYTES);
    long at = BULK_BYTES - STEP_BYTES;
    bench.volume.read(BenchVolume.waiting(), file, at, read);
    Checked.that(
        read.flip().equals(text.slice((int) (at % text.capacity()), STEP_BYTES)),
        "what was written is not there");
  }
}
