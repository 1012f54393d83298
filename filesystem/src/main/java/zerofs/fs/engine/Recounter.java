package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import zerofs.base.Checks;
import zerofs.base.Miss;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;

/// Corrects the space of files whose count of extents is a guess: a write into a file with holes
/// whose chunk row is not in memory is charged as if it made new extents. The count is never too
/// low; it becomes exact
/// - when the limit on space would be passed: before anybody is told so, every such file is
///   counted;
/// - in the background, once a file had as many guesses as it has chunks;
/// - when the file is emptied.
///
/// Counting reads the rows of the file a few at a time, without its lock, and lets go of it in
/// between: writes go on and are added to the count ([FileData.Recount]); a cut begins it anew.
/// Spec: docs/adr/0006.
final class Recounter {
  /// Rows that one step reads.
  private static final int STEP_ROWS = 64;

  private static final int GUESSES_MIN = 64;
  private static final int FILES_MAX = 1000;

  private final Generations generations;
  private final InodeTable inodes;
  private final Rows rows;
  private final Fetcher fetcher;
  private final SpaceUsage usage;
  private final Upkeep upkeep;
  private final Attempts attempts;

  /// Guesses so far, those of before the start as one; and up to which of them [#recountAll] was
  /// done with every file.
  private final AtomicLong guesses = new AtomicLong(1);

  private final AtomicLong settled = new AtomicLong();

  Recounter(
      Generations generations,
      InodeTable inodes,
      Rows rows,
      Fetcher fetcher,
      SpaceUsage usage,
      Upkeep upkeep,
      Attempts attempts) {
    this.generations = generations;
    this.inodes = inodes;
    this.rows = rows;
    this.fetcher = fetcher;
    this.usage = usage;
    this.upkeep = upkeep;
    this.attempts = attempts;
  }

  /// What to throw when the limit would be passed: a [Miss] while counting may still help.
  FsException noSpace() {
    if (settled.get() < guesses.get()) {
      throw new Miss(this::recountAll);
    }
    return new FsException(FsError.NO_SPACE);
  }

  /// A write was committed; its lock is held.
  void written(FileData data, Inode row, List<Files.ExtentWrite> plan) {
    FileData.Recount recount = data.recount();
    for (Files.ExtentWrite each : plan) {
      boolean counted = recount != null && each.chunk() < recount.boundary;
      if (recount != null && counted && each.isNew()) {
        recount.extents++;
        recount.guessed |= each.isGuess();
      }
      if (each.isGuess()) {
        guesses.incrementAndGet();
        if (data.addGuess() >= Math.max(GUESSES_MIN, Files.chunks(row.size))) {
          data.clearGuesses();
          upkeep.count(row.inode);
        }
      }
    }
  }

  /// Counts every file whose space is a guess. Several may do so at a time; one that fails leaves
  /// it to the next.
  void recountAll() throws FsException {
    long before = guesses.get();
    List<Long> found = new ArrayList<>();
    long from = 0;
    do {
      found.clear();
      rows.scan(
          RowKeys.guessed(from),
          RowKeys.endOf(RowKeys.GUESSED),
          true,
          (key, value) -> {
            found.add(RowKeys.first(key));
            return found.size() < FILES_MAX;
          });
      for (long inode : found) {
        recount(inode);
        from = inode + 1;
      }
    } while (found.size() == FILES_MAX);
    settled.accumulateAndGet(before, Math::max);
  }

  /// Counts the extents of a file.
  void recount(long inode) throws FsException {
    InodeNode node;
    try {
      node = inodes.pinAny(inode, true);
    } catch (FsException e) {
      if (e.error() == FsError.STALE) {
        return;
      }
      throw e;
    }
    try {
      Call call = Call.waiting(Caller.ROOT);
      boolean more = true;
      while (more && !upkeep.isClosed()) {
        more = attempts.run(call, () -> step(call, node));
      }
    } finally {
      node.unpin();
    }
  }

  /// @return whether there is more to do
  private boolean step(Call call, InodeNode node) throws FsException {
    FileData.Recount recount;
    long from;
    try (LockSet _ = LockSet.exclusive(node)) {
      if (!node.loadedRow().guessed) {
        return false;
      }
      FileData data = Files.data(node);
      recount = data.recount();
      if (recount == null) {
        recount = new FileData.Recount();
        data.setRecount(recount);
      }
      from = recount.boundary;
    }
    FileData.Recount mine = recount;
    fetcher.fetchNext(
        node, from, STEP_ROWS, (data, end) -> count(call, node, data, mine, from, end));
    return mine.boundary < Long.MAX_VALUE;
  }

  /// Adds the chunks of one step, whose rows are all known. The lock is held.
  private void count(
      Call call, InodeNode node, FileData data, FileData.Recount recount, long from, long end) {
    if (data.recount() != recount || recount.boundary != from) {
      return; // Cut meanwhile, or another task was faster.
    }
    for (Chunk each : data.chunksFrom(from)) {
      if (each.index() < end) {
        recount.extents += Files.existing(each, 0);
      }
    }
    recount.boundary = end;
    if (end == Long.MAX_VALUE) {
      finish(call, node, node.loadedRow(), data, recount);
    }
  }

  private void finish(
      Call call, InodeNode node, Inode row, FileData data, FileData.Recount recount) {
    data.setRecount(null);
    Inode.Draft draft = row.edit();
    draft.units = Math.min(recount.extents, Inode.extentsOf(row.size));
    draft.guessed = recount.guessed;
    Inode changed = draft.build();
    long growth = changed.allocatedBytes() - row.allocatedBytes();
    Checks.invariant(growth <= 0 && usage.tryCharge(growth), "a guess was too low");
    long sequence =
        generations.commit(
            call,
            commit -> {
              commit.put(row, changed);
              commit.usage(growth, 0);
            });
    node.changed(sequence, changed);
  }
}
