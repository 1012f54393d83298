package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StoreCounters.Request;

@SuppressWarnings("NullAway.Init")
class CachedObjectStoreTest {
  private static final String KEY = "log/000001/0000000001";
  private static final int OBJECT_BYTES = (3 << 20) + 1234;
  private static final long CACHE_BYTES = 64 << 20;

  @TempDir Path directory;

  private final Tasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final TracedObjectStore traced = new TracedObjectStore(memory, tasks);
  private final List<String> said = new ArrayList<>();
  private final byte[] object = new byte[OBJECT_BYTES];

  CachedObjectStoreTest() {
    new Random(1).nextBytes(object);
    memory.put(KEY, ObjectStore.Body.of(object), Cause.ADMIN);
  }

  private CachedObjectStore open(int volume, long bytes) {
    byte[] volumeId = new byte[16];
    volumeId[0] = (byte) volume;
    return Objects.requireNonNull(
        CachedObjectStore.open(
            traced,
            new CachedObjectStore.Settings(directory, volumeId, bytes, 8 << 20, 1 << 20),
            tasks,
            said::add));
  }

  private @Nullable CachedObjectStore openIn(Path where) {
    CachedObjectStore.Settings settings =
        new CachedObjectStore.Settings(where, new byte[16], CACHE_BYTES, 8 << 20, 1 << 20);
    return CachedObjectStore.open(traced, settings, tasks, said::add);
  }

  private CachedObjectStore open() {
    return open(1, CACHE_BYTES);
  }

  private void check(ObjectStore store, int offset, int length) throws StorageException {
    ObjectStore.Fetched fetched =
        Objects.requireNonNull(store.get(KEY, offset, length, Cause.READ));
    int end = Math.min(OBJECT_BYTES, offset + length);
    assertThat(fetched.bytes()).isEqualTo(ByteBuffer.wrap(object, offset, end - offset));
    assertThat(fetched.objectBytes()).isEqualTo(OBJECT_BYTES);
  }

  private long gets() {
    return traced.counters().of(Request.GET);
  }

  /// Fills it with what any reads bring, and waits for the disk.
  private void fill(CachedObjectStore store) throws StorageException {
    for (int at = 0; at < OBJECT_BYTES; at += 1 << 20) {
      check(store, at, 1 << 20);
    }
    store.awaitIdle();
  }

  @Test
  void whatWasReadIsThereAgainAfterARestart() throws Exception {
    CachedObjectStore store = open();
    fill(store);
    check(store, 777_777, 400_000);
    assertThat(gets()).isEqualTo(4);
    store.close();
    CachedObjectStore again = open();
    Random random = new Random(2);
    for (int i = 0; i < 300; i++) {
      check(again, random.nextInt(OBJECT_BYTES), 1 + random.nextInt(300_000));
    }
    check(again, 0, 4 << 20);
    assertThat(gets()).isEqualTo(4);
    assertThat(again.counters().hits()).isEqualTo(301);
    again.close();
    assertThat(said).isEmpty();
  }

  @Test
  void framesAloneAreKeptBySector() throws Exception {
    CachedObjectStore store = open();
    check(store, 130_000, 3_000); // Over the end of a part.
    check(store, 200_000, 9_000);
    store.awaitIdle();
    check(store, 131_000, 1_500);
    check(store, 200_100, 8_000);
    assertThat(gets()).isEqualTo(2);
    check(store, 150_000, 3_000);
    assertThat(gets()).isEqualTo(3);
    assertThat(store.counters().bytes()).isEqualTo(2 * 128 << 10);
    store.close();
  }

  @Test
  void whatAWriterMustKnowIsAskedOfTheStore() throws Exception {
    CachedObjectStore store = open();
    fill(store);
    long before = gets();
    Set<Cause> others = EnumSet.complementOf(EnumSet.of(Cause.READ, Cause.METADATA, Cause.WARMUP));
    for (Cause cause : others) {
      store.get(KEY, 0, 100, cause);
    }
    assertThat(gets() - before).isEqualTo(others.size());
    store.get(KEY, 0, 100, Cause.WARMUP);
    assertThat(gets() - before).as("what is there").isEqualTo(others.size());
    store.close();
  }

  @Test
  void anotherVolumesObjectOfTheSameNameIsAnotherOne() throws Exception {
    CachedObjectStore one = open();
    fill(one);
    one.close();
    object[5] ^= 1;
    memory.damage(KEY, object);
    CachedObjectStore other = open(2, CACHE_BYTES);
    check(other, 0, 1000);
    other.close();
  }

