package zerofs.fs.engine;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FsException;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;

/// Removes inodes without names: those that were too large to go in one commit, and those that were
/// open when they lost the last one. The ORPHAN row of each stays until it is done, so the work
/// goes on over restarts.
final class Reaper {
  private final Tasks tasks;
  private final BackgroundQueue<Long> queue;
  private Tasks.@Nullable Task task;

  Reaper(Tasks tasks) {
    this.tasks = tasks;
    queue = new BackgroundQueue<>(tasks, "reaper", Integer.MAX_VALUE);
  }

  /// Asks for an inode to be removed. Any lock may be held.
  void add(long inode) {
    queue.add(inode);
  }

  void start(InodeTable inodes, Setattr setattr, Namespace namespace, Attempts attempts) {
    task =
        queue.start(
            inode -> {
              try {
                reap(inodes, setattr, namespace, attempts, inode);
              } catch (FsException e) {
                // Gone already, or the volume is closing: the ORPHAN row stays and the next start
                // tries again.
                tasks.yieldPoint();
              }
            });
  }

  /// Removes one, in steps if it is large.
  private static void reap(
      InodeTable inodes, Setattr setattr, Namespace namespace, Attempts attempts, long inode)
      throws FsException {
    InodeNode node = inodes.pinAny(inode, true);
    try {
      Call call = Call.waiting(Caller.ROOT).asOpened();
      if (Files.isHuge(node.loadedRow())) {
        attempts.run(call, () -> setattr.set(call, node, SetAttributes.ofSize(0)));
      }
      attempts.run(call, () -> remove(namespace, call, node));
    } finally {
      node.unpin();
    }
  }

  private static long remove(Namespace namespace, Call call, InodeNode node) throws FsException {
    try (LockSet _ = LockSet.exclusive(node)) {
      Inode row = node.loadedRow();
      boolean due = row != Generation.REMOVED && row.nlink == 0 && node.opens() == 0;
      return due ? namespace.removeOrphan(call, node) : 0;
    }
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
