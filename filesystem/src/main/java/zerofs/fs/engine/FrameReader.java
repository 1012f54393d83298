package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import zerofs.base.Tasks;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.row.Inode;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.SharedReads;
import zerofs.objectstore.StorageException;

/// Reads frames from the store and puts extents together. Blocks; any thread.
///
/// Frames that lie close together are a *run*, read as one piece. Who reads holds what he reads in
/// memory until he has decoded it; all readers together hold no more than a bound, and wait for
/// each other before they ask for anything.
final class FrameReader {
  /// Most bytes of one run.
  private static final int RUN_BYTES_MAX = 8 << 20;

  /// A gap between two wanted frames that is cheaper to read than another request.
  private static final int GAP_BYTES_MAX = 128 << 10;

  private static final byte[] NO_AAD = {};

  private static final Comparator<FrameRef> BY_PLACE =
      Comparator.comparing((FrameRef frame) -> frame.object().kind())
          .thenComparingInt(frame -> frame.object().epoch())
          .thenComparingLong(frame -> frame.object().number())
          .thenComparingInt(FrameRef::offset);

  private final SharedReads store;
  private final FrameCodec codec;
  private final EpochKeys keys;
  private final long heldMax;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal released;
  private long held;

  /// Who waits for room, in their order: what is wanted by one of them is not given to those who
  /// came later, however little they want.
  private final Deque<Runs> waiting = new ArrayDeque<>();

  /// @param heldMax bytes that all readers together may hold
  FrameReader(SharedReads store, FrameCodec codec, EpochKeys keys, Tasks tasks, long heldMax) {
    this.store = store;
    this.codec = codec;
    this.keys = keys;
    this.heldMax = heldMax;
    this.mutex = tasks.newMutex("frame reader");
    this.released = mutex.newSignal();
  }

  /// Bytes of one object, from `offset` on; or why they could not be had.
  private record Run(ObjectId object, long offset, long end, SharedReads.Read read) {
    boolean holds(FrameRef frame) {
      return object.equals(frame.object()) && frame.offset() >= offset && endOf(frame) <= end;
    }

    ByteBuffer frame(FrameRef frame) throws StorageException {
      long frameEnd = endOf(frame);
      ObjectStore.Fetched fetched = read.fetched(frame.offset(), frameEnd);
      if (fetched == null) {
        throw new StorageException.Corrupt(
            "object " + object.key() + " is missing: file data refers to it");
      }
      if (fetched.bytes().remaining() != frame.storedBytes()) {
        throw new StorageException.Corrupt(
            "object "
                + object.key()
                + " has "
                + fetched.objectBytes()
                + " bytes, expected at least "
                + frameEnd);
      }
      return fetched.bytes();
    }
  }

  /// What was read for some extents; closed when they are decoded.
  final class Runs implements AutoCloseable {
    private final List<Run> runs = new ArrayList<>();
    private final long bytes;

    private Runs(long bytes) {
      this.bytes = bytes;
    }

    private void read(List<Place> places, boolean alone) {
      List<SharedReads.Span> spans = new ArrayList<>();
      for (Place each : places) {
        spans.add(new SharedReads.Span(each.object().key(), each.from(), each.to(), alone));
      }
      List<SharedReads.Read> reads = store.readAll(spans, Cause.READ);
      for (int i = 0; i < places.size(); i++) {
        Place place = places.get(i);
        runs.add(new Run(place.object(), place.from(), place.to(), reads.get(i)));
      }
    }

    private ByteBuffer frame(FrameRef frame) throws StorageException {
      for (Run each : runs) {
        if (each.holds(frame)) {
          return each.frame(frame);
        }
      }
      throw new IllegalStateException("frame " + frame + " was not read");
    }

    @Override
    public void close() {
      mutex.lock();
      try {
        held -= bytes;
        released.signalAll();
      } finally {
        mutex.unlock();
      }
    }
  }

  /// Consecutive frames, with small gaps.
  private record Place(ObjectId object, long from, long to) {}

  private static long endOf(FrameRef frame) {
    return frame.offset() + (long) frame.storedBytes();
  }

  /// All frames that extents refer to.
  static List<FrameRef> framesOf(List<ExtentState> states) {
    List<FrameRef> frames = new ArrayList<>();
    for (ExtentState each : states) {
      if (each.base() == ExtentState.Base.FRAME) {
        frames.add(each.frame());
      }
      for (Patch patch : each.patches()) {
        frames.add(patch.frame());
      }
    }
    return frames;
  }

