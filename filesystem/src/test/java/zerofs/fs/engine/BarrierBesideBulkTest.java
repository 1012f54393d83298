package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ForgetfulObjectStore;
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.LinkObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;

/// A barrier beside a writer that is faster than the link: in simulated time, in which encoding
/// takes none.
class BarrierBesideBulkTest {
  private static final int STEP_BYTES = 256 << 10;
  private static final int BULK_BYTES = 32 << 20;
  private static final int BARRIERS = 200;

  /// Within so many barriers the sizes are found.
  private static final int WARM_BARRIERS = 30;

  private final SimulatedFixture fixture = new SimulatedFixture(1);
  private final byte[] noise = new byte[1 << 20];
  private final AtomicLong written = new AtomicLong();

  @ParameterizedTest
  @CsvSource({"8, 50, 150", "16, 50, 150", "64, 50, 150", "32, 5, 150", "32, 150, 250"})
  void aBarrierWaitsLittleLongerThanAPutAndTheWriterHasTheLink(
      int linkMib, int putMillis, int moreMillis) {
    fixture.slabBytes = 192 << 20; // Generations of 12 MiB when no barriers come.
    new Random(1).nextBytes(noise);
    fixture.simulate(
        () -> {
          ForgetfulObjectStore memory = new ForgetfulObjectStore();
          String manifest = ManifestStore.key(1);
          ByteBuffer first =
              Objects.requireNonNull(fixture.memory.getSuffix(manifest, 1 << 20, Cause.ADMIN))
                  .bytes();
          memory.put(manifest, new ObjectStore.Body(List.of(first)), Cause.ADMIN);
          Tasks tasks = fixture.simulation;
          ObjectStore link = new LinkObjectStore(memory, tasks, (long) linkMib << 20);
          Volume volume =
              fixture.open(
                  "p",
                  new LatencyObjectStore(link, tasks, putMillis * 1_000_000L),
                  Journaling.NONE);
          long bulk = create(volume, "bulk");
          long small = create(volume, "small");
          AtomicBoolean stop = new AtomicBoolean();
          Tasks.Task writer =
              tasks.fork("bulk", Tasks.Kind.WAITING, () -> writeBulk(volume, bulk, stop));
          tasks.sleep(3_000_000_000L); // Nobody asks, so it has filled all that may wait.
          for (int i = 0; i < WARM_BARRIERS; i++) {
            barrier(volume, small, i);
          }
          long[] millis = new long[BARRIERS];
          long before = written.get();
          long started = tasks.nanoTime();
          for (int i = 0; i < BARRIERS; i++) {
            millis[i] = barrier(volume, small, i) / 1_000_000;
          }
          double seconds = (tasks.nanoTime() - started) / 1e9;
          double share = (written.get() - before) / seconds / (linkMib << 20);
          stop.set(true);
          writer.join();
          Arrays.sort(millis);
          assertThat(millis[BARRIERS - 1 - BARRIERS / 100])
              .as("p99 of barriers, ms; all: %s", Arrays.toString(millis))
              .isLessThanOrEqualTo(putMillis + moreMillis);
          assertThat(share).as("of the link, what the writer has").isGreaterThan(0.5);
          volume.abandon();
        });
  }

  private static long create(Volume volume, String name) throws FsException {
    return volume
        .create(
            SimulatedFixture.root(), Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE)
        .inode();
  }

  private void writeBulk(Volume volume, long file, AtomicBoolean stop) {
    try {
      for (long at = 0; !stop.get(); at += STEP_BYTES) {
        ByteBuffer step = ByteBuffer.wrap(noise, (int) (at % noise.length), STEP_BYTES);
        volume.write(SimulatedFixture.root(), file, at % BULK_BYTES, step);
        written.addAndGet(STEP_BYTES);
      }
    } catch (FsException e) {
      throw new IllegalStateException(e);
    }
  }

  private long barrier(Volume volume, long file, int number) throws FsException {
    long started = fixture.simulation.nanoTime();
    Call call = SimulatedFixture.root();
    volume.write(call, file, number * 4096L, ByteBuffer.wrap(noise, number * 4096, 4096));
    volume.barrier(call.sequence());
    return fixture.simulation.nanoTime() - started;
  }
}
