package zerofs.lsm;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Walks one sorted run of tables: for scans through the block cache; for compaction in large reads
/// that leave the cache alone, one cursor of several.
final class TableCursor implements RowCursor {
  private static final int COMPACTION_READ_BYTES = 1 << 20;

  private final Tables tables;
  private final List<TableDescriptor> run;
  private final boolean mayWait;

  /// Bytes of rows that a compaction's read may bring; 0 for a scan.
  private final long readAheadBytes;

  private final LsmTree.Pause pause;
  private final byte[] from;
  private final Deque<Block> ahead = new ArrayDeque<>();
  private int tableIndex = -1;
  private @Nullable Table table;
  private int blockIndex;
  private Block.@Nullable Cursor cursor;

  private TableCursor(
      Tables tables,
      List<TableDescriptor> run,
      byte[] from,
      boolean mayWait,
      long readAheadBytes,
      LsmTree.Pause pause) {
    this.tables = tables;
    this.run = run;
    this.from = from;
    this.mayWait = mayWait;
    this.readAheadBytes = readAheadBytes;
    this.pause = pause;
  }

  static TableCursor ofScan(
      Tables tables, List<TableDescriptor> run, byte[] from, boolean mayWait) {
    return new TableCursor(tables, run, from, mayWait, 0, LsmTree.Pause.NONE);
  }

  /// Of all rows.
  ///
  /// @param readAheadBytes of rows that a read may bring
  /// @param pause taken before each read
  static TableCursor ofCompaction(
      Tables tables, List<TableDescriptor> run, long readAheadBytes, LsmTree.Pause pause) {
    return new TableCursor(tables, run, new byte[0], true, readAheadBytes, pause);
  }

  @Override
  public boolean next() throws StorageException {
    while (true) {
      if (cursor != null && cursor.next()) {
        return true;
      }
      if (!nextBlock()) {
        return false;
      }
    }
  }

  private boolean nextBlock() throws StorageException {
    boolean starts = cursor == null && table == null;
    if (table != null) {
      blockIndex++;
    }
    while (table == null || blockIndex >= table.blocks().size()) {
      if (!nextTable()) {
        cursor = null;
        return false;
      }
    }
    Block block = load(java.util.Objects.requireNonNull(table));
    cursor = block.new Cursor();
    if (starts) {
      cursor.seek(from);
    }
    return true;
  }

  private boolean nextTable() throws StorageException {
    while (++tableIndex < run.size()) {
      TableDescriptor descriptor = run.get(tableIndex);
      byte[] last = HexFormat.of().parseHex(descriptor.lastKey());
      if (Arrays.compareUnsigned(last, from) >= 0) {
        pause.beforeRead();
        Cause cause = readAheadBytes > 0 ? Cause.COMPACTION : Cause.METADATA;
        Table opened = tables.table(descriptor, mayWait, cause);
        table = opened;
        blockIndex = opened.blockOf(from);
        return true;
      }
    }
    return false;
  }

  private Block load(Table from) throws StorageException {
    if (readAheadBytes == 0) {
      return tables.block(from, blockIndex, mayWait);
    }
    if (ahead.isEmpty()) {
      pause.beforeRead();
      ahead.addAll(
          tables.read(from, blockIndex, COMPACTION_READ_BYTES, readAheadBytes, Cause.COMPACTION));
    }
    return ahead.removeFirst();
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