  private static List<Place> places(List<FrameRef> frames) {
    List<FrameRef> sorted = new ArrayList<>(frames);
    sorted.sort(BY_PLACE);
    List<Place> places = new ArrayList<>();
    for (FrameRef frame : sorted) {
      long end = endOf(frame);
      Place last = places.isEmpty() ? null : places.getLast();
      if (last != null
          && last.object().equals(frame.object())
          && frame.offset() <= last.to() + GAP_BYTES_MAX
          && end - last.from() <= RUN_BYTES_MAX) {
        long to = Math.max(last.to(), end);
        places.set(places.size() - 1, new Place(last.object(), last.from(), to));
      } else {
        places.add(new Place(frame.object(), frame.offset(), end));
      }
    }
    return places;
  }

  /// Reads frames: a GET for each run of which something is missing, all at once. What goes wrong
  /// with one of them is told to those who ask for its frames.
  ///
  /// @param alone whether nothing that lies around them is wanted
  Runs read(List<FrameRef> frames, boolean alone) {
    List<Place> places = places(frames);
    Runs runs = new Runs(places.stream().mapToLong(place -> place.to() - place.from()).sum());
    hold(runs);
    boolean done = false;
    try {
      runs.read(places, alone);
      done = true;
      return runs;
    } finally {
      if (!done) {
        runs.close();
      }
    }
  }

  private void hold(Runs runs) {
    mutex.lock();
    try {
      waiting.addLast(runs);
      while (waiting.getFirst() != runs || held > 0 && held + runs.bytes > heldMax) {
        released.await();
      }
      waiting.removeFirst();
      held += runs.bytes;
      released.signalAll(); // There may be room for the next one too.
    } finally {
      mutex.unlock();
    }
  }

  /// Has frames fetched before anyone reads them; waits for nothing.
  ///
  /// @return false when there is no room for all of them now
  boolean ahead(List<FrameRef> frames) {
    for (Place each : places(frames)) {
      if (!store.ahead(each.object().key(), each.from(), each.to(), Cause.READ)) {
        return false;
      }
    }
    return true;
  }

  long aheadBytesMax() {
    return store.aheadBytesMax();
  }

  /// Decodes one frame to the position of `target`.
  private void decode(FrameRef frame, Runs runs, ByteBuffer target) throws StorageException {
    codec.decode(keys.key(frame.object()), frame.frame(), NO_AAD, runs.frame(frame), target);
  }

  /// Puts an extent together: `target` (32 KiB) receives its bytes; returns how many are not known
  /// to be zero.
  ///
  /// What is damaged is asked of the store once more: what was kept on the way here may be of an
  /// object that had this name before the bucket was restored from another time.
  int assemble(ExtentState state, Runs runs, ByteBuffer target) throws StorageException {
    try {
      return assembled(state, runs, target);
    } catch (StorageException.Corrupt e) {
      List<FrameRef> frames = framesOf(List.of(state));
      for (FrameRef each : frames) {
        store.forget(each.object().key(), each.offset(), endOf(each));
      }
      Runs again = new Runs(0); // Beside what is held, or it would wait for itself.
      again.read(places(frames), true);
      return assembled(state, again, target);
    }
  }

  private int assembled(ExtentState state, Runs runs, ByteBuffer target) throws StorageException {
    int length = base(state, runs, target);
    ByteBuffer scratch = null;
    for (Patch patch : state.patches()) {
      if (scratch == null) {
        scratch = ByteBuffer.allocateDirect(Inode.EXTENT_BYTES);
      }
      scratch.clear();
      decode(patch.frame(), runs, scratch);
      length = Math.max(length, apply(patch, scratch.flip(), target));
    }
    return length;
  }

  private int base(ExtentState state, Runs runs, ByteBuffer target) throws StorageException {
    target.clear();
    int length =
        switch (state.base()) {
          case NONE, CLIP -> 0;
          case INLINE -> {
            target.put(state.inline(), 0, state.length());
            yield state.length();
          }
          case FRAME -> {
            decode(state.frame(), runs, target);
            yield Math.min(state.length(), target.position());
          }
        };
    zero(target, length, Inode.EXTENT_BYTES);
    return length;
  }

  private static int apply(Patch patch, ByteBuffer bytes, ByteBuffer target)
      throws StorageException {
    if (bytes.remaining() != patch.bytes()) {
      throw new StorageException.Corrupt(
          "patch frame " + patch.frame() + " has " + bytes.remaining() + " bytes");
    }
    int at = 0;
    int end = 0;
    for (int i = 0; i < patch.rangeCount(); i++) {
      int to = Math.min(patch.to(i), patch.clip());
      if (patch.from(i) < to) {
        target.put(patch.from(i), bytes, at, to - patch.from(i));
        end = to;
      }
      at += patch.to(i) - patch.from(i);
    }
    return end;
  }

  private static void zero(ByteBuffer target, int from, int to) {
    for (int i = from; i < to; i += Long.BYTES) {
      if (to - i >= Long.BYTES) {
        target.putLong(i, 0);
      } else {
        for (int j = i; j < to; j++) {
          target.put(j, (byte) 0);
        }
      }
    }
  }
}
