package zerofs.fs.engine;

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.page.DrainMemory;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.log.LogWriter;
import zerofs.lsm.LsmTree;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.StorageException;

/// Makes commits durable: seals the open generation, encodes it, sends it as one log object, and
/// settles it in memory once it counts as stored.
///
/// Barriers share (group commit): a new generation is sealed when none is in flight, or the last
/// one was started more than a third of the usual PUT ago; a barrier that finds another under way
/// waits for the next. A small generation is encoded and sent by the barrier's own task.
///
/// Locks: its mutex, then the gate. No inode's lock and no call to the store under either.
final class Durability implements LogWriter.Listener, Files.Backpressure {
  /// Clients that ask while nothing was stored for so long make it look whether it is deposed.
  private static final long QUIET_NANOS = 10_000_000_000L;

  /// Without a sign for so long that no other writer has taken over, this machine's word is not
  /// enough: another one's history would leave out its journal.
  private static final long UNPROVEN_NANOS_MAX = 60_000_000_000L;

  /// Up to here a generation is encoded and sent by the task that wanted it.
  private static final long INLINE_BYTES_MAX = 256 << 10;

  /// What one write of bulk is larger than.
  private static final int SMALL_BYTES_MAX = 64 << 10;

  private final Tasks tasks;
  private final Generations generations;
  private final Encoder encoder;
  private final AdaptiveCompression compression;
  private final LogFormat format;
  private final FrameCodec codec;
  private final LsmTree tree;
  private final Settlement settlement;
  private final Recorder recorder;
  private final BooleanSupplier flushIsBehind;
  private final Settings settings;
  private final byte[] salt;
  private final int epoch;
  private final Map<Long, Sealed> inFlight = new ConcurrentHashMap<>();
  private final Tasks.Mutex mutex;
  private final Tasks.Mutex lookMutex;
  private final Tasks.Signal changed;
  private final AtomicLong quietSince;
  private final BarrierTimes times = BarrierTimes.none();
  private volatile long storedSequence;
  private long storedPosition;
  private @Nullable LogWriter log;
  private @Nullable EarlyBulk bulk;
  private Tasks.@Nullable Task timer;
  private int inFlightCount;
  private long lastStart;
  private long usualPut;
  private boolean closing;
  private volatile @Nullable FsException failure;

  /// @param inFlightMax log objects that may be under way at a time
  /// @param sealNanos age at which a generation is sealed by itself
  record Settings(int inFlightMax, long sealNanos) {}

  private static final class Sealed {
    private final Generation generation;
    private final LogHeader header;
    private final long sealedNanos;
    private Encoder.@Nullable Encoded encoded;
    private long encodedNanos;

    Sealed(Generation generation, LogHeader header, long sealedNanos) {
      this.generation = generation;
      this.header = header;
      this.sealedNanos = sealedNanos;
    }
  }

  /// Settles a stored generation in the files in memory, and is told of progress.
  interface Settlement {
    void settle(Generation generation, Map<Generation.ChunkId, zerofs.fs.extent.ChunkRow> chunks);

    void stored();

    /// Nothing more can be stored. Once.
    void lost(StorageException reason);
  }

  /// @param flushIsBehind whether so many rows wait in the tree that no more should come
  Durability(
      Tasks tasks,
      Generations generations,
      Encoder encoder,
      LogFormat format,
      FrameCodec codec,
      LsmTree tree,
      Settlement settlement,
      Recorder recorder,
      BooleanSupplier flushIsBehind,
      Settings settings,
      int epoch,
      byte[] salt) {
    this.tasks = tasks;
    this.generations = generations;
    this.encoder = encoder;
    this.compression = encoder.compression();
    this.format = format;
    this.codec = codec;
    this.tree = tree;
    this.settlement = settlement;
    this.recorder = recorder;
    this.flushIsBehind = flushIsBehind;
    this.settings = settings;
    this.epoch = epoch;
    this.salt = salt.clone();
    this.mutex = tasks.newMutex("durability");
    this.lookMutex = tasks.newMutex("look at the log");
    this.changed = mutex.newSignal();
    this.quietSince = new AtomicLong(tasks.nanoTime());
    this.storedSequence = generations.sequence();
    this.storedPosition = generations.open().position() - 1;
  }

