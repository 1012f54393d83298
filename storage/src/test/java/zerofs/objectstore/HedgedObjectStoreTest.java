package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.FaultyObjectStore.Fault;
import zerofs.objectstore.HedgedObjectStore.Settings;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.ObjectStore.PutOutcome;
import zerofs.objectstore.StoreCounters.Request;

/// Requests to a store whose times are known, in virtual time.
class HedgedObjectStoreTest {
  private static final long MILLI = 1_000_000L;
  private static final long SECOND = 1_000 * MILLI;
  private static final long USUAL = 30 * MILLI;
  private static final String KEY = "log/000001/0000000001";
  private static final byte[] OBJECT = "0123456789".getBytes(StandardCharsets.UTF_8);

  /// One for one, so that the budget is no matter.
  private static final Settings EAGER = new Settings(1, 20 * MILLI, 30, 5 * SECOND);

  private final SimulatedTasks tasks = new SimulatedTasks(3);
  private final MemoryObjectStore memory = new MemoryObjectStore();
  private final Weather weather = new Weather();
  private final TracedObjectStore traced =
      new TracedObjectStore(new SteppedStore(new FaultyObjectStore(memory, tasks, weather)), tasks);
  private HedgedObjectStore store = new HedgedObjectStore(traced, tasks, EAGER);
  private int objects;

  /// What becomes of one request.
  ///
  /// @param nanos how long it takes
  private record Step(long nanos, Fault fault) {}

  /// How long requests take, in the order in which they are sent, and what becomes of them.
  private final class Weather implements FaultyObjectStore.Plan {
    private final Deque<Step> steps = new ArrayDeque<>();
    private LongSupplier nanos = () -> USUAL;
    private LongSupplier busy = () -> 0;

    void next(long after, Fault fault) {
      steps.add(new Step(after, fault));
    }

    @Override
    public Fault next(Request request, String key, Cause cause) {
      Step step = steps.pollFirst();
      if (step == null) {
        step = new Step(nanos.getAsLong(), busy.getAsLong() > 0 ? Fault.BUSY : Fault.NONE);
      }
      tasks.sleep(step.nanos());
      return step.fault();
    }

    @Override
    public long lateness() {
      return SECOND;
    }
  }

  /// Reads the bytes of a PUT as the network takes them: one half, and some time later the other.
  private final class SteppedStore implements ObjectStore {
    private final ObjectStore store;

    SteppedStore(ObjectStore store) {
      this.store = store;
    }

    @Override
    public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
      BodyStream in = new BodyStream(body);
      byte[] bytes = new byte[(int) body.bytes()];
      try {
        in.readNBytes(bytes, 0, bytes.length / 2);
        tasks.sleep(halfNanos);
        in.readNBytes(bytes, bytes.length / 2, bytes.length - bytes.length / 2);
      } catch (IOException e) {
        missed++;
        throw new BodyLoan.TakenBack(key);
      }
      return store.put(key, Body.of(bytes), cause);
    }

    @Override
    public @Nullable Fetched get(String key, long offset, int length, Cause cause)
        throws StorageException {
      return store.get(key, offset, length, cause);
    }

    @Override
    public @Nullable Fetched getSuffix(String key, int length, Cause cause)
        throws StorageException {
      return store.getSuffix(key, length, cause);
    }

    @Override
    public void delete(String key, Cause cause) throws StorageException {
      store.delete(key, cause);
    }

    @Override
    public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
        throws StorageException {
      return store.list(prefix, startAfter, limit, cause);
    }

