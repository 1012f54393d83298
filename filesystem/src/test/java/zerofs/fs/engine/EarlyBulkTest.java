package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.codec.ObjectId;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.log.LogFormat;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters.Request;

/// Data segments that leave before the seal (docs/adr/0016), in virtual time. Generations are of 1
/// MiB, segments of a quarter of that.
class EarlyBulkTest {
  private static final int EXTENT = Inode.EXTENT_BYTES;
  private static final int SEGMENT = 256 << 10;
  private static final int SEGMENT_PAGES = SEGMENT / EXTENT;

  private final SimulatedFixture fixture = new SimulatedFixture(1);
  private final byte[] noise = new byte[1 << 20];

  EarlyBulkTest() {
    new Random(1).nextBytes(noise);
    fixture.sealNanos = 100_000_000L;
  }

  /// Has so many generations under way, with a little each, as may be: no more are sealed until
  /// `logIsAway` ends.
  private void fillLog(Volume volume) throws FsException {
    fillLog(volume, 4);
  }

  private void fillLog(Volume volume, int generations) throws FsException {
    fixture.logIsAway = true;
    for (int i = 0; i < generations; i++) {
      volume.setattr(root(), Filesystem.ROOT, SetAttributes.ofMode(0755));
      fixture.simulation.sleep(fixture.sealNanos + 1);
    }
  }

  /// Lets the log go on, and waits until all is stored.
  private void store(Volume volume) throws FsException {
    fixture.logIsAway = false;
    volume.barrier(volume.committedSequence());
  }

  /// Makes a file, when no barrier has come for a while: a start has one.
  private long create(Volume volume, String name) throws FsException {
    fixture.simulation.sleep(Backlog.BARRIERS_NANOS + 1);
    return volume
        .create(root(), Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE)
        .inode();
  }

  /// Writes extents `[from, to)`, a few at a time.
  private long write(Volume volume, long file, int from, int to) throws FsException {
    long sequence = 0;
    for (int i = from; i < to; i++) {
      Call call = root();
      volume.write(call, file, (long) i * EXTENT, bytes(i));
      sequence = call.sequence();
    }
    return sequence;
  }

  private ByteBuffer bytes(int extent) {
    return ByteBuffer.wrap(noise, extent * 1000 % (noise.length - EXTENT), EXTENT);
  }

  private List<ObjectStore.Listed> dataSegments() {
    return fixture.memory.list("data/", "", 1000, Cause.ADMIN);
  }

  private void awaitDataSegments(int count) {
    for (int i = 0; i < 1000 && dataSegments().size() < count; i++) {
      fixture.simulation.sleep(1_000_000);
    }
    assertThat(dataSegments()).hasSizeGreaterThanOrEqualTo(count);
  }

  private static SegmentUsage usage(Volume volume, long number)
      throws FsException, StorageException {
    byte[] value =
        volume.rows.stored(
            RowKeys.segment(new ObjectId(ObjectId.Kind.DATA, volume.epoch(), number)), true);
    return SegmentUsage.decode(Objects.requireNonNull(value));
  }

  private void assertHolds(Volume volume, long file, int extent, ByteBuffer expected)
      throws FsException {
    ByteBuffer got = ByteBuffer.allocate(expected.remaining());
    volume.read(root(), file, (long) extent * EXTENT, got);
    assertThat(got.flip().mismatch(expected)).as("extent " + extent).isEqualTo(-1);
  }

