package zerofs.fs.engine;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.journal.Journal;

/// The local journal as the engine sees it: nothing, until it has begun.
final class Recorder {
  /// Of the journal's size, what the records of one generation may take: those under way and the
  /// open one fit.
  private static final int GENERATIONS = 8;

  private final long bytesMax;
  private volatile @Nullable Journal journal;
  private volatile @Nullable FsException ended;

  /// @param bytesMax of records that the store does not have; who would add to more waits
  Recorder(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  /// From now on every commit leaves a record. No commit is under way.
  void begin(Journal begun) {
    journal = begun;
  }

  boolean isOn() {
    return journal != null;
  }

  /// Why the journal makes nothing durable any more; null = it does, or there is none.
  @Nullable String failure() {
    Journal to = journal;
    IOException failure = to == null ? null : to.failure();
    return failure == null ? null : String.valueOf(failure.getMessage());
  }

  long pendingBytes() {
    Journal to = journal;
    return to == null ? 0 : to.pendingBytes();
  }

  /// Bytes of records at which a generation should be sealed.
  long sealBytes() {
    Journal to = journal;
    if (to == null) {
      return Long.MAX_VALUE;
    }
    return to.failure() == null ? bytesMax / GENERATIONS : to.stageBytes() / GENERATIONS;
  }

  /// Whether who would commit should wait until the store has more.
  boolean isFull() {
    Journal to = journal;
    return to != null && (to.pendingBytes() >= bytesMax || to.needsStore());
  }

  /// Copies a record in. May wait; no lock is held. Once the journal has ended it goes nowhere, and
  /// [#awaitWhole] tells its caller.
  void append(long sequence, long position, RedoRecord redo) {
    Journal to = journal;
    if (to != null) {
      to.append(sequence, position, redo.parts(), redo.bytes());
    }
  }

  /// Blocks until all commits up to a sequence outlive this process; what is answered needs that.
  ///
  /// @throws FsException CLOSED when nothing is to be answered any more
  void awaitWhole(long sequence) throws FsException {
    Journal to = journal;
    if (to != null && !to.awaitWhole(sequence)) {
      FsException reason = ended;
      throw reason == null
          ? new FsException(FsError.CLOSED)
          : new FsException(reason.error(), String.valueOf(reason.getMessage()), reason);
    }
  }

  /// Blocks until all commits up to a sequence outlive this machine's power.
  ///
  /// @return false when only the store can say so
  boolean sync(long sequence) {
    Journal to = journal;
    return to != null && to.sync(sequence);
  }

  /// A generation is in the store.
  void stored(Generation generation) {
    Journal to = journal;
    if (to != null) {
      to.freeUpTo(generation.journalEnd(), generation.lastSequence());
    }
  }

  /// Ends the journal and lets go of its files. Nothing commits any more.
  void close() {
    Journal to = journal;
    if (to != null) {
      try {
        to.close();
      } catch (IOException e) {
        // What was synced is; of the rest nobody was told.
        ended = ended == null ? new FsException(FsError.CLOSED) : ended;
      }
    }
  }

  /// Ends answers.
  void end(FsException reason) {
    ended = reason;
    Journal to = journal;
    if (to != null) {
      to.end();
    }
  }
}
