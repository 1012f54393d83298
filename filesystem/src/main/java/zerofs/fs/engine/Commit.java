package zerofs.fs.engine;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;

/// One commit, as its operation sees it inside the gate: what it changes goes to the open
/// generation and, when there is a journal, into the redo record. One task.
///
/// Pages and clips are changed through the generation itself; [#write] and [#cut] say here what
/// they come from.
final class Commit {
  private final Generation open;
  private final SpaceUsage usage;
  private final @Nullable RedoRecord redo;

  /// @param redo null = none is wanted
  Commit(Generation open, SpaceUsage usage, @Nullable RedoRecord redo) {
    this.open = open;
    this.usage = usage;
    this.redo = redo;
  }

  /// The generation that takes the changes.
  Generation open() {
    return open;
  }

  /// Puts a row; an empty value removes it.
  void put(byte[] key, byte[] value) {
    open.put(key, value);
    if (redo != null) {
      redo.row(key, value);
    }
  }

  void put(Inode inode) {
    open.put(inode);
    if (redo != null) {
      redo.inode(inode);
    }
  }

  /// Puts a file whose data changed.
  void put(Inode before, Inode after) {
    put(after);
    if (before.guessed != after.guessed) {
      put(RowKeys.guessed(after.inode), after.guessed ? new byte[] {1} : new byte[0]);
    }
  }

  void remove(Inode inode) {
    open.remove(inode.inode);
    if (redo != null) {
      redo.removed(inode.inode);
    }
    if (inode.guessed) {
      put(RowKeys.guessed(inode.inode), new byte[0]);
    }
  }

  /// Says that bytes are written.
  ///
  /// @param flags of a redo record's WRITE
  /// @param bytes from its position to its limit, which it may leave; they stay until the operation
  ///   is answered
  void write(long inode, long offset, int flags, ByteBuffer bytes) {
    if (redo != null) {
      redo.write(inode, offset, flags, bytes.duplicate());
    }
  }

  /// Says that a file is cut.
  void cut(long inode, long before, long after) {
    if (redo != null) {
      redo.cut(inode, before, after);
    }
  }

  /// Books what was charged before.
  void usage(long bytes, long inodes) {
    usage.commit(bytes, inodes);
    if (redo != null && (bytes != 0 || inodes != 0)) {
      redo.usage(bytes, inodes);
    }
  }
}
