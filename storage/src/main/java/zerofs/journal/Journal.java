package zerofs.journal;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.Tasks;

/// The journal of the epoch that is being written: takes redo records, keeps them where a killed
/// process leaves them, and makes them durable on this machine when asked to.
///
/// The caller gives out sequences and positions: both without gaps, positions from 0. A record is
/// *whole* once it and all before it are in the stage; [#append] returns then.
///
/// Any thread may call; callers hold no lock, as [#append] may wait for the disk, and for the store
/// when the disk fails.
public final class Journal {
  private final Tasks tasks;
  private final Stage stage;
  private final JournalFiles files;
  private final AtomicLong whole = new AtomicLong();

  /// Counts records as [#whole] passes them: never ahead of it, a moment behind at most.
  private final AtomicLong wholeSequence;

  /// Tasks that wait to be told that more is whole.
  private final AtomicInteger waiting = new AtomicInteger();

  private final Tasks.Mutex mutex;

  /// Tells the journal's own task that there is something to do.
  private final Tasks.Signal work;

  /// Tells tasks that more is whole, or that the stage has room.
  private final Tasks.Signal moved;

  /// Those who wait until their record is durable, by its sequence.
  private final Seats durable;

  private final ByteBuffer block = ByteBuffer.allocateDirect(JournalFiles.BLOCK_BYTES_MAX);

  /// Nothing before it is needed of the stage. Changed under the mutex.
  private volatile long base;

  private volatile boolean drainDue;
  private volatile @Nullable IOException failure;
  private volatile long freed;
  private volatile long synced;

  /// Up to here records are durable in files, or in the store.
  private volatile long durableSequence;

  private long syncWanted;
  private boolean busy;
  private volatile boolean closed;
  private Tasks.@Nullable Task task;

  /// @param lastSequence the one before its first record
  Journal(Tasks tasks, Stage stage, JournalFiles files, long lastSequence) {
    this.tasks = tasks;
    this.stage = stage;
    this.files = files;
    this.wholeSequence = new AtomicLong(lastSequence);
    this.durableSequence = lastSequence;
    this.mutex = tasks.newMutex("journal");
    this.work = mutex.newSignal();
    this.moved = mutex.newSignal();
    this.durable = new Seats(tasks, "journal sync");
  }

  void start() {
    task = tasks.fork("journal", Tasks.Kind.COMPUTING, this::run);
  }

  /// Bytes of positions that a record takes.
  public static int recordBytes(int payloadBytes) {
    return RecordFormat.bytes(payloadBytes);
  }

  /// Copies a record in, and returns when it is whole.
  ///
  /// @param payload its parts, from their positions to their limits
  /// @return false when the journal was ended first: the commit is not to be answered
  public boolean append(long sequence, long position, List<ByteBuffer> payload, int payloadBytes) {
    Checks.invariant(payloadBytes <= RecordFormat.PAYLOAD_BYTES_MAX, "a record is too large");
    long end = position + RecordFormat.bytes(payloadBytes);
    if (end - base > stage.size() && !awaitRoom(end)) {
      return false;
    }
    stage.put(sequence, position, payload, payloadBytes);
    advance();
    return awaitWhole(sequence);
  }

  /// Moves the end of what is whole over what others have copied in.
  private void advance() {
    long at = whole.get();
    while (true) {
      long end = stage.endOf(at);
      if (end == 0) {
        break;
      }
      if (whole.compareAndSet(at, end)) {
        wholeSequence.incrementAndGet();
      }
      at = whole.get();
    }
    boolean isHalfFull = at - base >= stage.size() / 2 && !drainDue && failure == null;
    if (isHalfFull || waiting.get() > 0) {
      wake(isHalfFull);
    }
  }

