package zerofs.lsm;

import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StorageException;

/// Rows of stored log objects that are not in an SST yet, with a filter.
///
/// @param lowest lowest log position whose rows it holds
/// @param highest highest one
/// @param sequence last commit sequence in it
/// @param level how often it was merged
record MemoryRun(
    long lowest, long highest, long sequence, int level, SortedRows rows, BloomFilter filter) {
  static MemoryRun of(long lowest, long highest, long sequence, int level, SortedRows rows)
      throws StorageException {
    BloomFilter filter = BloomFilter.ofKeys(rows.rows());
    RowCursor cursor = RowCursor.of(rows, new byte[0]);
    while (cursor.next()) {
      filter.add(BloomFilter.hash(cursor.key()));
    }
    return new MemoryRun(lowest, highest, sequence, level, rows, filter);
  }

  byte @Nullable [] get(byte[] key, long hash) throws StorageException.Corrupt {
    return filter.mayContain(hash) ? rows.get(key) : null;
  }
}
