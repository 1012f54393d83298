package zerofs.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.base.SeededRandomness;
import zerofs.base.SimulatedDirectory;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.Keys;
import zerofs.objectstore.StorageException;

/// Histories of records, syncs, stored generations, killed processes and power cuts, on a disk that
/// forgets what was not synced.
class JournalTest {
  private static final byte[] VOLUME = new byte[16];
  private static final int STAGE_BYTES = 2 << 20;
  private static final int FILE_BYTES = 3 << 20;

  private final Tasks tasks =
      new SystemTasks(
          (name, failure) -> {
            throw new AssertionError(name, failure);
          });
  private final SimulatedDirectory disk = new SimulatedDirectory("disk");
  private final SimulatedDirectory memory = new SimulatedDirectory("memory");
  private final SeededRandomness randomness = new SeededRandomness(3);
  private String boot = "boot-1";

  private JournalDirectory open() throws StorageException {
    JournalDirectory.Settings settings =
        new JournalDirectory.Settings(STAGE_BYTES, FILE_BYTES, boot);
    Keys keys = new Keys(new byte[32], VOLUME);
    return JournalDirectory.open(disk, memory, keys, VOLUME, tasks, randomness, settings);
  }

  /// What a history knows that it must find.
  private static final class Book {
    /// Payload seeds by sequence, from 1.
    private final List<Integer> sizes = new ArrayList<>();

    private final List<Long> ends = new ArrayList<>();
    private int stored;
    private int synced;

    int last() {
      return sizes.size();
    }
  }

  private static byte[] payload(long sequence, int bytes) {
    byte[] payload = new byte[bytes];
    new java.util.Random(sequence * 31 + bytes).nextBytes(payload);
    return payload;
  }

  private static void append(Journal journal, Book book, int bytes) {
    int sequence = book.last() + 1;
    byte[] payload = payload(sequence, bytes);
    ByteBuffer whole = ByteBuffer.wrap(payload);
    int middle = bytes / 3;
    long position = book.ends.isEmpty() ? 0 : book.ends.getLast();
    assertThat(
            journal.append(
                sequence,
                position,
                List.of(whole.slice(0, middle), whole.slice(middle, bytes - middle)),
                bytes))
        .isTrue();
    book.sizes.add(bytes);
    book.ends.add(position + Journal.recordBytes(bytes));
  }