  /// @return what sends bulk before it is sealed
  EarlyBulk start(LogWriter writer, InodeTable inodes, EarlyBulk.Bounds bounds) {
    log = writer;
    EarlyBulk.Encoding encoding =
        new EarlyBulk.Encoding(codec, format, encoder.drain(), compression);
    EarlyBulk early =
        new EarlyBulk(
            tasks, generations, inodes, encoding, bounds, writer, this::isLogBusy, this::lose);
    bulk = early;
    timer = tasks.fork("seal timer", Tasks.Kind.WAITING, this::sealByItself);
    return early;
  }

  /// Whether nearly as many generations are under way as may be.
  private boolean isLogBusy() {
    return inFlight.size() >= settings.inFlightMax() - 1;
  }

  long storedSequence() {
    return storedSequence;
  }

  BarrierTimes times() {
    return times;
  }

  /// How long the oldest sealed generation has waited to be stored; 0 when none does.
  long waitingNanos() {
    long longest = 0;
    for (Sealed each : inFlight.values()) {
      longest = Math.max(longest, tasks.nanoTime() - each.sealedNanos);
    }
    return longest;
  }

  /// Clients ask. What they are told comes from memory, so without a look now and then a deposed
  /// writer that stores nothing would tell old news for ever.
  void keepWatch() {
    long now = tasks.nanoTime();
    long since = quietSince.get();
    if (now - since >= QUIET_NANOS && quietSince.compareAndSet(since, now)) {
      tasks.fork("look at the log", Tasks.Kind.WAITING, this::look);
    }
  }

  private void look() {
    try {
      Objects.requireNonNull(log).checkNext();
    } catch (StorageException e) {
      // Deposed: the listener has been told. Out of reach: the next look will tell.
      tasks.yieldPoint();
    }
  }

