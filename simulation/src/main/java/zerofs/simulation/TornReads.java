package zerofs.simulation;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.engine.Journaling;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.ForgetfulObjectStore;
import zerofs.objectstore.StorageException;

/// Two writers of 1 MiB patterns and two readers on one file: a read that shows two patterns is
/// torn.
final class TornReads {
  private static final int BYTES = 1 << 20;
  private static final int OFFSET = 777;

  /// At most so many reads to a write: with fewer writes the reads would show nothing.
  private static final int READS_TO_A_WRITE = 10;

  private final Filesystem fs;
  private final Tasks tasks;
  private final AtomicLong torn = new AtomicLong();
  private final AtomicLong written = new AtomicLong();
  private final AtomicLong reads = new AtomicLong();
  private final AtomicBoolean done = new AtomicBoolean();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  /// A volume for it. It may keep four such writes before it stores them, so that writers are not
  /// much slower than readers; nobody reads what is no longer in the file, so its store forgets.
  static Volume volume(Tasks tasks) throws StorageException {
    ForgetfulObjectStore store = new ForgetfulObjectStore();
    TestVolumes.create(store);
    return TestVolumes.open(
        store,
        Journaling.NONE,
        tasks,
        1,
        Long.MAX_VALUE,
        new TestVolumes.Size(32 << 20, 300_000L, 60));
  }

  TornReads(Filesystem fs, Tasks tasks) {
    this.fs = fs;
    this.tasks = tasks;
  }

  /// @param torn reads that showed more than one pattern
  record Result(long reads, long writes, long torn) {}

  /// Reads until each reader has read so often and enough was written meanwhile, however the
  /// machine shares its time between them.
  Result run(int readsEach) throws FsException {
    Call call = Call.waiting(Caller.ROOT);
    long file =
        fs.create(call, Filesystem.ROOT, Name.of("torn"), 0644, true, SetAttributes.NONE).inode();
    fs.write(call, file, OFFSET, ByteBuffer.wrap(new byte[BYTES]));
    List<Tasks.Task> writers = new ArrayList<>();
    List<Tasks.Task> readers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      int first = 1 + i * 100;
      writers.add(tasks.fork("writer", Tasks.Kind.COMPUTING, () -> write(file, first)));
      readers.add(tasks.fork("reader", Tasks.Kind.COMPUTING, () -> read(file, readsEach)));
    }
    readers.forEach(Tasks.Task::join);
    done.set(true);
    writers.forEach(Tasks.Task::join);
    Throwable failed = failure.get();
    if (failed != null) {
      throw new IllegalStateException("a reader or a writer failed", failed);
    }
    return new Result(reads.get(), written.get(), torn.get());
  }

  private void write(long file, int first) {
    byte[] pattern = new byte[BYTES];
    try {
      for (int i = 0; !done.get(); i++) {
        Arrays.fill(pattern, (byte) (first + i % 100));
        fs.write(Call.waiting(Caller.ROOT), file, OFFSET, ByteBuffer.wrap(pattern));
        written.incrementAndGet();
      }
    } catch (FsException | RuntimeException | Error e) {
      failure.set(e);
    }
  }

  private void read(long file, int atLeast) {
    ByteBuffer target = ByteBuffer.allocate(BYTES);
    byte[] got = target.array();
    try {
      long writes = 2L * atLeast / READS_TO_A_WRITE;
      for (int i = 0; (i < atLeast || written.get() < writes) && failure.get() == null; i++) {
        fs.read(Call.waiting(Caller.ROOT), file, OFFSET, target.clear());
        if (Arrays.mismatch(got, 0, BYTES - 1, got, 1, BYTES) >= 0) {
          torn.incrementAndGet();
        }
        reads.incrementAndGet();
      }
    } catch (FsException | RuntimeException | Error e) {
      failure.set(e);
    }
  }
}
