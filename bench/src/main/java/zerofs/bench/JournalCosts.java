package zerofs.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import zerofs.base.Tasks;
import zerofs.bench.Costs.Times;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.engine.Journaling;
import zerofs.journal.Journal;
import zerofs.journal.JournalDirectory;
import zerofs.objectstore.ForgetfulObjectStore;
import zerofs.objectstore.StorageException;

/// What the local journal costs an operation, and what an answer of class `journal` costs beside a
/// bare fdatasync on the same disk.
final class JournalCosts {
  private static final int IO_BYTES = 4096;

  /// Appends that are timed together: their clock costs less than 3 ns each.
  private static final int BATCH = 16;

  private static final int BATCHES = 4000;
  private static final int WARM_BATCHES = 2000;

  /// Between batches: about what one disk takes of 4 KiB each, so that appends don't wait for it.
  private static final long PAUSE_NANOS = 1_000_000;

  private static final long STORED_BYTES = 16 << 20;
  private static final int COMMITS = 2000;
  private static final int THREADS = 8;
  private static final int FILE_MIB = 4;

  private final Costs costs;
  private final Tasks tasks = BenchVolume.tasks();
  private final Path directory;
  private final ByteBuffer text = Text.direct(FILE_MIB << 20, 2);

  private JournalCosts(Costs costs, Path directory) {
    this.costs = costs;
    this.directory = directory;
  }

  static void run(Costs costs, Path directory) throws IOException, StorageException, FsException {
    JournalCosts run = new JournalCosts(costs, directory);
    run.append();
    run.overwrite();
    run.commits();
  }

  private JournalDirectory open(String name) throws IOException, StorageException {
    return BenchVolume.journal(directory.resolve(name), Path.of("/dev/shm"));
  }

  /// A record as a write of 4 KiB makes it: in the gate its place and number are one atomic add,
  /// then it is copied in. Another task asks for fdatasync all the time.
  private void append() throws IOException, StorageException {
    try (JournalDirectory files = open("append")) {
      files.prepare(epoch -> true);
      Journal journal = files.begin(1, 0);
      AtomicLong taken = new AtomicLong();
      AtomicBoolean stop = new AtomicBoolean();
      Times syncs = new Times();
      Tasks.Task syncing =
          tasks.fork("sync", Tasks.Kind.COMPUTING, () -> syncAll(journal, taken, stop, syncs));
      Times times = new Times();
      Times copies = new Times();
      ByteBuffer ring = ByteBuffer.allocateDirect(8 << 20);
      for (int i = 0; i < WARM_BATCHES + BATCHES; i++) {
        long copied = copy(ring, i * BATCH % (ring.capacity() / IO_BYTES));
        long nanos = batch(journal, taken);
        if (i >= WARM_BATCHES) {
          copies.add(copied / BATCH);
          times.add(nanos / BATCH);
        }
        tasks.sleep(PAUSE_NANOS);
      }
      stop.set(true);
      syncing.join();
      Checked.that(journal.failure() == null, "the journal failed");
      Checked.that(journal.sync(taken.get() >>> 40), "not all records are durable");
      journal.close();
      files.discardBefore(2);
      costs.row(
          "append of 4 KiB to the journal",
          times,
          "copy alone %s; %d fdatasyncs meanwhile, p50 %s"
              .formatted(
                  Costs.micros(copies.micros(50)), syncs.count(), Costs.micros(syncs.micros(50))),
          "p50 ≤ 1 µs",
          times.micros(50) <= 1);
    }
  }

  private long copy(ByteBuffer ring, int first) {
    long started = tasks.nanoTime();
    for (int i = 0; i < BATCH; i++) {
      ring.put((first + i) * IO_BYTES, text, i * IO_BYTES, IO_BYTES);
    }
    return tasks.nanoTime() - started;
  }

  private long batch(Journal journal, AtomicLong taken) {
    ByteBuffer head = ByteBuffer.allocate(160); // Its inode's row, and what the entries say.
    long started = tasks.nanoTime();
    for (int i = 0; i < BATCH; i++) {
      ByteBuffer data = text.slice(i * IO_BYTES, IO_BYTES);
      List<ByteBuffer> payload = List.of(head.slice(0, 23), data, head.slice(23, 137));
      int bytes = 160 + IO_BYTES;
      long units = Journal.recordBytes(bytes) / 64;
      long place = taken.getAndAdd((1L << 40) + units);
      long position = (place & (1L << 40) - 1) * 64;
      Checked.that(journal.append((place >>> 40) + 1, position, payload, bytes), "it ended");
    }
    return tasks.nanoTime() - started;
  }

  private void syncAll(Journal journal, AtomicLong taken, AtomicBoolean stop, Times times) {
    long freed = 0;
    for (long before = 0; !stop.get(); ) {
      long all = taken.get();
      if (all == before) {
        tasks.sleep(PAUSE_NANOS / 10);
        continue;
      }
      before = all;
      long started = tasks.nanoTime();
      if (journal.sync(all >>> 40)) {
        times.add(tasks.nanoTime() - started);
      }
      long position = (all & (1L << 40) - 1) * 64;
      if (position - freed > STORED_BYTES) {
        freed = position;
        journal.freeUpTo(position, all >>> 40); // As the store does with each generation.
      }
    }
  }

