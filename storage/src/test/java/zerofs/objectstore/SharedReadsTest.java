package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.SharedReads.Span;
import zerofs.objectstore.StoreCounters.Request;

/// Counted in requests, in virtual time: each takes 50 ms.
class SharedReadsTest {
  private static final long LATENCY_NANOS = 50_000_000L;
  private static final String KEY = "log/000001/0000000001";
  private static final int OBJECT_BYTES = (8 << 20) + 1000;

  private final SimulatedTasks tasks = new SimulatedTasks(5);
  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final TracedObjectStore traced =
      new TracedObjectStore(new LatencyObjectStore(memory, tasks, LATENCY_NANOS), tasks);
  private final byte[] object = new byte[OBJECT_BYTES];
  private SharedReads reads = new SharedReads(traced, tasks, 16 << 20);

  SharedReadsTest() {
    new Random(1).nextBytes(object);
    memory.put(KEY, ObjectStore.Body.of(object), Cause.ADMIN);
  }

  private interface Story {
    void run() throws StorageException;
  }

  private Runnable unchecked(Story story) {
    return () -> {
      try {
        story.run();
      } catch (StorageException e) {
        throw new IllegalStateException(e);
      }
    };
  }

  private void simulate(Story story) {
    tasks.run(unchecked(story));
  }

  private long gets() {
    return traced.counters().of(Request.GET);
  }

  private ByteBuffer wanted(long from, long to) {
    int end = (int) Math.min(to, OBJECT_BYTES);
    return ByteBuffer.wrap(Arrays.copyOfRange(object, (int) Math.min(from, end), end));
  }

  private void check(long from, long to, boolean alone) throws StorageException {
    List<Span> spans = List.of(new Span(KEY, from, to, alone));
    ObjectStore.@Nullable Fetched fetched =
        reads.readAll(spans, Cause.READ).getFirst().fetched(from, to);
    if (fetched == null) {
      throw new AssertionError("no answer");
    }
    assertThat(fetched.bytes()).isEqualTo(wanted(from, to));
    assertThat(fetched.objectBytes()).isEqualTo(OBJECT_BYTES);
  }

  @Test
  void aHundredReadersOfOneRangeSendOneGet() {
    simulate(
        () -> {
          List<Tasks.Task> readers = new ArrayList<>();
          for (int i = 0; i < 100; i++) {
            long from = 300_000L + i;
            readers.add(
                tasks.fork(
                    "reader",
                    Tasks.Kind.WAITING,
                    unchecked(() -> check(from, from + 30_000, false))));
          }
          readers.forEach(Tasks.Task::join);
          check(262_144, 393_216, false);
          assertThat(gets()).isEqualTo(1);
        });
  }

  @Test
  void spansOfOneReadAreFetchedTogether() {
    simulate(
        () -> {
          List<Span> spans = new ArrayList<>();
          for (int i = 0; i < 30; i++) {
            spans.add(new Span(KEY, i * 200_000L, i * 200_000L + 5_000, true));
          }
          long started = tasks.nanoTime();
          List<SharedReads.Read> answers = reads.readAll(spans, Cause.READ);
          assertThat(tasks.nanoTime() - started).isEqualTo(LATENCY_NANOS);
          for (int i = 0; i < 30; i++) {
            ObjectStore.Fetched fetched =
                answers.get(i).fetched(spans.get(i).from(), spans.get(i).to());
            assertThat(fetched == null ? null : fetched.bytes())
                .isEqualTo(wanted(spans.get(i).from(), spans.get(i).to()));
          }
          assertThat(gets()).isEqualTo(30);
          assertThat(traced.counters().bytesGot()).isEqualTo(30 * 5_000);
        });
  }

  @Test
  void partsThatAreUsedOneAfterTheOtherGrow() {
    simulate(
        () -> {
          for (int at = 0; at < OBJECT_BYTES; at += 10_000) {
            check(at, Math.min(OBJECT_BYTES, at + 10_000), false);
          }
          // A part, the rest of the first MiB, seven of them, and the last 1000 bytes.
          assertThat(gets()).isEqualTo(10);
          assertThat(traced.counters().bytesGot()).isEqualTo(OBJECT_BYTES);
        });
  }

  /// Readers of any ranges, with so little memory that most leave at once.
  @Test
  void whoeverReadsWhateverGetsTheRightBytes() {
    reads = new SharedReads(traced, tasks, 1 << 20);
    simulate(
        () -> {
          List<Tasks.Task> readers = new ArrayList<>();
          for (int i = 0; i < 20; i++) {
            Random random = new Random(i);
            readers.add(
                tasks.fork(
                    "reader",
                    Tasks.Kind.WAITING,
                    unchecked(
                        () -> {
                          for (int n = 0; n < 50; n++) {
                            long from = random.nextInt(OBJECT_BYTES - 1);
                            long to = from + 1 + random.nextInt(400_000);
                            switch (random.nextInt(4)) {
                              case 0 -> reads.ahead(KEY, from, to, Cause.READ);
                              case 1 -> check(from, to, true);
                              default -> check(from, to, false);
                            }
                          }
                        })));
          }
          readers.forEach(Tasks.Task::join);
        });
  }

