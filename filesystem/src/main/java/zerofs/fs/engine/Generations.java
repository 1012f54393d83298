package zerofs.fs.engine;

import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.SpacedLongs;
import zerofs.base.Tasks;
import zerofs.fs.row.UsageRow;

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

  /// The commit sequence, alone in its cache lines: what every commit changes.
  private final SpacedLongs sequence = new SpacedLongs(1);

  private final Runnable sealDue;
  private final long sealBytes;
  private volatile Generation[] layers;
  private long sealedSequence;

  /// @param nextPosition log position of the first generation
  /// @param lastSequence commit sequence that recovery ended with
  /// @param sealBytes size at which a generation should be sealed
  /// @param sealDue told, outside the gate, when the open generation got its first change, and when
  ///   it has grown to `sealBytes`
  Generations(
      Tasks tasks,
      SpaceUsage usage,
      long nextPosition,
      long lastSequence,
      long sealBytes,
      Runnable sealDue) {
    this.gate = tasks.newGate("gate");
    this.usage = usage;
    sequence.set(0, lastSequence);
    this.sealedSequence = lastSequence;
    this.sealBytes = sealBytes;
    this.sealDue = sealDue;
    this.layers = new Generation[] {new Generation(nextPosition)};
  }

  /// Commits `changes` to the open generation, atomically with respect to seals.
  ///
  /// @return the commit sequence
  long commit(Consumer<Generation> changes) {
    long committed;
    boolean due;
    gate.lockShared();
    try {
      Generation open = layers[0];
      changes.accept(open);
      committed = sequence.getAndAdd(0, 1) + 1;
      due = !open.isDirty() || open.becameFull(sealBytes);
      open.markDirty();
    } finally {
      gate.unlockShared();
    }
    if (due) {
      sealDue.run();
    }
    return committed;
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
      open.seal(sealedSequence + 1, sequence.get(0), totals);
      sealedSequence = sequence.get(0);
      Generation[] grown = new Generation[layers.length + 1];
      System.arraycopy(layers, 0, grown, 1, layers.length);
      grown[0] = new Generation(open.position() + 1);
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
    long bytes = layers[0].bytes();
    return bytes > sealBytes + sealBytes / 4 || bytes + room > 2 * sealBytes;
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
    return sequence.get(0);
  }

  /// Highest commit sequence in a sealed generation. For the one caller that seals.
  long sealedSequence() {
    return sealedSequence;
  }
}
