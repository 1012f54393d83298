package zerofs.fs.extent;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// What one row of the tree says of the 64 extents of one chunk of a file. Immutable.
///
/// Rows in newer layers are partial: they speak of some extents and let older rows show through.
/// [#merge] combines two layers; merging all layers, newest first or in any grouping, gives the
/// truth (it is associative). A *resolved* row is merged over all layers: what it says nothing of
/// is a hole.
///
/// Within one generation a row says cut, then page: a clip, with frames or patches over it.
public final class ChunkRow {
  /// Extents of a chunk.
  public static final int EXTENTS = 64;

  /// Says nothing.
  public static final ChunkRow EMPTY = new ChunkRow(filled(ExtentState.NONE));

  private final ExtentState[] extents;

  private ChunkRow(ExtentState[] extents) {
    this.extents = extents;
  }

  private static ExtentState[] filled(ExtentState state) {
    ExtentState[] all = new ExtentState[EXTENTS];
    Arrays.fill(all, state);
    return all;
  }

  /// A row that cuts everything from byte `from` of the chunk on.
  ///
  /// @param extentBytes bytes of an extent
  public static ChunkRow cutFrom(long from, int extentBytes, long position) {
    Builder builder = new Builder();
    for (int i = (int) (from / extentBytes); i < EXTENTS; i++) {
      long start = (long) i * extentBytes;
      builder.set(i, ExtentState.clip((int) Math.max(0, from - start), position));
    }
    return builder.build();
  }

  public ExtentState extent(int index) {
    return extents[index];
  }

  /// Existing extents of a resolved row, at index `from` or later.
  public int countExisting(int from) {
    int count = 0;
    for (int i = from; i < EXTENTS; i++) {
      if (extents[i].exists()) {
        count++;
      }
    }
    return count;
  }

  public boolean saysNothing() {
    for (ExtentState each : extents) {
      if (!each.saysNothing()) {
        return false;
      }
    }
    return true;
  }

  public boolean needsFold() {
    for (ExtentState each : extents) {
      if (each.needsFold()) {
        return true;
      }
    }
    return false;
  }

  /// `newer` over `older`.
  public static ChunkRow merge(ChunkRow newer, ChunkRow older, DebitSink sink) {
    if (newer == EMPTY) {
      return older;
    }
    if (older == EMPTY) {
      return newer;
    }
    ExtentState[] merged = new ExtentState[EXTENTS];
    for (int i = 0; i < EXTENTS; i++) {
      merged[i] = ExtentState.merge(newer.extents[i], older.extents[i], sink);
    }
    return new ChunkRow(merged);
  }

  /// What stays of a row when nothing older exists; null = nothing.
  public static @Nullable ChunkRow bottom(ChunkRow row) {
    ExtentState[] kept = new ExtentState[EXTENTS];
    boolean any = false;
    for (int i = 0; i < EXTENTS; i++) {
      kept[i] = row.extents[i].bottom();
      any |= !kept[i].saysNothing();
    }
    return any ? new ChunkRow(kept) : null;
  }

  /// Collects the states of one row.
  public static final class Builder {
    private final ExtentState[] extents = filled(ExtentState.NONE);

    public Builder set(int index, ExtentState state) {
      extents[index] = state;
      return this;
    }

    public ChunkRow build() {
      return new ChunkRow(extents.clone());
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ChunkRow row && Arrays.equals(extents, row.extents);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(extents);
  }

  @Override
  public String toString() {
    return Arrays.toString(extents);
  }
}
