package zerofs.objectstore;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.SequencedSet;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// GETs of immutable objects that readers share: who wants what another one is fetching waits for
/// that GET, the GETs of one read are sent together, and what they brought stays in memory for a
/// while, so that neighbours find it there. Everything but [ObjectStore.Cause#READ] and METADATA is
/// passed on.
///
/// Of each object it knows disjoint *ranges*, being loaded or kept. A read takes what they cover
/// and sends a GET for each gap, which is made wider: to whole *parts* of 128 KiB, and on to the
/// next whole MiB when what lies before it was used; not at all when the reader says that nothing
/// around it is wanted (docs/adr/0009).
///
/// Bounds: GETs in flight, and the bytes of ranges that are loaded or kept; the least recently used
/// leave. Bytes that a reader got stay with it beyond that, so readers bound themselves. What was
/// read ahead of a reader who never came leaves once readers have begun to use as many other bytes
/// as there is memory: any stream that goes on, however many there are, uses its bytes before.
///
/// Any thread. The mutex is held for a few instructions, never across a request.
public final class SharedReads implements ObjectStore {
  static final int PART_BYTES = 128 << 10;

  /// A GET this long takes about as long as the wait for its first byte.
  static final int STREAM_BYTES = 1 << 20;

  /// Fewer than the connections of [S3ObjectStore], which barriers need too.
  private static final int IN_FLIGHT_MAX = 32;

  private static final int AHEAD_IN_FLIGHT_MAX = 16;

  /// What a range takes beside its bytes.
  private static final int RANGE_BYTES = 256;

  private final ObjectStore store;
  private final Tasks tasks;
  private final long bytesMax;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal room;
  private final Map<String, NavigableMap<Long, Range>> objects = new HashMap<>();

  /// Loaded ranges that were used, the least recently used first.
  private final SequencedSet<Range> kept = new LinkedHashSet<>();

  /// Loaded ranges that were asked for ahead and that nobody has used yet. They leave last: what is
  /// behind a reader is worth less than what is before him.
  private final SequencedSet<Range> ready = new LinkedHashSet<>();

  /// Readers' ranges whose GETs wait for room, in their order, so that a long one has its turn.
  private final SequencedSet<Range> queue = new LinkedHashSet<>();

  private long keptBytes;
  private long flightBytes;
  private int inFlight;
  private int aheadInFlight;

  /// Of ranges that were asked for ahead and that nobody has used yet.
  private long aheadBytes;

  /// Of all ranges that readers have begun to use, so far: what the age of unused ones is told by.
  private long usedBytes;

  private volatile boolean closed;

  /// @param bytesMax memory for what is loaded or kept
  public SharedReads(ObjectStore store, Tasks tasks, long bytesMax) {
    this.store = store;
    this.tasks = tasks;
    this.bytesMax = bytesMax;
    this.mutex = tasks.newMutex("shared reads");
    this.room = mutex.newSignal();
  }

  /// Bytes `[from, to)` of an object that are wanted.
  ///
  /// @param alone whether what lies around them is not
  public record Span(String key, long from, long to, boolean alone) {}

  /// What came of a span.
  public static final class Read {
    private final List<Piece> pieces;
    private final @Nullable Exception failure;

    private Read(List<Piece> pieces, @Nullable Exception failure) {
      this.pieces = pieces;
      this.failure = failure;
    }

    /// Bytes `[from, to)` of the object, which are within the span; as [ObjectStore#get] answers,
    /// but the bytes are shared: nobody changes them.
    public @Nullable Fetched fetched(long from, long to) throws StorageException {
      return switch (failure) {
        case null -> pieces.isEmpty() ? null : joined(from, to);
        case StorageException e -> throw e;
        case RuntimeException e -> throw e;
        default -> throw new IllegalStateException(failure);
      };
    }