  private void wake(boolean toDrain) {
    mutex.lock();
    try {
      if (toDrain) {
        drainDue = true;
        work.signalAll();
      }
      moved.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  /// Blocks until all records up to a sequence are whole: what was answered by then outlives this
  /// process.
  ///
  /// @return false when the journal was ended: nothing is to be answered any more
  public boolean awaitWhole(long sequence) {
    if (wholeSequence.get() >= sequence) {
      return !closed;
    }
    mutex.lock();
    try {
      waiting.incrementAndGet();
      while (wholeSequence.get() < sequence && !closed) {
        moved.await();
      }
      return !closed;
    } finally {
      waiting.decrementAndGet();
      mutex.unlock();
    }
  }

  private boolean awaitRoom(long end) {
    mutex.lock();
    try {
      waiting.incrementAndGet();
      while (end - base > stage.size() && !closed) {
        if (!drainDue && whole.get() > base) {
          drainDue = true;
          work.signalAll();
        }
        moved.await();
      }
      return end - base <= stage.size();
    } finally {
      waiting.decrementAndGet();
      mutex.unlock();
    }
  }

  /// Blocks until all records up to a sequence are durable here or in the store.
  ///
  /// @return false when this machine's disk can't, or the journal was ended: then only the store's
  ///   word counts
  public boolean sync(long sequence) {
    if (sequence <= durableSequence) {
      return !closed;
    }
    if (!awaitWhole(sequence)) {
      return false;
    }
    mutex.lock();
    try {
      syncWanted = Math.max(syncWanted, sequence);
      work.signalAll();
    } finally {
      mutex.unlock();
    }
    durable.await(sequence, () -> sequence <= durableSequence || failure != null || closed);
    return sequence <= durableSequence && !closed;
  }

  /// All records up to a sequence are in the store.
  ///
  /// @param position where the last of them ends
  public void freeUpTo(long position, long sequence) {
    mutex.lock();
    try {
      freed = Math.max(freed, position);
      durableSequence = Math.max(durableSequence, sequence);
      moveBase();
      work.signalAll();
      moved.signalAll();
    } finally {
      mutex.unlock();
    }
    durable.wake();
  }

  /// Bytes of records that the store does not have yet.
  public long pendingBytes() {
    return Math.max(0, whole.get() - freed);
  }

  /// Whether records that the store does not have fill half of the stage or more, after the disk
  /// has failed: then only the store frees their places.
  public boolean needsStore() {
    return failure != null && pendingBytes() >= stage.size() / 2;
  }

  /// Bytes of the stage.
  public int stageBytes() {
    return stage.size();
  }

  /// Why nothing can be made durable here any more; null = nothing is wrong.
  public @Nullable IOException failure() {
    return failure;
  }

  private void moveBase() {
    if (!busy) {
      // What the store has, but its owner has not copied in yet, still has its place.
      long next = Math.max(synced, Math.min(freed, whole.get()));
      stage.setBase(next); // First: who sees room writes over what lies before it.
      base = next;
    }
  }

  private boolean hasWork() {
    return failure == null
        && (drainDue || syncWanted > durableSequence || files.oldestEnd() <= freed);
  }

  private void run() {
    mutex.lock();
    try {
      while (true) {
        while (!closed && !hasWork()) {
          work.await();
        }
        if (closed) {
          return;
        }
        drain();
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Writes what is whole to the files. The mutex is held, let go meanwhile, and held again.
  private void drain() {
    moveBase();
    boolean toWrite = drainDue || syncWanted > durableSequence;
    long from = base;
    long sequence = wholeSequence.get(); // Before the position, which so covers it.
    long to = Math.max(from, whole.get());
    long free = freed;
    busy = true; // The stage keeps what lies at `base` and later.
    drainDue = false;
    mutex.unlock();
    IOException failed = null;
    try {
      files.freeUpTo(free);
      if (toWrite) {
        write(from, to);
        files.sync(); // Before the stage lets go of it: a failed sync may drop what was written.
      }
    } catch (IOException e) {
      failed = e;
    } catch (RuntimeException | Error e) {
      failed = new IOException("writing it failed: " + e, e); // Else who waits waits for ever.
    }
    mutex.lock();
    busy = false;
    if (failed == null) {
      synced = toWrite ? to : synced;
      durableSequence = toWrite ? Math.max(durableSequence, sequence) : durableSequence;
    } else {
      failure = failed; // Whether anything of it was written nobody knows: never tried again.
    }
    moveBase();
    moved.signalAll();
    if (toWrite || failed != null) {
      mutex.unlock();
      try {
        durable.wake();
      } finally {
        mutex.lock();
      }
    }
  }

  private void write(long from, long to) throws IOException {
    files.reserve(to - from);
    for (long at = from; at < to; at += block.capacity()) {
      block.clear().limit((int) Math.min(block.capacity(), to - at));
      stage.get(at, block);
      files.append(at, block.flip());
    }
  }

  /// Ends answers: whoever waits is told. What is in the stage stays there.
  public void end() {
    mutex.lock();
    try {
      closed = true;
      work.signalAll();
      moved.signalAll();
    } finally {
      mutex.unlock();
    }
    durable.wake();
  }

  /// Ends; nothing is deleted. No record is copied in any more.
  public void close() throws IOException {
    end();
    if (task != null) {
      task.join();
    }
    files.close();
  }
}