  @Test
  void whatIsReadAheadIsBoundedAndReadersDoNotWaitBehindIt() {
    reads = new SharedReads(traced, tasks, 4 << 20);
    simulate(
        () -> {
          assertThat(reads.ahead(KEY, 0, 2 << 20, Cause.READ)).isTrue();
          assertThat(reads.ahead(KEY, 2 << 20, 8 << 20, Cause.READ)).as("3 MiB at most").isFalse();
          long started = tasks.nanoTime();
          check(7 << 20, (7 << 20) + 4096, true);
          check(1 << 20, (1 << 20) + 4096, false);
          assertThat(tasks.nanoTime() - started).isEqualTo(LATENCY_NANOS);
          assertThat(gets()).as("three MiB at most, and the one beside them").isBetween(2L, 4L);
          assertThat(reads.ahead(KEY, 3 << 20, 4 << 20, Cause.READ)).as("one was used").isTrue();
          reads.close();
          assertThat(reads.ahead(KEY, 4 << 20, 5 << 20, Cause.READ)).isFalse();
        });
  }

  /// What is ahead of readers who have gone away fills all that there is for reading ahead.
  @Test
  void whatWasReadAheadOfAReaderWhoNeverCameLeaves() {
    long mib = 1 << 20;
    reads = new SharedReads(traced, tasks, 4 * mib);
    simulate(
        () -> {
          assertThat(reads.ahead(KEY, 0, 2 * mib, Cause.READ)).isTrue();
          tasks.sleep(2 * LATENCY_NANOS);
          long read = 3 * mib;
          while (!reads.ahead(KEY, 2 * mib, 3 * mib, Cause.READ)) {
            assertThat(read).as("where another reader gets alone").isLessThan(OBJECT_BYTES);
            check(read, Math.min(OBJECT_BYTES, read + 4096), false);
            read += 4096;
          }
          assertThat(read - 3 * mib).as("as much as there is memory").isGreaterThan(3 * mib);
          long before = gets();
          check(0, 100, true);
          check(mib, mib + 100, true);
          assertThat(gets() - before).as("one of them has left").isPositive();
        });
  }

  @Test
  void whatProvedWrongIsAskedForAgainAlsoWhileItIsOnItsWay() {
    simulate(
        () -> {
          check(0, 1_000, false);
          check(400_000, 401_000, false);
          Tasks.Task early =
              tasks.fork(
                  "early", Tasks.Kind.WAITING, unchecked(() -> check(800_000, 801_000, true)));
          tasks.sleep(LATENCY_NANOS / 2);
          assertThat(gets()).isEqualTo(3);
          reads.forget(KEY, 500, 600);
          reads.forget(KEY, 800_500, 800_600);
          check(0, 1_000, false);
          check(800_000, 801_000, true);
          early.join();
          assertThat(gets()).as("both again").isEqualTo(5);
          check(0, 1_000, false);
          check(400_000, 401_000, false);
          check(800_000, 801_000, true);
          assertThat(gets()).isEqualTo(5);
        });
  }

  @Test
  void aFailureIsToldToAllWhoWaitForItAndTheNextOneAsksAgain() {
    int[] asked = {0};
    ObjectStore failing =
        new FaultyObjectStore(
            memory,
            tasks,
            new FaultyObjectStore.Plan() {
              @Override
              public FaultyObjectStore.Fault next(Request request, String key, Cause cause) {
                tasks.sleep(LATENCY_NANOS);
                return asked[0]++ == 0
                    ? FaultyObjectStore.Fault.BUSY
                    : FaultyObjectStore.Fault.NONE;
              }

              @Override
              public long lateness() {
                return 1;
              }
            });
    reads = new SharedReads(failing, tasks, 4 << 20);
    simulate(
        () -> {
          List<Tasks.Task> readers = new ArrayList<>();
          for (int i = 0; i < 5; i++) {
            readers.add(
                tasks.fork(
                    "reader",
                    Tasks.Kind.WAITING,
                    () ->
                        assertThatThrownBy(() -> check(0, 100, false))
                            .isInstanceOf(StorageException.Unavailable.class)));
          }
          readers.forEach(Tasks.Task::join);
          assertThat(asked[0]).isEqualTo(1);
          check(0, 100, false);
          assertThat(reads.get("log/000001/0000000002", 0, 10, Cause.READ)).isNull();
        });
  }
}