  /// Reads what is there, checks it, and returns the last sequence.
  private static int replayed(JournalDirectory directory, Book book, String what)
      throws StorageException {
    JournalDirectory.Records records = directory.records();
    int last = book.stored;
    JournalDirectory.Redo record;
    while ((record = records.next()) != null) {
      if (record.sequence() <= book.stored) {
        continue;
      }
      assertThat(record.sequence()).as(what).isEqualTo(last + 1);
      byte[] got = new byte[record.payload().remaining()];
      record.payload().get(got);
      assertThat(got).as(what).isEqualTo(payload(last + 1, book.sizes.get(last)));
      last++;
    }
    return last;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void whatWasWholeOutlivesTheProcessAndWhatWasSyncedTheMachine(long seed) throws Exception {
    SplittableRandom random = new SplittableRandom(seed);
    Book book = new Book();
    int epoch = 1;
    for (int life = 0; life < 12; life++) {
      String what = "seed " + seed + " life " + life;
      JournalDirectory directory = open();
      directory.prepare(each -> true);
      int last = replayed(directory, book, what);
      assertThat(last).as(what).isBetween(Math.max(book.stored, book.synced), book.last());
      // What came back is durable before anything new is: see prepare.
      book.sizes.subList(last, book.last()).clear();
      book.ends.clear();
      book.synced = last;
      int first = last;
      Journal journal = directory.begin(epoch, first);
      live(journal, book, random, first);
      boolean power = random.nextInt(3) == 0;
      int had = book.last();
      journal.close();
      directory.close();
      if (power) {
        disk.cutPower(random);
        memory.cutPower(random);
        dropMemory();
        boot = "boot-" + (life + 2);
      } else {
        disk.crash();
        book.synced = had; // A killed process loses nothing that was whole.
      }
      if (random.nextInt(4) == 0) {
        JournalDirectory again = open();
        again.prepare(each -> true);
        book.synced = replayed(again, book, what + ", first try");
        again.close();
        disk.crash();
      }
      epoch++;
    }
  }

  @Test
  void aPowerCutBringsBackNoFileBeforeOneThatIsGone() throws Exception {
    for (long seed = 1; seed <= 20; seed++) {
      SimulatedDirectory directory = new SimulatedDirectory("files");
      Keys keys = new Keys(new byte[32], VOLUME);
      int bytes = 60_000;
      try (JournalFiles files = new JournalFiles(directory, keys, randomness, 1, 70_000, 0)) {
        for (int i = 0; i < 6; i++) {
          files.reserve(bytes);
          files.append((long) i * bytes, ByteBuffer.allocate(bytes));
        }
        files.sync();
        files.freeUpTo(4L * bytes);
      }
      directory.cutPower(new SplittableRandom(seed));
      assertThat(directory.list())
          .as("seed " + seed)
          .containsExactly(JournalFiles.name(1, 4), JournalFiles.name(1, 5));
    }
  }

  private void dropMemory() {
    memory.list().forEach(memory::delete);
  }

  /// The positions of a life start at 0, so `ends` holds those of this life only.
  private static void live(Journal journal, Book book, SplittableRandom random, int first) {
    Book own = new Book();
    for (int i = 0; i < first; i++) {
      own.sizes.add(0);
    }
    int steps = random.nextInt(300);
    for (int step = 0; step < steps; step++) {
      int dice = random.nextInt(100);
      if (dice < 85) {
        int bytes = random.nextInt(random.nextInt(20) == 0 ? 1_000_000 : 5000);
        append(journal, own, bytes);
        book.sizes.add(bytes);
      } else if (dice < 95 && !own.ends.isEmpty()) {
        assertThat(journal.sync(own.last())).isTrue();
        book.synced = own.last();
      } else if (!own.ends.isEmpty()) {
        int index = random.nextInt(own.ends.size());
        journal.freeUpTo(own.ends.get(index), first + index + 1);
        book.stored = Math.max(book.stored, first + index + 1);
      }
    }
  }

  @Test
  void recordsOfManyThreadsComeBackInOrder() throws Exception {
    JournalDirectory directory = open();
    Journal journal = directory.begin(1, 0);
    AtomicLong next = new AtomicLong();
    List<Tasks.Task> threads = new ArrayList<>();
    for (int thread = 0; thread < 4; thread++) {
      threads.add(
          tasks.fork(
              "appender",
              Tasks.Kind.COMPUTING,
              () -> {
                for (int i = 0; i < 20_000; i++) {
                  long sequence = next.incrementAndGet();
                  ByteBuffer payload = ByteBuffer.wrap(payload(sequence, 500));
                  int record = Journal.recordBytes(500);
                  journal.append(sequence, (sequence - 1) * record, List.of(payload), 500);
                  if (sequence % 7000 == 0) {
                    journal.sync(sequence);
                  }
                  if (sequence % 9000 == 0) {
                    journal.freeUpTo((sequence - 5000) * record, sequence - 5000);
                  }
                }
              }));
    }
    threads.forEach(Tasks.Task::join);
    journal.close();
    directory.close();
    disk.crash();
    JournalDirectory again = open();
    assertThat(again.hasStage(1)).isTrue();
    again.prepare(each -> true);
    JournalDirectory.Records records = again.records();
    long last = 0;
    long count = 0;
    JournalDirectory.Redo record;
    while ((record = records.next()) != null) {
      assertThat(record.sequence()).isGreaterThan(last);
      byte[] got = new byte[record.payload().remaining()];
      record.payload().get(got);
      assertThat(got).isEqualTo(payload(record.sequence(), 500));
      last = record.sequence();
      count++;
    }
    assertThat(last).isEqualTo(80_000);
    assertThat(count).isGreaterThanOrEqualTo(80_000 - (80_000 / 9000 * 9000 - 5000));
    again.close();
  }

  private static void failWith(SimulatedDirectory directory, @Nullable IOException failure) {
    directory.fail(failure);
  }

  @Test
  void aDiskThatFailsIsNeverTriedAgainAndAKillStillLosesNothing() throws Exception {
    JournalDirectory directory = open();
    Journal journal = directory.begin(1, 0);
    Book book = new Book();
    append(journal, book, 100);
    assertThat(journal.sync(book.last())).isTrue();
    append(journal, book, 200);
    failWith(disk, new IOException("I/O error"));
    assertThat(journal.sync(book.last())).isFalse();
    failWith(disk, null);
    append(journal, book, 300);
    assertThat(journal.sync(book.last())).isFalse();
    assertThat(journal.failure()).hasMessage("I/O error");
    journal.close();
    directory.close();
    disk.crash();
    JournalDirectory again = open();
    again.prepare(each -> true);
    assertThat(replayed(again, book, "after the kill")).isEqualTo(3);
    again.close();
  }

  @Test
  void nobodyWaitsForEverForABug() throws Exception {
    JournalDirectory directory = open();
    Journal journal = directory.begin(1, 0);
    Book book = new Book();
    append(journal, book, 100);
    disk.fail(new IllegalStateException("bug"));
    assertThat(journal.sync(book.last())).isFalse();
    assertThat(journal.failure()).hasMessageContaining("bug");
    journal.close();
    directory.close();
  }

  @Test
  void oneProcessAtATime() throws Exception {
    try (JournalDirectory _ = open()) {
      assertThatThrownBy(this::open)
          .isInstanceOf(StorageException.Invalid.class)
          .hasMessageContaining("another process has the journal");
    }
    open().close();
  }

  @Test
  void whatBelongsToAnotherHistoryIsSetAside() throws Exception {
    JournalDirectory directory = open();
    Journal journal = directory.begin(3, 0);
    Book book = new Book();
    append(journal, book, 100);
    journal.close();
    directory.close();
    disk.crash();
    JournalDirectory again = open();
    assertThat(again.prepare(epoch -> false)).containsExactly(3);
    assertThat(again.records().next()).isNull();
    assertThat(disk.list()).contains("aside-00000003-00000000");
    assertThat(memory.list()).isEmpty();
    again.close();
  }
}