    @Override
    public void close() {
      store.close();
    }
  }

  private long halfNanos = 1;
  private int missed;

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
    memory.put(KEY, Body.of(OBJECT), Cause.ADMIN);
    tasks.run(unchecked(story));
  }

  private void get() throws StorageException {
    Fetched fetched = Objects.requireNonNull(store.get(KEY, 2, 5, Cause.READ));
    assertThat(fetched.bytes()).isEqualTo(ByteBuffer.wrap(OBJECT, 2, 5));
  }

  private String freshKey() {
    return "log/000001/" + ++objects;
  }

  private PutOutcome put(String key) throws StorageException {
    return store.put(key, Body.of(OBJECT), Cause.BARRIER);
  }

  private long taken(Story story) throws StorageException {
    long started = tasks.nanoTime();
    story.run();
    return tasks.nanoTime() - started;
  }

  /// So many that the usual time is known.
  private void warmUp() throws StorageException {
    for (int i = 0; i < 40; i++) {
      get();
      put(freshKey());
    }
    assertThat(hedges()).isZero();
  }

  private long hedges() {
    return store.sent(Request.GET) + store.sent(Request.PUT);
  }

  /// How long each of `count` GETs took, sorted; some readers share them.
  private List<Long> load(int readers, int count) {
    List<Long> took = new ArrayList<>();
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < readers; i++) {
      running.add(
          tasks.fork(
              "reader",
              Tasks.Kind.WAITING,
              unchecked(
                  () -> {
                    for (int j = 0; j < count / readers; j++) {
                      took.add(taken(this::get));
                    }
                  })));
    }
    running.forEach(Tasks.Task::join);
    Collections.sort(took);
    return took;
  }

  private static long quantile(List<Long> sorted, double share) {
    return sorted.get((int) (share * sorted.size())) / MILLI;
  }

  /// One in `one` takes a second.
  private void tail(int one) {
    Random random = new Random(11);
    weather.nanos = () -> random.nextInt(one) == 0 ? SECOND : USUAL;
  }

  private static String quantiles(List<Long> sorted) {
    StringBuilder out = new StringBuilder();
    for (double each : new double[] {0.5, 0.95, 0.99, 0.995, 0.999}) {
      out.append(out.isEmpty() ? "" : "/").append(quantile(sorted, each));
    }
    return out.toString();
  }

  @ParameterizedTest
  @ValueSource(ints = {100, 50})
  void aTailIsCutOff(int one) {
    tail(one);
    int count = 20_000;
    simulate(
        () -> {
          store = new HedgedObjectStore(traced, tasks, Settings.standard(0));
          List<Long> before = load(8, count);
          store = new HedgedObjectStore(traced, tasks, Settings.standard(5));
          long sentBefore = traced.counters().of(Request.GET);
          List<Long> after = load(8, count);
          long extra = traced.counters().of(Request.GET) - sentBefore - count;
          System.out.printf(
              "GETs of 30 ms, one in %d of 1 s: p50/p95/p99/p99.5/p99.9 %s ms, hedged %s ms, extra"
                  + " requests %.2f %%%n",
              one, quantiles(before), quantiles(after), 100.0 * extra / count);
          assertThat(quantile(before, 1 - 0.5 / one)).isEqualTo(1000);
          assertThat(quantile(after, 0.95)).isEqualTo(30);
          assertThat(quantile(after, 0.99)).isLessThanOrEqualTo(70);
          assertThat(quantile(after, 0.999)).isLessThanOrEqualTo(130);
          assertThat(extra).isEqualTo(store.sent(Request.GET));
          assertThat(extra * one).isBetween(count * 8L / 10, count * 12L / 10);
          assertThat(store.won(Request.GET)).isGreaterThan(extra * 9 / 10);
        });
  }

  @Test
  void noMoreIsSentThanTheShare() {
    tail(25);
    simulate(
        () -> {
          store = new HedgedObjectStore(traced, tasks, Settings.standard(1));
          load(8, 20_000);
          assertThat(store.sent(Request.GET)).isBetween(180L, 200L);
        });
  }

  @Test
  void aQuietTimeDoesNotSaveUpABurst() {
    simulate(
        () -> {
          store = new HedgedObjectStore(traced, tasks, Settings.standard(5));
          load(8, 10_000);
          tail(3);
          load(8, 40);
          assertThat(store.sent(Request.GET)).isBetween(1L, 12L);
        });
  }

  @Test
  void whereAllTakeAboutAsLongNoneIsSlow() {
    simulate(
        () -> {
          store = new HedgedObjectStore(traced, tasks, Settings.standard(5));
          load(8, 5_000);
          Random random = new Random(1);
          weather.nanos = () -> USUAL * 9 / 10 + random.nextLong(USUAL / 5);
          load(8, 5_000);
          assertThat(hedges()).isZero();
          long sent = traced.counters().total();
          tasks.sleep(3_600 * SECOND);
          assertThat(traced.counters().total()).as("nothing to do").isEqualTo(sent);
        });
  }

  /// A near store has a usual time of which even the double is no time.
  @Test
  void noneIsSlowBelowTheFloor() {
    Random random = new Random(1);
    weather.nanos = () -> random.nextInt(100) == 0 ? 19 * MILLI : MILLI;
    simulate(
        () -> {
          load(4, 5_000);
          assertThat(hedges()).isZero();
        });
  }

  @Test
  void noneIsSlowUntilTheUsualTimeIsKnown() {
    simulate(
        () -> {
          for (int i = 0; i < 29; i++) {
            get();
          }
          weather.next(SECOND, Fault.NONE);
          assertThat(taken(this::get)).isEqualTo(SECOND);
          weather.next(SECOND, Fault.NONE);
          assertThat(taken(this::get)).isLessThan(3 * USUAL);
          tasks.sleep(2 * LatencyWindow.HALF_NANOS);
          weather.next(SECOND, Fault.NONE);
          assertThat(taken(this::get)).as("that was long ago").isEqualTo(SECOND);
        });
  }

  @Test
  void aStoreThatBecomesSlowerIsFollowed() {
    simulate(
        () -> {
          store = new HedgedObjectStore(traced, tasks, Settings.standard(5));
          load(8, 5_000);
          weather.nanos = () -> 5 * USUAL;
          load(8, 5_000);
          long learning = store.sent(Request.GET);
          assertThat(learning).isBetween(1L, 250L);
          load(8, 5_000);
          assertThat(store.sent(Request.GET)).isEqualTo(learning);
        });
  }

  @Test
  void aStoreThatSaysLaterGetsNoMore() {
    tail(20);
    simulate(
        () -> {
          warmUpSlowly();
          weather.busy = () -> objects++ % 10 == 0 ? 1 : 0;
          long before = hedges();
          failing(4, 2_000);
          assertThat(hedges()).as("503 for one in ten").isEqualTo(before);
          weather.busy = () -> 0;
          load(4, 2_000);
          assertThat(hedges()).as("well again").isGreaterThan(before);
        });
  }

  @Test
  void aStoreThatIsAwayGetsNoMore() {
    tail(20);
    simulate(
        () -> {
          warmUpSlowly();
          weather.busy = () -> 1;
          weather.nanos = () -> 1;
          failing(1, 1); // Until the first one fails nobody knows.
          weather.nanos = () -> SECOND;
          long before = hedges();
          failing(8, 400);
          assertThat(hedges()).isEqualTo(before);
          weather.busy = () -> 0;
          tasks.sleep(EAGER.quietNanos());
          failing(8, 8);
          assertThat(hedges()).as("nothing is saved up for its return").isEqualTo(before);
        });
  }

  /// As with a cable that is cut: until a request is given up nobody knows either.
  @Test
  void aStoreThatFallsSilentGetsTwoMoreAtMost() {
    simulate(
        () -> {
          warmUp();
          weather.nanos = () -> 30 * SECOND;
          load(16, 16);
          assertThat(hedges()).isEqualTo(2);
        });
  }

  private void warmUpSlowly() {
    load(4, 400);
    assertThat(hedges()).isPositive();
  }

  private void failing(int readers, int count) {
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < readers; i++) {
      running.add(
          tasks.fork(
              "reader",
              Tasks.Kind.WAITING,
              () -> {
                for (int j = 0; j < count / readers; j++) {
                  try {
                    get();
                  } catch (StorageException e) {
                    tasks.yieldPoint(); // As it should.
                  }
                }
              }));
    }
    running.forEach(Tasks.Task::join);
  }

  @Test
  void whatHasTimeIsWaitedFor() {
    simulate(
        () -> {
          memory.put("large", Body.of(new byte[2 << 20]), Cause.ADMIN);
          for (int i = 0; i < 40; i++) {
            store.get("large", 0, 2 << 20, Cause.READ);
          }
          warmUp();
          weather.nanos = () -> SECOND;
          for (Cause each : List.of(Cause.FLUSH, Cause.COMPACTION, Cause.RECOVERY, Cause.SWEEP)) {
            assertThat(taken(() -> store.get(KEY, 0, 5, each))).isEqualTo(SECOND);
            assertThat(taken(() -> store.put(freshKey(), Body.of(OBJECT), each)))
                .isEqualTo(SECOND + halfNanos);
          }
          assertThat(taken(() -> store.get("large", 0, 2 << 20, Cause.READ))).isEqualTo(SECOND);
          assertThat(taken(() -> store.list("log/", "", 1, Cause.READ))).isEqualTo(SECOND);
          assertThat(hedges()).isZero();
        });
  }

  @Test
  void aFailureIsNoAnswerWhileTheOtherOneIsUnderWay() {
    simulate(
        () -> {
          warmUp();
          weather.next(60 * MILLI, Fault.BUSY);
          weather.next(USUAL, Fault.NONE);
          assertThat(taken(this::get)).isBetween(60 * MILLI, 75 * MILLI);
          tasks.sleep(EAGER.quietNanos());
          get();
          weather.next(60 * MILLI, Fault.NONE);
          weather.next(1, Fault.BUSY);
          assertThat(taken(this::get)).isEqualTo(60 * MILLI);
          tasks.sleep(EAGER.quietNanos());
          get();
          weather.next(60 * MILLI, Fault.BUSY);
          weather.next(USUAL, Fault.BUSY);
          assertThatThrownBy(this::get).isInstanceOf(StorageException.Unavailable.class);
          assertThat(hedges()).isEqualTo(3);
        });
  }

  @Test
  void absenceIsAnAnswerToo() {
    simulate(
        () -> {
          warmUp();
          weather.next(SECOND, Fault.NONE);
          long took = taken(() -> assertThat(store.getSuffix("none", 5, Cause.METADATA)).isNull());
          assertThat(took).isLessThan(3 * USUAL);
        });
  }

  @Test
  void whoeverIsFirstOfTwoPutsTheOutcomeIsTheirs() {
    simulate(
        () -> {
          warmUp();
          String key = freshKey();
          weather.next(SECOND, Fault.LATE);
          assertThat(taken(() -> assertThat(put(key)).isEqualTo(PutOutcome.CREATED)))
              .isLessThan(3 * USUAL);
          String second = freshKey();
          weather.next(0, Fault.SLOW); // Applied after half of it.
          weather.next(600 * MILLI, Fault.NONE);
          assertThat(put(second)).as("it can't know whose").isEqualTo(PutOutcome.EXISTS);
          String third = freshKey();
          weather.next(60 * MILLI, Fault.NONE);
          weather.next(SECOND, Fault.NONE);
          assertThat(put(third)).isEqualTo(PutOutcome.CREATED);
          assertThat(store.sent(Request.PUT)).isEqualTo(3);
          assertThat(store.won(Request.PUT)).isEqualTo(2);
        });
  }

  @Test
  void whatIsNotKnownOfOnePutIsNotKnownOfTheObject() {
    simulate(
        () -> {
          warmUp();
          weather.next(60 * MILLI, Fault.REPLY_LOST);
          weather.next(USUAL, Fault.BUSY);
          assertThatThrownBy(() -> put(freshKey()))
              .isInstanceOf(StorageException.OutcomeUnknown.class);
          tasks.sleep(EAGER.quietNanos());
          put(freshKey());
          weather.next(60 * MILLI, Fault.BUSY);
          weather.next(USUAL, Fault.LOST);
          assertThatThrownBy(() -> put(freshKey()))
              .isInstanceOf(StorageException.OutcomeUnknown.class);
          tasks.sleep(EAGER.quietNanos());
          put(freshKey());
          weather.next(60 * MILLI, Fault.BUSY);
          weather.next(USUAL, Fault.BUSY);
          assertThatThrownBy(() -> put(freshKey()))
              .isInstanceOf(StorageException.Unavailable.class);
          assertThat(store.sent(Request.PUT)).isEqualTo(3);
        });
  }

  /// The memory of a PUT is its caller's again once it returns. A key may become free again, too:
  /// then whatever is still under way would make an object of what that memory holds by then.
  @Test
  void aPutThatIsStillUnderWayReadsNoMoreOfItsBody() {
    simulate(
        () -> {
          warmUp();
          byte[] memoryOfIt = OBJECT.clone();
          String key = freshKey();
          halfNanos = SECOND;
          Tasks.Task hasty =
              tasks.fork(
                  "hasty",
                  Tasks.Kind.WAITING,
                  () -> {
                    tasks.sleep(20 * MILLI);
                    halfNanos = 1; // The second one meets no such bad luck.
                  });
          long took = taken(() -> store.put(key, Body.of(memoryOfIt), Cause.BARRIER));
          hasty.join();
          assertThat(took).isLessThan(4 * USUAL);
          Arrays.fill(memoryOfIt, (byte) '!');
          memory.delete(key, Cause.SWEEP);
          tasks.sleep(5 * SECOND);
          assertThat(missed).isEqualTo(1);
          assertThat(memory.get(key, 0, 10, Cause.ADMIN)).isNull();
          assertThat(traced.counters().errors()).as("no failure of the store").isZero();
          assertThat(traced.trouble()).isNull();
        });
  }

  /// What has left is on its way for good, as it was.
  @Test
  void aPutThatArrivesLateIsWhatWasSent() {
    simulate(
        () -> {
          warmUp();
          byte[] memoryOfIt = OBJECT.clone();
          String key = freshKey();
          weather.next(SECOND, Fault.NONE);
          assertThat(store.put(key, Body.of(memoryOfIt), Cause.BARRIER))
              .isEqualTo(PutOutcome.CREATED);
          Arrays.fill(memoryOfIt, (byte) '!');
          memory.delete(key, Cause.SWEEP);
          tasks.sleep(5 * SECOND);
          assertThat(Objects.requireNonNull(memory.get(key, 0, 10, Cause.ADMIN)).bytes())
              .isEqualTo(ByteBuffer.wrap(OBJECT));
        });
  }

  @Test
  void oneThatGetsStuckIsNoTroubleOfAStoreThatGoesOn() {
    simulate(
        () -> {
          warmUp();
          weather.next(30 * SECOND, Fault.BUSY);
          get();
          tasks.sleep(60 * SECOND);
          assertThat(traced.counters().errors()).isEqualTo(1);
          assertThat(traced.trouble()).isNull();
          weather.next(SECOND, Fault.NONE);
          assertThat(taken(this::get)).as("nor a reason to stop").isLessThan(3 * USUAL);
        });
  }
}