  @Test
  void whatAWriterHasLeftBehindIsStoredBeforeAnyoneAsks() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          fillLog(volume);
          write(volume, file, 0, 2 * SEGMENT_PAGES - 1);
          fixture.simulation.sleep(1_000_000_000);
          assertThat(dataSegments()).as("so little is no segment's worth").isEmpty();
          write(volume, file, 2 * SEGMENT_PAGES - 1, 2 * SEGMENT_PAGES);
          awaitDataSegments(1);
          fixture.simulation.sleep(1_000_000_000);
          assertThat(dataSegments()).as("what may be in work stays").hasSize(1);
          long before = logBytes();
          store(volume);
          assertThat(logBytes() - before).isBetween((long) SEGMENT, SEGMENT + 10_000L);
          volume.close();
          Volume again = fixture.open("q");
          for (int i = 0; i < 2 * SEGMENT_PAGES; i++) {
            assertHolds(again, file, i, bytes(i));
          }
          again.close();
        });
  }

  @Test
  void whatIsWrittenAgainLeavesLate() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          for (int round = 0; round < 3; round++) {
            fillLog(volume);
            write(volume, file, 0, 2 * SEGMENT_PAGES);
            awaitDataSegments(1);
            store(volume);
            fixture.simulation.sleep(Backlog.BARRIERS_NANOS + 1);
          }
          assertThat(dataSegments()).hasSize(1);
          volume.close();
        });
  }

  @Test
  void filesLieSideBySideThoughTheyWereWrittenInTurns() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long one = create(volume, "one");
          long other = create(volume, "other");
          fillLog(volume);
          for (int i = SEGMENT_PAGES - 1; i >= 0; i--) {
            write(volume, other, i, i + 1);
            write(volume, one, i, i + 1);
          }
          awaitDataSegments(1);
          store(volume);
          assertThat(frames(volume, one)).isSorted();
          assertThat(frames(volume, other)).isSorted();
          assertThat(frames(volume, one).getLast()).isLessThan(frames(volume, other).getFirst());
          volume.close();
        });
  }

  /// Where a file's frames lie in data segments.
  private static List<Integer> frames(Volume volume, long file)
      throws FsException, StorageException {
    byte[] value = Objects.requireNonNull(volume.rows.stored(RowKeys.chunk(file, 0), true));
    ChunkRow row = ChunkRowFormat.decode(value);
    List<Integer> frames = new ArrayList<>();
    for (int i = 0; i < SEGMENT_PAGES; i++) {
      if (row.extent(i).frame().object().kind() == ObjectId.Kind.DATA) {
        frames.add(row.extent(i).frame().frame());
      }
    }
    return frames;
  }

  private long logBytes() {
    return fixture.memory.list("log/", "", 1000, Cause.ADMIN).stream()
        .mapToLong(ObjectStore.Listed::objectBytes)
        .sum();
  }

  @Test
  void aFrameCountsOnlyWhileItsPageIsAsItWas() throws Exception {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          long other = create(volume, "other");
          fillLog(volume);
          write(volume, other, 0, 2);
          write(volume, file, 0, 2 * SEGMENT_PAGES - 2);
          awaitDataSegments(1); // Two extents of one file, and the first six of the other.
          long stored = dataSegments().getFirst().objectBytes();
          volume.write(root(), file, 100, ByteBuffer.wrap(new byte[] {1, 2, 3}));
          write(volume, file, 1, 2); // The same bytes: but who is to know.
          volume.setattr(root(), other, SetAttributes.ofSize(EXTENT + 7));
          store(volume);
          SegmentUsage usage = usage(volume, 1);
          assertThat(usage.references()).isEqualTo(SEGMENT_PAGES - 3);
          assertThat(usage.bytes()).isEqualTo(usage.total() / SEGMENT_PAGES * (SEGMENT_PAGES - 3));
          assertThat(usage.total()).isBetween(stored - 1000, stored);
          volume.close();
          Volume again = fixture.open("q");
          ByteBuffer first =
              ByteBuffer.allocate(EXTENT).put(bytes(0)).put(100, new byte[] {1, 2, 3});
          assertHolds(again, file, 0, first.flip());
          for (int i = 1; i < 2 * SEGMENT_PAGES - 2; i++) {
            assertHolds(again, file, i, bytes(i));
          }
          assertHolds(again, other, 0, bytes(0));
          assertHolds(again, other, 1, bytes(1).limit(bytes(1).position() + 7));
          assertThat(again.getattr(root(), other).size()).isEqualTo(EXTENT + 7);
          again.close();
        });
  }

  /// What lies behind the end of a page is not its file's.
  @Test
  void aPageThatWasCutMeanwhileStays() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          volume.barrier(volume.committedSequence());
          fillLog(volume);
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          volume.setattr(root(), file, SetAttributes.ofSize((SEGMENT_PAGES - 1) * EXTENT + 100));
          write(volume, file, SEGMENT_PAGES, 2 * SEGMENT_PAGES);
          assertThat(dataSegments()).as("barriers come").isEmpty();
          fixture.simulation.sleep(Backlog.BARRIERS_NANOS);
          write(volume, file, 2 * SEGMENT_PAGES, 2 * SEGMENT_PAGES + 1);
          awaitDataSegments(1);
          store(volume);
          assertThat(usage(volume, 1).references()).isEqualTo(SEGMENT_PAGES - 1);
          volume.close();
          Volume again = fixture.open("q");
          ByteBuffer cut = ByteBuffer.allocate(EXTENT);
          cut.put(0, bytes(SEGMENT_PAGES - 1), bytes(SEGMENT_PAGES - 1).position(), 100);
          assertHolds(again, file, SEGMENT_PAGES - 1, cut);
          assertHolds(again, file, SEGMENT_PAGES, bytes(SEGMENT_PAGES));
          again.close();
        });
  }

  @Test
  void aSegmentOfWhichNothingIsLeftIsNamedAllTheSame() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          fillLog(volume);
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          awaitDataSegments(1);
          volume.setattr(root(), file, SetAttributes.ofSize(0));
          store(volume);
          SegmentUsage usage = usage(volume, 1);
          assertThat(usage.references()).isZero();
          assertThat(usage.bytes()).isZero();
          assertThat(usage.total()).isGreaterThan(SEGMENT);
          volume.close();
        });
  }

  /// A store of which PUTs of data segments fail as a test wants.
  private final class Weather implements FaultyObjectStore.Plan {
    private Fault fault = Fault.NONE;
    private int failed;
    private int logObjects;

    @Override
    public Fault next(Request request, String key, Cause cause) {
      fixture.simulation.sleep(SimulatedFixture.LATENCY_NANOS);
      if (request == Request.PUT && cause == Cause.BULK && fault != Fault.NONE) {
        failed++;
        return fault;
      }
      boolean isLog = request == Request.PUT && cause == Cause.BARRIER;
      if (isLog && fixture.logIsAway) {
        return Fault.BUSY;
      }
      logObjects += isLog ? 1 : 0;
      return Fault.NONE;
    }

    @Override
    public long lateness() {
      return 1;
    }
  }

  private Volume open(String process, Weather weather) throws StorageException {
    FaultyObjectStore store =
        new FaultyObjectStore(fixture.memory, fixture.simulation.group("network"), weather);
    return fixture.open(process, store, Journaling.NONE);
  }

  @Test
  void noDeltaIsSentBeforeTheSegmentsItNames() {
    fixture.simulate(
        () -> {
          Weather weather = new Weather();
          Volume volume = open("p", weather);
          long file = create(volume, "f");
          fillLog(volume);
          weather.fault = Fault.BUSY;
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          fixture.simulation.sleep(1_000_000_000);
          assertThat(weather.failed).isGreaterThan(2);
          fixture.logIsAway = false;
          fixture.simulation.sleep(10_000_000_000L); // What lies before it is stored.
          int before = weather.logObjects;
          boolean[] stored = {false};
          Tasks.Task barrier =
              fixture.simulation.fork(
                  "barrier",
                  Tasks.Kind.WAITING,
                  fixture.unchecked(
                      () -> {
                        volume.barrier(volume.committedSequence());
                        stored[0] = true;
                      }));
          fixture.simulation.sleep(60_000_000_000L);
          assertThat(stored[0]).isFalse();
          assertThat(weather.logObjects).isEqualTo(before);
          weather.fault = Fault.NONE;
          barrier.join();
          assertThat(stored[0]).isTrue();
          assertThat(usage(volume, 1).references()).isEqualTo(SEGMENT_PAGES);
          volume.close();
        });
  }

  @Test
  void aSegmentWhoseAnswerIsLostIsRecognised() {
    fixture.simulate(
        () -> {
          Weather weather = new Weather();
          Volume volume = open("p", weather);
          long file = create(volume, "f");
          fillLog(volume);
          weather.fault = Fault.REPLY_LOST;
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          awaitDataSegments(1);
          weather.fault = Fault.NONE;
          store(volume);
          assertThat(fixture.deposed).isZero();
          assertThat(usage(volume, 1).references()).isEqualTo(SEGMENT_PAGES);
          volume.close();
        });
  }

  /// What waiting does not mend ends the volume, and nobody waits for ever.
  @Test
  void aSegmentThatCanNotBeStoredEndsTheVolume() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          fillLog(volume);
          byte[] another = new byte[LogFormat.FOOTER_BYTES];
          fixture.memory.put(
              new ObjectId(ObjectId.Kind.DATA, volume.epoch(), 1).key(),
              ObjectStore.Body.of(another),
              Cause.ADMIN);
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          assertThatThrownBy(() -> store(volume))
              .isInstanceOf(FsException.class)
              .hasMessageContaining("is taken by another writer");
          assertThat(fixture.deposed).isPositive();
          volume.abandon();
        });
  }

  /// Whoever waits for what is stored hears that it will not be.
  @Test
  void aWriterDeposedWithASegmentOnItsWaySaysSo() {
    fixture.simulate(
        () -> {
          Weather weather = new Weather();
          Volume volume = open("p", weather);
          long file = create(volume, "f");
          fillLog(volume);
          weather.fault = Fault.BUSY;
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          Volume next = fixture.open("next", fixture.memory, Journaling.none(true));
          weather.fault = Fault.NONE;
          assertThatThrownBy(() -> store(volume))
              .isInstanceOf(FsException.class)
              .hasMessageContaining("deposed");
          volume.abandon();
          next.close();
        });
  }

  @Test
  void whileBarriersComeNothingLeavesEarly() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          volume.barrier(volume.committedSequence());
          fillLog(volume);
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          fixture.simulation.sleep(1_000_000_000);
          assertThat(dataSegments()).isEmpty();
          fixture.simulation.sleep(Backlog.BARRIERS_NANOS);
          write(volume, file, 2 * SEGMENT_PAGES, 2 * SEGMENT_PAGES + 1);
          awaitDataSegments(1);
          fixture.logIsAway = false;
          volume.close();
        });
  }

  /// Nobody waits for the log then: one PUT is cheaper than two.
  @Test
  void whileTheLogHasRoomNothingLeavesEarly() {
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "f");
          fillLog(volume, 2);
          write(volume, file, 0, 2 * SEGMENT_PAGES);
          fixture.simulation.sleep(fixture.sealNanos / 2);
          assertThat(dataSegments()).isEmpty();
          store(volume);
          assertThat(dataSegments()).isEmpty();
          volume.close();
        });
  }

  /// Four log objects at a time are four connections. What they carry at most is less than what a
  /// writer gets here.
  @Test
  void bulkHasMoreConnectionsThanTheLog() {
    int rate = 8 << 20;
    int bytes = 128 << 20;
    fixture.slabBytes = 64 << 20;
    fixture.sealNanos = 3_600_000_000_000L;
    fixture.simulate(
        () -> {
          MemoryObjectStore memory = fixture.memory;
          Volume volume =
              fixture.open(
                  "p",
                  new LatencyObjectStore(memory, fixture.simulation, 30_000_000L, rate),
                  Journaling.NONE);
          long file = create(volume, "f");
          long started = fixture.simulation.nanoTime();
          write(volume, file, 0, bytes / EXTENT);
          volume.barrier(volume.committedSequence());
          double seconds = (fixture.simulation.nanoTime() - started) / 1e9;
          assertThat(bytes / seconds / rate).as("connections that were full").isGreaterThan(6);
          volume.close();
        });
  }
}