  /// Wakes the timer: the open generation got its first change, or is full.
  void sealDue() {
    mutex.lock();
    try {
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  /// Rows left the memory of the tree.
  void flushed() {
    sealDue();
  }

  /// Blocks until all commits up to `sequence` are stored.
  void barrier(long sequence) throws FsException {
    if (sequence <= storedSequence) {
      return;
    }
    long started = tasks.nanoTime();
    awaitStored(sequence);
    times.waiting().record(tasks.nanoTime() - started);
  }

  /// Blocks until all commits up to `sequence` outlive this machine's power: in its journal, or
  /// stored when that can't be.
  void journalBarrier(long sequence) throws FsException {
    boolean local = sequence <= storedSequence || (recorder.sync(sequence) && isProven());
    if (!local) {
      barrier(sequence);
    }
  }

  /// Whether it is known that no other writer has taken over lately. One task asks the store.
  private boolean isProven() {
    LogWriter writer = Objects.requireNonNull(log);
    if (writer.unprovenNanos() <= UNPROVEN_NANOS_MAX) {
      return true;
    }
    lookMutex.lock();
    try {
      if (writer.unprovenNanos() > UNPROVEN_NANOS_MAX) {
        look();
      }
      return writer.unprovenNanos() <= UNPROVEN_NANOS_MAX;
    } finally {
      lookMutex.unlock();
    }
  }

  private void awaitStored(long sequence) throws FsException {
    mutex.lock();
    try {
      generations.backlog().barrier(tasks.nanoTime());
      noteIdle();
      while (storedSequence < sequence) {
        throwIfFailed();
        if (generations.sealedSequence() < sequence && mayStart()) {
          sealAndSend(true);
        } else {
          await(sequence);
        }
      }
    } finally {
      mutex.unlock();
    }
  }

  private void noteIdle() {
    if (inFlightCount == 0) {
      generations.backlog().progress(tasks.nanoTime());
    }
  }

  /// Rule IN_FLIGHT_BOUND: what a start looks past a hole for is no further away.
  private boolean mayStart() {
    return !closing && (inFlightCount == 0 || isWorthAnother());
  }

  private boolean isWorthAnother() {
    return inFlightCount < settings.inFlightMax() && tasks.nanoTime() - lastStart > usualPut / 3;
  }

  private void await(long sequence) {
    boolean waitsForStart =
        !closing
            && generations.sealedSequence() < sequence
            && inFlightCount < settings.inFlightMax();
    if (waitsForStart) {
      changed.await(Math.max(1, usualPut / 3 - (tasks.nanoTime() - lastStart)));
    } else {
      changed.await();
    }
  }

  private void throwIfFailed() throws FsException {
    if (failure != null) {
      throw new FsException(failure.error(), String.valueOf(failure.getMessage()), failure);
    }
  }

  /// Seals what is open and sends it. The mutex is held, let go meanwhile, and held again.
  ///
  /// @param isAwaited whether the task has nothing else to do until it is stored
  private void sealAndSend(boolean isAwaited) {
    long started = tasks.nanoTime();
    Generation generation = generations.seal();
    if (generation == null) {
      return;
    }
    changed.signalAll(); // There is room in the next one.
    lastStart = tasks.nanoTime();
    times.seal().record(lastStart - started);
    LogHeader header =
        Objects.requireNonNull(log)
            .header(
                LogHeader.Kind.SEGMENT,
                generation.position(),
                generation.firstSequence(),
                generation.lastSequence());
    Sealed sealed = new Sealed(generation, header, lastStart);
    noteIdle();
    inFlight.put(generation.position(), sealed);
    inFlightCount++;
    mutex.unlock();
    try {
      if (isAwaited && generation.bytes() <= INLINE_BYTES_MAX) {
        send(sealed);
      } else {
        tasks.fork("send log object", Tasks.Kind.WAITING, () -> send(sealed));
      }
    } finally {
      mutex.lock();
    }
  }

  private void send(Sealed sealed) {
    long position = sealed.generation.position();
    try {
      Objects.requireNonNull(bulk).sendRest(sealed.generation);
      long started = tasks.nanoTime();
      ObjectId id = new ObjectId(ObjectId.Kind.LOG, epoch, position);
      Encoder.Encoded encoded = encoder.encode(sealed.generation, id, codec.objectKey(id, salt));
      sealed.encoded = encoded;
      try (DrainMemory.Lease _ = encoded.memory()) {
        Body body =
            format.segment(
                sealed.header, encoded.frames(), encoded.directory(), encoded.rows().encode());
        sealed.encodedNanos = tasks.nanoTime();
        times.encode().record(sealed.encodedNanos - started);
        for (EarlySegment each : sealed.generation.earlySegments()) {
          each.awaitStored(); // No delta names a frame that is not stored.
        }
        Objects.requireNonNull(log).send(sealed.header, body);
      }
      noteDuration(tasks.nanoTime() - started);
    } catch (StorageException.Fenced e) {
      fail(e); // The listener has been told.
    } catch (StorageException e) {
      lose(e);
    } catch (RuntimeException e) {
      lose(new StorageException.Closed("storing log position " + position + " failed: " + e));
      throw e;
    }
  }

  private void noteDuration(long nanos) {
    mutex.lock();
    try {
      usualPut = usualPut == 0 ? nanos : (7 * usualPut + nanos) / 8;
    } finally {
      mutex.unlock();
    }
  }

  /// The object at `position` counts as stored: its rows go into the tree, then what it holds is
  /// settled in memory, then it leaves, then waiters go on.
  @Override
  public void stored(long position, long lastSequence) {
    Sealed sealed = inFlight.remove(position);
    if (sealed == null) {
      return; // A fence of our own at a clean stop.
    }
    long now = tasks.nanoTime();
    times.put().record(now - sealed.encodedNanos);
    Encoder.Encoded encoded = Objects.requireNonNull(sealed.encoded);
    try {
      tree.ingest(position, lastSequence, encoded.rows());
    } catch (StorageException e) {
      lose(e); // Rows just made do not merge: memory is broken, the log is whole.
      return;
    }
    settlement.settle(sealed.generation, encoded.chunks());
    generations.dropOldest(sealed.generation);
    recorder.stored(sealed.generation);
    mutex.lock();
    try {
      quietSince.set(now);
      generations.backlog().stored(sealed.generation.bytes(), now - sealed.sealedNanos, now);
      compression.stored(encoded.nanos(), now - sealed.encodedNanos);
      storedSequence = lastSequence;
      storedPosition = position;
      inFlightCount--;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
    settlement.stored();
  }

  @Override
  public void deposed(StorageException.Fenced reason) {
    lose(reason);
  }

  /// Waiting mends nothing: whoever runs this must end it.
  void lose(StorageException reason) {
    fail(reason);
    settlement.lost(reason);
  }

  /// Nothing more becomes durable: everyone who waits is told.
  void fail(StorageException reason) {
    FsException told = new FsException(FsError.CLOSED, String.valueOf(reason.getMessage()), reason);
    mutex.lock();
    try {
      if (failure == null) {
        failure = told;
      } else {
        told = failure;
      }
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
    recorder.end(told);
  }

  private void sealByItself() {
    mutex.lock();
    try {
      while (!closing && failure == null) {
        Generation open = generations.open();
        if (!open.isDirty()) {
          changed.await();
          continue;
        }
        long deadline = tasks.nanoTime() + settings.sealNanos();
        while (!closing
            && failure == null
            && generations.open() == open
            && !isDue(open, deadline)) {
          changed.await(Math.max(1, deadline - tasks.nanoTime()));
        }
        if (!closing && failure == null && generations.open() == open) {
          awaitRoomAndSeal(open);
        }
      }
    } finally {
      mutex.unlock();
    }
  }

  private boolean isDue(Generation open, long deadline) {
    return open.isFull() || tasks.nanoTime() - deadline >= 0;
  }

  private void awaitRoomAndSeal(Generation open) {
    while (inFlightCount >= settings.inFlightMax()
        && !closing
        && failure == null
        && generations.open() == open) {
      changed.await();
    }
    if (!closing && failure == null && generations.open() == open) {
      sealAndSend(false);
    }
  }

  @Override
  public boolean isFull(long room) {
    return generations.isOverfull(room)
        || recorder.isFull()
        || flushIsBehind.getAsBoolean()
        || failure != null;
  }

  @Override
  public boolean isTooMuch(int bytes) {
    boolean isSmall = bytes <= SMALL_BYTES_MAX;
    return generations.backlog().isTooMuch(generations.waitingBytes(), isSmall, tasks.nanoTime());
  }

  @Override
  public void awaitTurn() throws FsException {
    mutex.lock();
    try {
      throwIfFailed();
      compression.writerWaits();
      long position = storedPosition;
      sealForRoom();
      while (storedPosition == position && failure == null && inFlightCount > 0) {
        long left = generations.backlog().awayAt() - tasks.nanoTime();
        if (left <= 0) {
          return;
        }
        changed.await(left);
      }
    } finally {
      mutex.unlock();
    }
  }

  @Override
  public void awaitRoom(long room) throws FsException {
    mutex.lock();
    try {
      while (failure == null && isFull(room)) {
        if (sealForRoom()) {
          break; // What others are admitted for is to be counted again.
        }
        if (!closing && inFlightCount == 0 && !flushIsBehind.getAsBoolean()) {
          return; // It is writers under way that take the room.
        }
        compression.writerWaits();
        changed.await();
      }
      throwIfFailed();
    } finally {
      mutex.unlock();
    }
  }

  /// Whether it sealed the open generation.
  private boolean sealForRoom() {
    boolean seals =
        !closing && generations.open().isDirty() && inFlightCount < settings.inFlightMax();
    if (seals) {
      sealAndSend(false);
    }
    return seals;
  }

  @Override
  public void await() throws FsException {
    mutex.lock();
    try {
      throwIfFailed();
      compression.writerWaits();
      long position = storedPosition;
      sealForRoom();
      while (storedPosition == position && failure == null && (closing || inFlightCount > 0)) {
        changed.await();
      }
      throwIfFailed();
    } finally {
      mutex.unlock();
    }
  }

  /// Stores everything, then plants the epoch's own fence. Whoever commits meanwhile, and asks
  /// whether it is stored, is told that the volume is closed: nothing more is sealed, so nobody
  /// takes the fence's position. With a journal nobody is answered any more from then on, so what
  /// was answered came before; if the store lacks any of it, no fence says otherwise.
  ///
  /// @return whether the fence was planted
  boolean closeCleanly() throws FsException, StorageException {
    barrier(generations.sequence());
    stop();
    awaitInFlight();
    fail(new StorageException.Closed("the volume is closed"));
    if (!generations.isQuiet(() -> generations.sequence() == storedSequence)) {
      return false;
    }
    Objects.requireNonNull(log).closeCleanly(generations.open().position(), storedSequence);
    return true;
  }

  private void awaitInFlight() throws FsException {
    mutex.lock();
    try {
      while (inFlightCount > 0 && failure == null) {
        changed.await();
      }
      throwIfFailed();
    } finally {
      mutex.unlock();
    }
  }

  /// Stops sealing by itself.
  void stop() {
    mutex.lock();
    try {
      closing = true;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
    if (timer != null) {
      timer.join();
    }
  }
}