    private Fetched joined(long from, long to) {
      long objectBytes = pieces.getFirst().fetched().objectBytes();
      List<ByteBuffer> found = new ArrayList<>(2);
      int bytes = 0;
      for (Piece each : pieces) {
        if (each.from() < to && from < each.to()) {
          ByteBuffer part = slice(each.fetched().bytes(), from - each.from(), to - each.from());
          bytes += part.remaining();
          found.add(part);
        }
      }
      if (found.size() == 1) {
        return new Fetched(found.getFirst(), objectBytes);
      }
      ByteBuffer all = ByteBuffer.allocate(bytes);
      found.forEach(all::put);
      return new Fetched(all.flip(), objectBytes);
    }
  }

  /// What was read of a range that holds bytes of a span.
  private record Piece(long from, long to, Fetched fetched) {}

  /// Part of an object: on its way or here. Guarded by the mutex; what is loaded never changes.
  private final class Range {
    private final String key;
    private final long from;
    private final long to;
    private final Cause cause;
    private final Tasks.Signal loaded = mutex.newSignal();

    /// Whether it was asked for ahead, and no reader has come yet.
    private boolean ahead;

    private boolean used;
    private boolean done;

    /// Whether nobody finds it any more, though it may be on its way still.
    private boolean forgotten;

    /// What `usedBytes` was when it came.
    private long cameAt;

    private @Nullable Fetched fetched;
    private @Nullable Exception failure;

    Range(String key, long from, long to, Cause cause, boolean ahead) {
      this.key = key;
      this.from = from;
      this.to = to;
      this.cause = cause;
      this.ahead = ahead;
    }

    int length() {
      return Math.toIntExact(to - from);
    }

    long memory() {
      return to - from + RANGE_BYTES;
    }
  }

  /// How many bytes may be asked for ahead: what is in use beside them finds room too.
  public long aheadBytesMax() {
    return bytesMax * 3 / 4;
  }

  /// Reads all spans; blocks until each is here or has failed.
  public List<Read> readAll(List<Span> spans, Cause cause) {
    List<List<Range>> pieces = new ArrayList<>();
    List<Range> mine = new ArrayList<>();
    mutex.lock();
    try {
      for (Span each : spans) {
        pieces.add(claim(each, cause, mine));
      }
      pieces.forEach(ranges -> ranges.forEach(this::use));
    } finally {
      mutex.unlock();
    }
    for (int i = 1; i < mine.size(); i++) {
      Range range = mine.get(i);
      tasks.fork("read", Tasks.Kind.WAITING, () -> load(range));
    }
    if (!mine.isEmpty()) {
      load(mine.getFirst());
    }
    awaitAll(pieces);
    List<Read> reads = new ArrayList<>();
    for (int i = 0; i < spans.size(); i++) {
      reads.add(read(pieces.get(i)));
    }
    return reads;
  }

