package zerofs.lsm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.base.Miss;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.Keys;
import zerofs.codec.SealedFrameCodec;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.TracedObjectStore;

/// The tree against a TreeMap: the newest value wins, an empty one removes.
class LsmTreeTest {
  private static final Tasks TASKS =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });

  private final MemoryObjectStore store = new MemoryObjectStore();
  private final AtomicLong numbers = new AtomicLong();
  private final NavigableMap<String, String> model = new TreeMap<>();
  private long position;
  private long mark;

  /// How often compactions gave way before they read on.
  private long reads;

  private static final RowMerger NEWEST =
      new RowMerger() {
        @Override
        public byte[] merge(byte[] key, byte[] newer, byte[] older, SideRows side) {
          return newer;
        }

        @Override
        public byte @Nullable [] bottom(byte[] key, byte[] value) {
          return value.length == 0 ? null : value;
        }

        @Override
        public boolean hidesOlder(byte[] key, byte[] value) {
          return true;
        }
      };

  private LsmTree open() {
    return open(store);
  }

  private static LsmTree open(ObjectStore store) {
    return new LsmTree(
        store,
        new SealedFrameCodec(new Keys(new byte[32], new byte[16])),
        NEWEST,
        TASKS,
        new LsmSettings(4 << 10, 64 << 10, 4, 6, new Compression.Zstd(1)),
        epoch -> new byte[16]);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static String text(byte @Nullable [] bytes) {
    return bytes == null ? "" : new String(bytes, StandardCharsets.US_ASCII);
  }

  private void ingest(LsmTree tree, Random random) throws StorageException {
    NavigableMap<String, String> delta = new TreeMap<>();
    for (int i = 0; i < 1 + random.nextInt(60); i++) {
      String key = "key" + random.nextInt(800);
      delta.put(key, random.nextInt(4) == 0 ? "" : "value" + random.nextInt() + key.repeat(3));
    }
    SortedRows.Builder builder = new SortedRows.Builder();
    delta.forEach((key, value) -> builder.add(bytes(key), bytes(value)));
    tree.ingest(++position, position, SortedRows.decode(builder.finish().encode()));
    delta.forEach(
        (key, value) -> {
          if (value.isEmpty()) {
            model.remove(key);
          } else {
            model.put(key, value);
          }
        });
  }

  private void flush(LsmTree tree) throws StorageException {
    LsmTree.Flushed flushed = tree.flush(1, numbers::incrementAndGet);
    if (flushed != null) {
      assertThat(flushed.mark()).isEqualTo(position);
      List<RunDescriptor> runs = new ArrayList<>();
      runs.add(flushed.run());
      runs.addAll(tree.storedRuns());
      tree.install(runs, flushed.mark());
      mark = flushed.mark();
    }
  }

  private void check(LsmTree tree) throws StorageException {
    for (int i = 0; i < 800; i++) {
      String key = "key" + i;
      assertThat(text(tree.get(bytes(key), true))).isEqualTo(model.getOrDefault(key, ""));
    }
    Scan scan = tree.scan(bytes("key2"), bytes("key5"), true);
    NavigableMap<String, String> scanned = new TreeMap<>();
    while (scan.next()) {
      if (scan.value().length > 0) {
        scanned.put(text(scan.key()), text(scan.value()));
      }
    }
    assertThat(scanned).isEqualTo(model.subMap("key2", "key5"));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void treeAndMapAgreeOverFlushesCompactionsAndReopening(long seed) throws Exception {
    Random random = new Random(seed);
    LsmTree tree = open();
    for (int step = 0; step < 250; step++) {
      ingest(tree, random);
      if (random.nextInt(8) == 0) {
        flush(tree);
        List<RunDescriptor> compacted =
            tree.compact(1, numbers::incrementAndGet, LsmTree.Pause.NONE);
        if (compacted != null) {
          tree.install(compacted, position);
        }
        assertThat(tree.storedRuns().size()).isLessThanOrEqualTo(7);
      }
      if (random.nextInt(60) == 0) {
        flush(tree);
        List<RunDescriptor> runs = tree.storedRuns();
        tree = open();
        tree.open(runs);
        check(tree);
      }
    }
    check(tree);
    assertThat(tree.runs()).isLessThan(30);
  }

  /// Compacts, and in each pause of that flushes what came meanwhile, and compacts that.
  private int compactWithPauses(LsmTree tree, Random random, int depth) throws StorageException {
    int[] pauses = new int[1];
    LsmTree.Pause pause =
        new LsmTree.Pause() {
          @Override
          public void beforeTable() throws StorageException {
            pauses[0]++;
            more();
            if (depth < 3) {
              pauses[0] += compactWithPauses(tree, random, depth + 1);
            }
            check(tree);
          }

          @Override
          public void beforeRead() throws StorageException {
            reads++;
            if (random.nextInt(4) == 0) {
              more();
            }
          }

          private void more() throws StorageException {
            for (int i = 0; i < 1 + random.nextInt(3); i++) {
              ingest(tree, random);
            }
            if (random.nextInt(2) == 0) {
              flush(tree);
            }
          }
        };
    List<RunDescriptor> compacted = tree.compact(1, numbers::incrementAndGet, pause);
    if (compacted != null) {
      tree.install(compacted, mark);
    }
    return pauses[0];
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void whatIsFlushedAndCompactedWithinACompactionStays(long seed) throws Exception {
    Random random = new Random(seed);
    TracedObjectStore traced = new TracedObjectStore(store, TASKS);
    LsmTree tree = open(traced);
    int pauses = 0;
    for (int step = 0; step < 90; step++) {
      for (int i = 0; i < 4; i++) {
        ingest(tree, random);
      }
      flush(tree);
      pauses += compactWithPauses(tree, random, 0);
      check(tree);
      List<RunDescriptor> runs = tree.storedRuns();
      for (int i = 1; i < runs.size(); i++) {
        assertThat(runs.get(i).highestPosition()).isLessThan(runs.get(i - 1).lowestPosition());
      }
    }
    flush(tree);
    List<RunDescriptor> runs = tree.storedRuns();
    LsmTree cold = open();
    cold.open(runs);
    check(cold);
    assertThat(pauses).isGreaterThan(30);
    assertThat(traced.counters().of(Cause.COMPACTION, StoreCounters.Request.GET))
        .as("reads of compactions, each of which gave way before")
        .isBetween(1L, reads);
  }

  /// How often an attempt to read a key misses until it answers as the model does.
  private int misses(LsmTree tree, String key) throws Exception {
    int misses = 0;
    while (true) {
      try {
        assertThat(text(tree.get(bytes(key), false))).isEqualTo(model.getOrDefault(key, ""));
        return misses;
      } catch (Miss e) {
        e.fetch().run();
        misses++;
      }
    }
  }

  @Test
  void anAttemptMissesFetchesAndThenAnswers() throws Exception {
    LsmTree tree = open();
    ingest(tree, new Random(9));
    flush(tree);
    List<RunDescriptor> runs = tree.storedRuns();
    LsmTree cold = open();
    cold.open(runs);
    assertThat(misses(cold, model.firstKey())).isEqualTo(2); // The tail, then the block.
  }

  @Test
  void aDamagedTableIsNamed() throws Exception {
    LsmTree tree = open();
    ingest(tree, new Random(9));
    flush(tree);
    List<RunDescriptor> runs = tree.storedRuns();
    String name = runs.getFirst().tables().getFirst().id().key();
    byte[] object =
        java.util.Objects.requireNonNull(store.get(name, 0, 1 << 20, Cause.ADMIN)).bytes().array();
    object[20] ^= 4;
    store.damage(name, object);
    LsmTree damaged = open();
    damaged.open(runs);
    assertThatThrownBy(() -> damaged.get(bytes(model.firstKey()), true))
        .isInstanceOf(StorageException.Corrupt.class)
        .hasMessageContaining(name);
  }

  /// Tries come every few seconds: on a full disk each would leave a little more behind.
  @Test
  void aFlushThatFailsInTheMiddleLeavesNothingBehind() throws Exception {
    AtomicLong left = new AtomicLong(1);
    FaultyObjectStore.Plan plan =
        new FaultyObjectStore.Plan() {
          @Override
          public FaultyObjectStore.Fault next(
              StoreCounters.Request request, String key, Cause cause) {
            boolean fails = request == StoreCounters.Request.PUT && left.getAndDecrement() <= 0;
            return fails ? FaultyObjectStore.Fault.BUSY : FaultyObjectStore.Fault.NONE;
          }

          @Override
          public long lateness() {
            return 1;
          }
        };
    LsmTree tree = open(new FaultyObjectStore(store, TASKS, plan));
    Random random = new Random(3);
    SortedRows.Builder rows = new SortedRows.Builder();
    for (int i = 100; i < 800; i++) {
      byte[] value = new byte[100];
      random.nextBytes(value);
      rows.add(bytes("key" + i), value);
    }
    tree.ingest(++position, position, SortedRows.decode(rows.finish().encode()));
    assertThatThrownBy(() -> flush(tree)).isInstanceOf(StorageException.Unavailable.class);
    assertThat(store.list("", "", 9, Cause.ADMIN)).isEmpty();
    left.set(Long.MAX_VALUE);
    flush(tree);
    assertThat(store.list("", "", 9, Cause.ADMIN).size()).isGreaterThan(1);
    assertThat(tree.get(bytes("key799"), true)).hasSize(100);
  }

  @Test
  void whatIsWarmIsNotFetchedAgain() throws Exception {
    LsmTree tree = open();
    Random random = new Random(9);
    for (int i = 0; i < 12; i++) {
      ingest(tree, random);
      flush(tree);
    }
    List<RunDescriptor> runs = tree.storedRuns();
    LsmTree filters = open();
    LsmTree all = open();
    filters.open(runs);
    all.open(runs);
    assertThat(all.warm(all.storedTables().getFirst(), true, () -> false)).isFalse();
    for (TableDescriptor each : filters.storedTables()) {
      assertThat(filters.warm(each, false, () -> true)).isTrue();
      assertThat(all.warm(each, true, () -> true)).isTrue();
    }
    assertThat(filters.storedTables()).hasSizeGreaterThan(8);
    assertThat(misses(filters, model.firstKey())).as("blocks").isEqualTo(1);
    for (String each : model.keySet()) {
      assertThat(misses(all, each)).isZero();
    }
  }
}
