package zerofs.fs.engine;

import java.util.Arrays;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.row.UsageRow;
import zerofs.journal.Journal;

/// The generations in memory, and the gate through which every commit goes.
///
/// A commit enters the gate shared, changes the open generation, takes a sequence number, leaves;
/// inside, nothing waits and nothing fails. A seal takes the gate exclusively for the swap of the
/// open generation, so no operation is ever split over two.
///
/// `layers` is replaced, never changed: newest first, the open one at 0. A sealed generation leaves
/// it only after its rows are in the LSM tree, so who reads `layers` first and the tree afterwards
/// misses nothing.
final class Generations {
  private final Tasks.SharedMutex gate;
  private final SpaceUsage usage;
  private final Recorder recorder;
  private final Runnable sealDue;
  private final long sealBytesMax;
  private final long sealHeapBytes;
  private final Backlog backlog;
  private volatile Generation[] layers;
  private long sealedSequence;

  /// @param nextPosition log position of the first generation
  /// @param lastSequence commit sequence that recovery ended with
  /// @param sealBytesMax size at which a generation should be sealed at the latest
  /// @param sealHeapBytes what its rows take of the heap then at most
  /// @param sealDue told, outside the gate, when the open generation got its first change, and when
  ///   it has grown to the size at which it is sealed
  Generations(
      Tasks tasks,
      SpaceUsage usage,
      Recorder recorder,
      long nextPosition,
      long lastSequence,
      long sealBytesMax,
      long sealHeapBytes,
      Runnable sealDue) {
    this.gate = tasks.newGate("gate");
    this.usage = usage;
    this.recorder = recorder;
    this.sealedSequence = lastSequence;
    this.sealBytesMax = sealBytesMax;
    this.sealHeapBytes = sealHeapBytes;
    this.backlog = new Backlog(sealBytesMax);
    this.sealDue = sealDue;
    this.layers = new Generation[] {new Generation(nextPosition, lastSequence, 0)};
  }

  /// Commits `changes` to the open generation, atomically with respect to seals. The call owes the
  /// redo record: it is answered once that is in the journal, for which no lock is held
  /// ([Attempts]).
  ///
  /// @return the commit sequence
  long commit(Call call, Consumer<Commit> changes) {
    RedoRecord redo = recorder.isOn() ? new RedoRecord() : null;
    Generation open;
    long place;
    boolean due;
    gate.lockShared();
    try {
      open = layers[0];
      changes.accept(new Commit(open, usage, redo));
      place = open.take(redo == null ? 0 : Journal.recordBytes(redo.bytes()));
      due =
          !open.isDirty()
              || open.becameFull(backlog.sealBytes(), sealHeapBytes, recorder.sealBytes());
      open.markDirty();
    } finally {
      gate.unlockShared();
    }
    long sequence = open.sequenceOf(place);
    if (redo != null) {
      long position = open.journalPositionOf(place);
      call.owe(() -> recorder.append(sequence, position, redo));
    }
    if (due) {
      sealDue.run();
    }
    return sequence;
  }

  /// Runs `check` with no commit under way.
  boolean isQuiet(BooleanSupplier check) {
    gate.lockExclusive();
    try {
      return check.getAsBoolean();
    } finally {
      gate.unlockExclusive();
    }
  }

  /// Runs `change` with no seal during it. For changes of pages that leave what they say as it was.
  void guarded(Consumer<Generation> change) {
    gate.lockShared();
    try {
      change.accept(layers[0]);
    } finally {
      gate.unlockShared();
    }
  }

  /// Seals the open generation and opens the next one; null when nothing has changed. One caller at
  /// a time.
  @Nullable Generation seal() {
    gate.lockExclusive();
    try {
      Generation open = layers[0];
      if (!open.isDirty()) {
        return null;
      }
      UsageRow totals = usage.committed();
      open.seal(totals);
      sealedSequence = open.lastSequence();
      Generation[] grown = new Generation[layers.length + 1];
      System.arraycopy(layers, 0, grown, 1, layers.length);
      grown[0] = new Generation(open.position() + 1, sealedSequence, open.journalEnd());
      layers = grown;
      return open;
    } finally {
      gate.unlockExclusive();
    }
  }

  /// Drops the oldest generation: its rows are in the tree and nothing in memory refers to it.
  void dropOldest(Generation oldest) {
    gate.lockExclusive();
    try {
      Checks.invariant(layers[layers.length - 1] == oldest, "generations leave in order");
      layers = Arrays.copyOf(layers, layers.length - 1);
    } finally {
      gate.unlockExclusive();
    }
  }

  /// Whether the open generation may not grow by `room` bytes now, because the ones before it are
  /// not stored yet. It pauses its writers a quarter beyond its size, so that while the store is
  /// behind the next ones fit the drain beside it; what is admitted already may double it.
  boolean isOverfull(long room) {
    Generation open = layers[0];
    long bytes = open.bytes();
    return open.hasAllCommits()
        || bytes > sealBytesMax + sealBytesMax / 4
        || open.heapBytes() > sealHeapBytes + sealHeapBytes / 4
        || bytes + room > 2 * sealBytesMax;
  }

  /// How much may wait to be stored. Changed by the one who seals.
  Backlog backlog() {
    return backlog;
  }

  /// Bytes of changes that are not stored.
  long waitingBytes() {
    long sum = 0;
    for (Generation each : layers) {
      sum += each.bytes();
    }
    return sum;
  }

  /// Whether what can be left out should not be committed now: too much waits to be stored, or the
  /// store is short of space.
  boolean isUnderPressure() {
    return isOverfull(0) || usage.isStoreShort();
  }

  /// All generations in memory, newest first. Not to be changed.
  Generation[] layers() {
    return layers;
  }

  Generation open() {
    return layers[0];
  }

  /// Highest commit sequence so far.
  long sequence() {
    return layers[0].lastSequence();
  }

  /// A commit sequence that covers every row the caller has seen so far. A row is there before its
  /// commit has a number: with a journal, where what is answered must be in it, commits under way
  /// are waited for.
  long sequenceOfAllSeen() {
    if (recorder.isOn()) {
      isQuiet(() -> true);
    }
    return sequence();
  }

  /// Highest commit sequence in a sealed generation. For the one caller that seals.
  long sealedSequence() {
    return sealedSequence;
  }
}
