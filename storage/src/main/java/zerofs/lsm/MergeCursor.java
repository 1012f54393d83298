package zerofs.lsm;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StorageException;

/// Merges sorted sources, newest first, into one: rows of one key are combined. Rows that merges
/// make on the side come at their place, after all others.
///
/// With `bottom`, nothing older exists than the oldest source: what a row then no longer needs is
/// dropped.
final class MergeCursor implements RowCursor {
  private final List<Source> sources = new ArrayList<>();
  private final RowMerger merger;
  private final boolean bottom;
  private final RowMerger.SideRows sink;
  private final NavigableMap<byte[], byte[]> side = new TreeMap<>(Arrays::compareUnsigned);
  private byte[] key = {};
  private byte[] value = {};

  private static final class Source {
    private final RowCursor cursor;
    private boolean valid;

    Source(RowCursor cursor) throws StorageException {
      this.cursor = cursor;
      this.valid = cursor.next();
    }
  }

  /// @param keepsSide whether side rows are part of the output (a flush or compaction) or discarded
  MergeCursor(List<RowCursor> cursors, RowMerger merger, boolean bottom, boolean keepsSide)
      throws StorageException {
    for (RowCursor each : cursors) {
      sources.add(new Source(each));
    }
    this.merger = merger;
    this.bottom = bottom;
    this.sink = keepsSide ? this::addSide : RowMerger.SideRows.NONE;
  }

  private void addSide(byte[] sideKey, byte[] sideValue) {
    byte[] before = side.get(sideKey);
    try {
      byte[] merged =
          before == null
              ? sideValue
              : merger.merge(sideKey, sideValue, before, RowMerger.SideRows.NONE);
      side.put(sideKey, merged);
    } catch (StorageException.Corrupt e) {
      throw new IllegalStateException("a side row that was just made does not merge", e);
    }
  }

  @Override
  public boolean next() throws StorageException {
    while (true) {
      byte[] lowest = lowest();
      if (lowest == null) {
        return false;
      }
      byte[] merged = take(lowest);
      byte[] kept = bottom ? merger.bottom(lowest, merged) : merged;
      if (kept != null) {
        key = lowest;
        value = kept;
        return true;
      }
    }
  }

  private byte @Nullable [] lowest() {
    byte[] lowest = side.isEmpty() ? null : side.firstKey();
    for (Source each : sources) {
      if (each.valid && (lowest == null || Arrays.compareUnsigned(each.cursor.key(), lowest) < 0)) {
        lowest = each.cursor.key();
      }
    }
    return lowest;
  }

  private byte[] take(byte[] wanted) throws StorageException {
    byte[] merged = side.remove(wanted);
    for (Source each : sources) {
      if (each.valid && Arrays.equals(each.cursor.key(), wanted)) {
        byte[] older = each.cursor.value();
        merged = merged == null ? older : merger.merge(wanted, merged, older, sink);
        each.valid = each.cursor.next();
      }
    }
    return java.util.Objects.requireNonNull(merged);
  }

  @Override
  public byte[] key() {
    return key;
  }

  @Override
  public byte[] value() {
    return value;
  }
}