  /// One volume with a journal, one without, in turns.
  private void overwrite() throws IOException, StorageException, FsException {
    try (JournalDirectory files = open("overwrite");
        BenchVolume with = BenchVolume.open(store(), "zstd-3", journaling(files));
        BenchVolume without = BenchVolume.open("zstd-3")) {
      long one = with.file("file", text);
      long other = without.file("file", text);
      Times journaled = new Times();
      Times bare = new Times();
      for (int i = 0; i < BATCHES; i++) {
        Times unused = new Times();
        overwrite(with, one, i, i < BATCHES / 3 ? unused : journaled);
        overwrite(without, other, i, i < BATCHES / 3 ? unused : bare);
        tasks.sleep(PAUSE_NANOS);
      }
      costs.row(
          "overwrite of 4 KiB, journal on",
          journaled,
          "without %s, p99 %s"
              .formatted(Costs.micros(bare.micros(50)), Costs.micros(bare.micros(99))),
          "p50 ≤ without + 2 µs",
          journaled.micros(50) <= bare.micros(50) + 2);
    }
  }

  private static ForgetfulObjectStore store() {
    return new ForgetfulObjectStore();
  }

  private static Journaling journaling(JournalDirectory files) {
    return new Journaling(files, 1L << 30, false);
  }

  private void overwrite(BenchVolume bench, long inode, int batch, Times times) throws FsException {
    long started = tasks.nanoTime();
    for (int i = 0; i < BATCH; i++) {
      int at = (batch * 37 + i * 61) % (text.capacity() / IO_BYTES) * IO_BYTES;
      bench.volume.write(BenchVolume.waiting(), inode, at, text.slice(at, IO_BYTES));
    }
    times.add((tasks.nanoTime() - started) / BATCH);
  }

  /// A write of 4 KiB that is answered in class `journal`, and a bare pwrite and fdatasync of as
  /// much in a file of the same directory that has its size already, in turns.
  private void commits() throws IOException, StorageException, FsException {
    try (JournalDirectory files = open("commits");
        BenchVolume bench = BenchVolume.open(store(), "zstd-3", journaling(files))) {
      long[] inodes = new long[THREADS];
      for (int i = 0; i < THREADS; i++) {
        inodes[i] = bench.create(Filesystem.ROOT, "file " + i);
        bench.volume.write(BenchVolume.waiting(), inodes[i], 0, text.slice(0, 1 << 20));
      }
      bench.settle();
      Times journal = new Times();
      Times bare = new Times();
      try (FileChannel file = preallocated("bare")) {
        for (int i = 0; i < COMMITS; i++) {
          commit(bench, inodes[0], i, journal);
          sync(file, i, bare);
        }
      }
      double ratio = journal.micros(50) / bare.micros(50);
      costs.row(
          "write of 4 KiB and commit of class journal",
          journal,
          beside(bare),
          "p50 ≤ 1.5 of a bare fdatasync's: %.2f".formatted(ratio),
          ratio <= 1.5);
      group(bench, inodes);
    }
  }

  private void group(BenchVolume bench, long[] inodes) throws IOException {
    Times journal = new Times();
    Times bare = new Times();
    List<FileChannel> files = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      files.add(preallocated("bare " + i));
    }
    long journalNanos = 0;
    long bareNanos = 0;
    int each = COMMITS / 40;
    for (int round = 0; round < 20; round++) {
      int from = round * each;
      journalNanos +=
          inParallel(
              thread -> {
                for (int i = 0; i < each; i++) {
                  commit(bench, inodes[thread], from + i, journal);
                }
              });
      bareNanos +=
          inParallel(
              thread -> {
                for (int i = 0; i < each; i++) {
                  sync(files.get(thread), from + i, bare);
                }
              });
    }
    for (FileChannel file : files) {
      file.close();
    }
    double ratio = journal.micros(50) / bare.micros(50);
    costs.row(
        "the same by 8 threads",
        journal,
        beside(bare)
            + " by 8 threads; %.0f and %.0f a second"
                .formatted(1e9 * journal.count() / journalNanos, 1e9 * bare.count() / bareNanos),
        "p50 ≤ 1.5 of theirs: %.2f".formatted(ratio),
        ratio <= 1.5);
  }

  private static String beside(Times bare) {
    return "fdatasync %s, p99 %s"
        .formatted(Costs.micros(bare.micros(50)), Costs.micros(bare.micros(99)));
  }

  private interface Work {
    void run(int thread) throws Exception;
  }

  private long inParallel(Work work) {
    long started = tasks.nanoTime();
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      int thread = i;
      running.add(
          tasks.fork(
              "writer",
              Tasks.Kind.COMPUTING,
              () -> {
                try {
                  work.run(thread);
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              }));
    }
    running.forEach(Tasks.Task::join);
    return tasks.nanoTime() - started;
  }

  private void commit(BenchVolume bench, long inode, int number, Times times) throws FsException {
    int at = number * 7 % 256 * IO_BYTES;
    Call call = BenchVolume.waiting();
    long started = tasks.nanoTime();
    bench.volume.write(call, inode, at, text.slice(at, IO_BYTES));
    bench.volume.journalBarrier(call.sequence());
    times.add(tasks.nanoTime() - started);
  }

  private FileChannel preallocated(String name) throws IOException {
    FileChannel file =
        FileChannel.open(
            directory.resolve(name),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING);
    for (int i = 0; i < COMMITS; i++) {
      file.write(text.slice(0, IO_BYTES), (long) i * IO_BYTES);
    }
    file.force(true);
    return file;
  }

  private void sync(FileChannel file, int number, Times times) throws IOException {
    long started = tasks.nanoTime();
    file.write(text.slice(number % 256 * IO_BYTES, IO_BYTES), (long) number * IO_BYTES);
    file.force(false);
    times.add(tasks.nanoTime() - started);
  }
}