  private void awaitAll(List<List<Range>> pieces) {
    mutex.lock();
    try {
      for (List<Range> ranges : pieces) {
        for (Range each : ranges) {
          while (!each.done) {
            each.loaded.await();
          }
        }
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Has the bytes `[from, to)` fetched, in whole MiB, before anyone asks; waits for nothing.
  ///
  /// @return false when there is no room for more
  public boolean ahead(String key, long from, long to, Cause cause) {
    List<Range> mine = new ArrayList<>();
    boolean hadRoom = true;
    mutex.lock();
    try {
      for (long at = from / STREAM_BYTES * STREAM_BYTES; at < to && hadRoom; at += STREAM_BYTES) {
        hadRoom = !closed && hasRoomAhead();
        if (hadRoom) {
          claimAhead(key, Math.max(from, at), Math.min(to, at + STREAM_BYTES), cause, mine);
        }
      }
    } finally {
      mutex.unlock();
    }
    for (Range each : mine) {
      tasks.fork("read ahead", Tasks.Kind.WAITING, () -> load(each));
    }
    return hadRoom;
  }

  /// Whether a MiB more may be asked for ahead; what nobody came for leaves for it.
  private boolean hasRoomAhead() {
    while (aheadBytes + STREAM_BYTES > aheadBytesMax() && isOldestAbandoned()) {
      drop(ready.removeFirst());
    }
    return aheadBytes + STREAM_BYTES <= aheadBytesMax();
  }

  private boolean isOldestAbandoned() {
    return !ready.isEmpty() && usedBytes - ready.getFirst().cameAt >= bytesMax;
  }

  /// Ranges that cover a span: those that are there, and new ones, which are added to `mine`.
  private List<Range> claim(Span span, Cause cause, List<Range> mine) {
    NavigableMap<Long, Range> known = objects.computeIfAbsent(span.key(), _ -> new TreeMap<>());
    List<Range> pieces = new ArrayList<>();
    for (long at = span.from(); at < span.to(); at = pieces.getLast().to) {
      Range below = value(known.floorEntry(at));
      if (below != null && below.to > at) {
        pieces.add(below);
        continue;
      }
      Range above = value(known.higherEntry(at));
      long from = at;
      long to = above == null ? span.to() : Math.min(span.to(), above.from);
      if (!span.alone()) {
        from = Math.max(at / PART_BYTES * PART_BYTES, below == null ? 0 : below.to);
        boolean goesOn = below != null && below.to == from && below.used && below.done;
        long end = roundUp(to, goesOn ? STREAM_BYTES : PART_BYTES);
        to = above == null ? end : Math.min(end, above.from);
      }
      pieces.add(add(known, new Range(span.key(), from, to, cause, false), mine));
    }
    return pieces;
  }

  private void claimAhead(String key, long from, long to, Cause cause, List<Range> mine) {
    NavigableMap<Long, Range> known = objects.computeIfAbsent(key, _ -> new TreeMap<>());
    long start = from / STREAM_BYTES * STREAM_BYTES;
    long end = start + STREAM_BYTES;
    for (long at = from; at < to; ) {
      Range below = value(known.floorEntry(at));
      if (below != null && below.to > at) {
        at = below.to;
        continue;
      }
      Range above = value(known.higherEntry(at));
      long first = Math.max(start, below == null ? 0 : below.to);
      long last = above == null ? end : Math.min(end, above.from);
      Range range = add(known, new Range(key, first, last, cause, true), mine);
      aheadBytes += range.memory();
      at = last;
    }
  }

  private static @Nullable Range value(Map.@Nullable Entry<Long, Range> entry) {
    return entry == null ? null : entry.getValue();
  }

  private static long roundUp(long value, long unit) {
    return (value + unit - 1) / unit * unit;
  }

  private static Range add(NavigableMap<Long, Range> known, Range range, List<Range> mine) {
    known.put(range.from, range);
    mine.add(range);
    return range;
  }

  private void use(Range range) {
    usedBytes += range.used ? 0 : range.memory();
    range.used = true;
    if (range.ahead) {
      noLongerAhead(range);
      room.signalAll(); // It may go before those that are still ahead.
    }
    if (kept.remove(range) || ready.remove(range)) {
      kept.add(range);
    }
  }

  private void noLongerAhead(Range range) {
    range.ahead = false;
    aheadBytes -= range.memory();
  }

  /// Sends the GET of a range when there is room, and tells who waits for it.
  private void load(Range range) {
    boolean startedAhead = begin(range);
    Fetched fetched = null;
    Exception failure = null;
    boolean ended = false;
    try {
      if (startedAhead && closed) {
        throw new StorageException.Closed("nothing is read ahead any more");
      }
      fetched = store.get(range.key, range.from, range.length(), range.cause);
      ended = true;
    } catch (StorageException | RuntimeException e) {
      failure = e;
      ended = true;
    } finally {
      if (!ended) {
        failure = new StorageException.Unavailable("a GET of " + range.key + " was given up");
      }
      end(range, startedAhead, fetched, failure);
    }
  }

  /// @return whether it counts as being read ahead
  private boolean begin(Range range) {
    mutex.lock();
    try {
      while (true) {
        if (!range.ahead) {
          queue.add(range);
        }
        if (mayBegin(range)) {
          break;
        }
        room.await();
      }
      if (queue.remove(range)) {
        room.signalAll(); // There may be room for the next one too.
      }
      inFlight++;
      flightBytes += range.memory();
      aheadInFlight += range.ahead ? 1 : 0;
      evict();
      return range.ahead;
    } finally {
      mutex.unlock();
    }
  }

  private boolean mayBegin(Range range) {
    boolean hasMemory = inFlight == 0 || flightBytes + range.memory() <= bytesMax;
    boolean hasTurn =
        range.ahead
            ? queue.isEmpty() && aheadInFlight < AHEAD_IN_FLIGHT_MAX
            : queue.getFirst() == range;
    return hasMemory && hasTurn && inFlight < IN_FLIGHT_MAX;
  }

  private void end(
      Range range, boolean startedAhead, @Nullable Fetched fetched, @Nullable Exception failure) {
    mutex.lock();
    try {
      inFlight--;
      flightBytes -= range.memory();
      aheadInFlight -= startedAhead ? 1 : 0;
      range.fetched = fetched;
      range.failure = failure;
      range.done = true;
      range.cameAt = usedBytes;
      if (fetched == null) {
        forget(range); // The next one asks again.
      } else if (!range.forgotten) {
        (range.ahead ? ready : kept).add(range);
        keptBytes += range.memory();
        evict();
      }
      range.loaded.signalAll();
      room.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  private void evict() {
    while (keptBytes + flightBytes > bytesMax && !(kept.isEmpty() && ready.isEmpty())) {
      boolean fromReady = kept.isEmpty() || isOldestAbandoned();
      drop((fromReady ? ready : kept).removeFirst());
    }
  }

  /// Lets go of a loaded range.
  private void drop(Range range) {
    keptBytes -= range.memory();
    forget(range);
  }

  private void forget(Range range) {
    if (range.forgotten) {
      return;
    }
    range.forgotten = true;
    NavigableMap<Long, Range> known = Objects.requireNonNull(objects.get(range.key));
    known.remove(range.from);
    if (known.isEmpty()) {
      objects.remove(range.key);
    }
    if (range.ahead) {
      noLongerAhead(range);
    }
  }

  private static Read read(List<Range> ranges) {
    List<Piece> pieces = new ArrayList<>();
    for (Range each : ranges) {
      Fetched fetched = each.fetched;
      if (fetched == null) {
        return new Read(List.of(), each.failure);
      }
      pieces.add(new Piece(each.from, each.to, fetched));
    }
    return new Read(pieces, null);
  }

  private static ByteBuffer slice(ByteBuffer bytes, long from, long to) {
    int start = Math.clamp(from, 0, bytes.remaining());
    int end = Math.clamp(to, start, bytes.remaining());
    return bytes.slice(bytes.position() + start, end - start);
  }

  @Override
  public void forget(String key, long from, long to) {
    store.forget(key, from, to); // First: what is on its way may be of what is kept there.
    mutex.lock();
    try {
      NavigableMap<Long, Range> known = objects.getOrDefault(key, new TreeMap<>());
      for (Range each : List.copyOf(known.values())) {
        boolean holds = each.from < to && from < each.to;
        if (holds && (kept.remove(each) || ready.remove(each))) {
          drop(each);
        } else if (holds) {
          forget(each); // On its way: for those who wait for it already.
        }
      }
      room.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  private static boolean isShared(Cause cause) {
    return cause == Cause.READ || cause == Cause.METADATA;
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    if (!isShared(cause)) {
      return store.get(key, offset, length, cause);
    }
    Span span = new Span(key, offset, offset + length, true);
    return readAll(List.of(span), cause).getFirst().fetched(span.from(), span.to());
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return store.getSuffix(key, length, cause);
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    return store.put(key, body, cause);
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
  public @Nullable String shortage() {
    return store.shortage();
  }

  /// Nothing more is read ahead. The store below stays open: it is not this one's.
  @Override
  public void close() {
    mutex.lock();
    try {
      closed = true;
    } finally {
      mutex.unlock();
    }
  }
}
