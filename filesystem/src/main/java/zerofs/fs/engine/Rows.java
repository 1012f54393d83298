package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.RowKeys;
import zerofs.lsm.LsmTree;
import zerofs.lsm.Scan;
import zerofs.objectstore.StorageException;

/// Reads metadata rows: from the generations in memory, newest first, then from the tree. Without
/// permission to wait, what is not in memory is a [zerofs.base.Miss].
final class Rows {
  private final Generations generations;
  private final LsmTree tree;

  Rows(Generations generations, LsmTree tree) {
    this.generations = generations;
    this.tree = tree;
  }

  /// Highest commit sequence that these reads show.
  long committedSequence() {
    return generations.sequence();
  }

  /// The value of a row whose newest version wins; null when it does not exist.
  byte @Nullable [] get(byte[] key, boolean mayWait) throws FsException {
    for (Generation each : generations.layers()) {
      byte[] value = each.row(key);
      if (value != null) {
        return value.length == 0 ? null : value;
      }
    }
    return stored(key, mayWait);
  }

  /// The value of a row as far as it is stored, without what generations in memory say.
  byte @Nullable [] stored(byte[] key, boolean mayWait) throws FsException {
    try {
      byte[] value = tree.get(key, mayWait);
      return value == null || value.length == 0 ? null : value;
    } catch (StorageException e) {
      throw failed(e);
    }
  }

  /// The row of an inode; `Generation.REMOVED` when it does not exist.
  Inode inode(long inode, boolean mayWait) throws FsException {
    for (Generation each : generations.layers()) {
      Inode row = each.inode(inode);
      if (row != null) {
        return row;
      }
    }
    byte[] value = stored(RowKeys.inode(inode), mayWait);
    if (value == null) {
      return Generation.REMOVED;
    }
    try {
      return InodeFormat.decode(inode, value);
    } catch (StorageException.Corrupt e) {
      throw failed(e);
    }
  }

  /// Receives rows of a scan.
  @FunctionalInterface
  interface Visitor {
    /// @return whether to go on
    boolean row(byte[] key, byte[] value) throws FsException;
  }

  /// Visits the rows with `from` ≤ key < `to`, ascending, whose newest version wins.
  ///
  /// @return whether the end was reached
  boolean scan(byte[] from, byte[] to, boolean mayWait, Visitor visitor) throws FsException {
    List<Cursor> cursors = new ArrayList<>();
    for (Generation each : generations.layers()) {
      cursors.add(
          new MemoryCursor(each.rows().subMap(from, true, to, false).entrySet().iterator()));
    }
    try {
      cursors.add(new TreeCursor(tree.scan(from, to, mayWait)));
      return merge(cursors, visitor);
    } catch (StorageException e) {
      throw failed(e);
    }
  }

  /// Visits the rows with `from` ≤ key < `to` as far as they are stored.
  void scanStored(byte[] from, byte[] to, Visitor visitor) throws FsException {
    try {
      merge(List.of(new TreeCursor(tree.scan(from, to, true))), visitor);
    } catch (StorageException e) {
      throw failed(e);
    }
  }

  static FsException failed(StorageException e) {
    return switch (e) {
      case StorageException.Fenced _, StorageException.Closed _ ->
          new FsException(FsError.CLOSED, String.valueOf(e.getMessage()), e);
      case StorageException.Unavailable _,
          StorageException.OutcomeUnknown _,
          StorageException.Refused _ ->
          new FsException(FsError.UNAVAILABLE, String.valueOf(e.getMessage()), e);
      case StorageException.Corrupt _, StorageException.Invalid _ ->
          new FsException(FsError.IO, String.valueOf(e.getMessage()), e);
    };
  }

  private static boolean merge(List<Cursor> cursors, Visitor visitor)
      throws FsException, StorageException {
    for (Cursor each : cursors) {
      each.advance();
    }
    while (true) {
      byte[] lowest = null;
      byte[] value = null;
      for (Cursor each : cursors) {
        byte[] key = each.key();
        if (key != null && (lowest == null || Arrays.compareUnsigned(key, lowest) < 0)) {
          lowest = key;
          value = each.value();
        }
      }
      if (lowest == null || value == null) {
        return true;
      }
      for (Cursor each : cursors) {
        byte[] key = each.key();
        if (key != null && Arrays.equals(key, lowest)) {
          each.advance();
        }
      }
      if (value.length > 0 && !visitor.row(lowest, value)) {
        return false;
      }
    }
  }

  /// One sorted source; key() is null at its end.
  private interface Cursor {
    void advance() throws StorageException;

    byte @Nullable [] key();

    byte[] value();
  }

  private static final class MemoryCursor implements Cursor {
    private final Iterator<Map.Entry<byte[], byte[]>> rows;
    private Map.@Nullable Entry<byte[], byte[]> current;

    MemoryCursor(Iterator<Map.Entry<byte[], byte[]>> rows) {
      this.rows = rows;
    }

    @Override
    public void advance() {
      current = rows.hasNext() ? rows.next() : null;
    }

    @Override
    public byte @Nullable [] key() {
      return current == null ? null : current.getKey();
    }

    @Override
    public byte[] value() {
      return current == null ? new byte[0] : current.getValue();
    }
  }

  private static final class TreeCursor implements Cursor {
    private final Scan scan;
    private boolean valid;

    TreeCursor(Scan scan) {
      this.scan = scan;
    }

    @Override
    public void advance() throws StorageException {
      valid = scan.next();
    }

    @Override
    public byte @Nullable [] key() {
      return valid ? scan.key() : null;
    }

    @Override
    public byte[] value() {
      return scan.value();
    }
  }
}
