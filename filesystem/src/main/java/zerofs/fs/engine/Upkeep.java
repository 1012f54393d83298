package zerofs.fs.engine;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FsException;
import zerofs.fs.extent.ChunkRow;

/// What is done to files in the background, because it makes later work cheaper: extents that are
/// stored in many pieces are rewritten as one, and guesses of space are corrected. What fails, or
/// finds no room, is found again.
final class Upkeep {
  private static final int WAITING_MAX = 1024;

  private final BackgroundQueue<Chore> queue;
  private Tasks.@Nullable Task task;

  /// Work on one file.
  private sealed interface Chore {
    /// Its extents are to be counted ([Recounter]).
    record Count(long inode) implements Chore {}

    /// Extents of one chunk have more patches than they should.
    record Fold(long inode, long chunk) implements Chore {}
  }

  Upkeep(Tasks tasks) {
    queue = new BackgroundQueue<>(tasks, "upkeep", WAITING_MAX);
  }

  /// Asks for a count of a file's extents.
  void count(long inode) {
    queue.add(new Chore.Count(inode));
  }

  /// Asks for the patches of a chunk's extents to be folded into them. Any lock may be held.
  void fold(long inode, long chunk) {
    queue.add(new Chore.Fold(inode, chunk));
  }

  void start(InodeTable inodes, Files files, Recounter recounter, Attempts attempts, Tasks tasks) {
    task =
        queue.start(
            chore -> {
              try {
                switch (chore) {
                  case Chore.Count(long inode) -> recounter.recount(inode);
                  case Chore.Fold(long inode, long chunk) ->
                      fold(inodes, files, attempts, inode, chunk);
                }
              } catch (FsException e) {
                // Removed, damaged, or the volume is closing. A reader is told of damage.
                tasks.yieldPoint();
              }
            });
  }

  private void fold(InodeTable inodes, Files files, Attempts attempts, long inode, long chunk)
      throws FsException {
    InodeNode node = inodes.pinAny(inode, true);
    try {
      Call call = Call.waiting(Caller.ROOT);
      for (int i = 0; i < ChunkRow.EXTENTS && !queue.isClosed(); i++) {
        long extent = chunk * ChunkRow.EXTENTS + i;
        attempts.run(call, () -> files.fold(call, node, extent));
      }
    } finally {
      node.unpin();
    }
  }

  boolean isClosed() {
    return queue.isClosed();
  }

  void awaitIdle() {
    queue.awaitIdle();
  }

  /// Asks the work under way to end.
  void close() {
    queue.close();
  }

  void join() {
    Objects.requireNonNull(task, "not started").join();
  }
}