  /// As after a crash of the machine, which may leave any page old, new or zero.
  @Test
  void randomDamageIsNeverAWrongByte() throws Exception {
    CachedObjectStore store = open();
    fill(store);
    store.close();
    Path file = directory.resolve("parts");
    Random random = new Random(3);
    for (int round = 0; round < 40; round++) {
      try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
        for (int i = 0; i < 30; i++) {
          byte[] bytes = new byte[random.nextBoolean() ? 1 : 4096];
          if (random.nextInt(3) > 0) {
            random.nextBytes(bytes);
          }
          // Records and slots are at the beginning; the file is 64 MiB in all.
          boolean inRecords = random.nextInt(3) == 0;
          long from = inRecords ? 0 : 4096 + 506 * 256;
          long to = inRecords ? 4096 + 30 * 256 : access.length();
          access.seek(from + random.nextInt((int) (to - from)));
          access.write(bytes);
        }
        if (round % 10 == 9) {
          access.setLength(access.length() * 3 / 4);
        }
      }
      CachedObjectStore again = open();
      for (int i = 0; i < 40; i++) {
        check(again, random.nextInt(OBJECT_BYTES), 1 + random.nextInt(200_000));
      }
      fill(again);
      again.close();
    }
    assertThat(said).isEmpty();
  }

  @Test
  void whatProvedWrongIsAskedOfTheStoreAlsoAfterARestart() throws Exception {
    CachedObjectStore store = open();
    fill(store);
    object[200_000] ^= 1; // The bucket is now of another time.
    memory.damage(KEY, object);
    long before = gets();
    store.forget(KEY, 199_000, 201_000);
    check(store, 300_000, 1_000);
    assertThat(gets() - before).as("another part").isZero();
    store.close();
    CachedObjectStore again = open();
    check(again, 199_000, 2_000);
    check(again, 300_000, 1_000);
    assertThat(gets() - before).isEqualTo(1);
    again.awaitIdle();
    check(again, 199_000, 2_000);
    assertThat(gets() - before).isEqualTo(1);
    again.close();
  }

  @Test
  void anAnswerKeepsNoMoreMemoryThanWasAskedFor() throws Exception {
    CachedObjectStore store = open();
    for (int length : List.of(10, 4_000, 30_000, 300_000)) {
      for (int i = 0; i < 2; i++) { // From the store, then from the disk.
        ObjectStore.Fetched fetched =
            Objects.requireNonNull(store.get(KEY, 4_095, length, Cause.READ));
        assertThat(fetched.bytes().remaining()).isEqualTo(length);
        assertThat(fetched.bytes().array().length).isLessThanOrEqualTo(length + length / 16);
        store.awaitIdle();
      }
    }
    store.close();
  }

  @Test
  void aFullFileIsNeverLargerThanItMayBe() throws Exception {
    long slots = 5 * ((128 << 10) + 256);
    for (int over = 0; over <= 12 << 10; over += 1 << 10) {
      CachedObjectStore store = open(1, slots + over);
      fill(store);
      store.close();
      assertThat(Files.size(directory.resolve("parts"))).isLessThanOrEqualTo(slots + over);
    }
  }

  @Test
  void aSizeWhoseIndexTakesTooMuchMemoryIsNotUsedAndThatIsSaid() throws Exception {
    CachedObjectStore.Settings settings =
        new CachedObjectStore.Settings(directory, new byte[16], 1L << 40, 8 << 20, 16 * 35);
    CachedObjectStore store =
        Objects.requireNonNull(CachedObjectStore.open(traced, settings, tasks, said::add));
    fill(store);
    assertThat(said)
        .singleElement()
        .asString()
        .contains("uses 0.0 GiB of its 1024.0: an index of all would take 279 MiB");
    assertThat(store.counters().bytes()).isEqualTo(16 << 17);
    assertThat(Files.size(directory.resolve("parts"))).isLessThan(17 << 17);
    store.close();
  }

  /// The hand of the clock stands at the first slot after a restart.
  @Test
  void whatComesAfterARestartTakesEmptySlotsFirst() throws Exception {
    CachedObjectStore store = open();
    for (int at = 1 << 20; at < 3 << 20; at += 128 << 10) {
      check(store, at, 128 << 10);
    }
    store.close();
    CachedObjectStore again = open();
    check(again, 0, 1 << 20);
    again.awaitIdle();
    long before = gets();
    check(again, 0, 3 << 20);
    assertThat(gets() - before).isZero();
    again.close();
  }

  @Test
  void whatWaitsForTheDiskIsForgottenToo() throws Exception {
    CachedObjectStore store = open();
    for (int i = 0; i < 200; i++) {
      check(store, 0, 4096);
      object[0] ^= 1;
      memory.damage(KEY, object);
      store.forget(KEY, 0, 4096);
    }
    check(store, 0, 4096);
    store.close();
  }

  @Test
  void itStaysWithinItsSizeAndGoesOnServing() throws Exception {
    long bytes = 2 << 20;
    CachedObjectStore store = open(1, bytes);
    Random random = new Random(4);
    for (int i = 0; i < 300; i++) {
      check(store, random.nextInt(OBJECT_BYTES), 1 + random.nextInt(200_000));
      if (i % 10 == 0) {
        store.awaitIdle();
      }
    }
    assertThat(Files.size(directory.resolve("parts"))).isLessThanOrEqualTo(bytes);
    check(store, 0, 1000);
    store.awaitIdle();
    long before = gets();
    check(store, 0, 1000);
    assertThat(gets()).isEqualTo(before);
    store.close();
    open(1, 2 * bytes).close(); // Another size: it begins empty.
    assertThat(Files.size(directory.resolve("parts"))).isLessThan(100);
  }

  @Test
  void aDirectoryInUseIsNotUsedAndThatIsSaid() throws Exception {
    CachedObjectStore first = open();
    assertThat(openIn(directory)).isNull();
    assertThat(said).singleElement().asString().contains("in use already");
    assertThat(openIn(directory.resolve("../" + directory.getFileName()))).isNull();
    assertThat(LockProbe.says(directory)).as("another process").isEqualTo("taken");
    check(first, 0, 1000);
    first.close();
    assertThat(LockProbe.says(directory)).isEqualTo("free");
    open().close();
    Path taken = directory.resolve("taken");
    Files.writeString(taken, "");
    assertThat(openIn(taken)).isNull();
  }

  @Test
  void whatCanNotBeOpenedIsLetGoOf() throws Exception {
    Path parts = Files.createDirectory(directory.resolve("parts"));
    assertThat(openIn(directory)).isNull();
    assertThat(said).singleElement().asString().contains("can't be used");
    Files.delete(parts);
    open().close();
  }

  /// An interrupt closes the file under everybody: from then on each access fails.
  @Test
  void aDiskThatFailsIsLeftOutAndThatIsSaidOnce() throws Exception {
    CachedObjectStore store = open();
    fill(store);
    long before = gets();
    Thread.currentThread().interrupt();
    check(store, 0, 1000);
    assertThat(Thread.interrupted()).isTrue();
    for (int i = 1; i < 10; i++) {
      check(store, i * 1000, 1000);
      store.awaitIdle();
    }
    assertThat(gets() - before).isEqualTo(10);
    assertThat(said).singleElement().asString().contains("the disk cache fails");
    store.close();
    CachedObjectStore again = open();
    check(again, 0, 1000);
    assertThat(gets() - before).isEqualTo(10);
    again.close();
  }

  @Test
  void whatIsAtTheEndOfAnObjectOrBeyondIsAsTheStoreSays() throws Exception {
    CachedObjectStore store = open();
    for (int i = 0; i < 2; i++) {
      check(store, OBJECT_BYTES - 10, 5000);
      ObjectStore.Fetched beyond =
          Objects.requireNonNull(store.get(KEY, OBJECT_BYTES + 5000L, 10, Cause.READ));
      assertThat(beyond.bytes().remaining()).isZero();
      assertThat(store.get("log/000001/0000000009", 0, 10, Cause.READ)).isNull();
      store.awaitIdle();
    }
    store.close();
  }

  @Test
  void manyReadersAndAWriterAtATime() throws Exception {
    CachedObjectStore store = open(1, 1 << 20);
    List<Tasks.Task> readers = new ArrayList<>();
    List<Throwable> failures = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Random random = new Random(i);
      readers.add(
          tasks.fork(
              "reader",
              Tasks.Kind.COMPUTING,
              () -> {
                try {
                  for (int n = 0; n < 300; n++) {
                    check(store, random.nextInt(OBJECT_BYTES), 1 + random.nextInt(100_000));
                  }
                } catch (StorageException | AssertionError e) {
                  failures.add(e);
                }
              }));
    }
    readers.forEach(Tasks.Task::join);
    assertThat(failures).isEmpty();
    store.close();
    assertThat(store.counters().bytes()).isLessThanOrEqualTo(1 << 20);
  }
}
