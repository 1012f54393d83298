package zerofs.lsm;

import java.util.Arrays;
import zerofs.objectstore.StorageException;

/// Rows of a range in ascending order, over all layers as they were when the scan began. Starts
/// before the first row. One thread.
public final class Scan {
  private final RowCursor cursor;
  private final byte[] to;
  private boolean ended;

  Scan(RowCursor cursor, byte[] toExclusive) {
    this.cursor = cursor;
    this.to = toExclusive;
  }

  /// Moves on; false at the end of the range. Throws Miss when the scan may not wait and a block is
  /// not in memory.
  public boolean next() throws StorageException {
    if (ended || !cursor.next() || Arrays.compareUnsigned(cursor.key(), to) >= 0) {
      ended = true;
      return false;
    }
    return true;
  }

  /// Key of the current row. Not to be changed.
  public byte[] key() {
    return cursor.key();
  }

  public byte[] value() {
    return cursor.value();
  }
}
