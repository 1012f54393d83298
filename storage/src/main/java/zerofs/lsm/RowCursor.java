package zerofs.lsm;

import zerofs.objectstore.StorageException;

/// One sorted source of rows. Starts before its first row. One thread.
interface RowCursor {
  /// Moves on; false at the end.
  boolean next() throws StorageException;

  /// Key of the current row. Not to be changed.
  byte[] key();

  byte[] value();

  /// The rows of a packed run whose key is at least `from`.
  static RowCursor of(SortedRows rows, byte[] from) throws StorageException.Corrupt {
    return new SortedRowsCursor(rows, from);
  }
}
