package zerofs.lsm;

import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StorageException;

/// How rows of one key combine. Pure; any thread.
public interface RowMerger {
  /// `newer` over `older`: associative. What it drops for good it may account for in `side`.
  byte[] merge(byte[] key, byte[] newer, byte[] older, SideRows side)
      throws StorageException.Corrupt;

  /// What stays of a row when nothing older exists; null = nothing.
  byte @Nullable [] bottom(byte[] key, byte[] value) throws StorageException.Corrupt;

  /// Whether this value hides everything older, so that a lookup may stop.
  boolean hidesOlder(byte[] key, byte[] value);

  /// Receives rows that a merge makes. Their keys sort after all others, so that they can be added
  /// to the output of the merge that made them.
  @FunctionalInterface
  interface SideRows {
    /// For merges whose output is only read.
    SideRows NONE = (key, value) -> {};

    void add(byte[] key, byte[] value);
  }
}
