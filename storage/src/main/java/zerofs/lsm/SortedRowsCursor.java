package zerofs.lsm;

import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StorageException;

/// Walks a packed run.
final class SortedRowsCursor implements RowCursor {
  private final SortedRows rows;
  private int block;
  private Block.@Nullable Cursor cursor;

  SortedRowsCursor(SortedRows rows, byte[] from) throws StorageException.Corrupt {
    this.rows = rows;
    block = rows.blockOf(from);
    if (block < rows.blocks().size()) {
      cursor = rows.blocks().get(block).new Cursor();
      cursor.seek(from);
    }
  }

  @Override
  public boolean next() throws StorageException.Corrupt {
    while (cursor != null) {
      if (cursor.next()) {
        return true;
      }
      block++;
      cursor = block < rows.blocks().size() ? rows.blocks().get(block).new Cursor() : null;
    }
    return false;
  }

  @Override
  public byte[] key() {
    return java.util.Objects.requireNonNull(cursor).key();
  }

  @Override
  public byte[] value() {
    return java.util.Objects.requireNonNull(cursor).value();
  }
}
