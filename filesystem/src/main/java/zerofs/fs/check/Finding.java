package zerofs.fs.check;

import java.util.Locale;

/// Something that is wrong with a volume.
///
/// @param text a sentence that names the object, the row or the inode
public record Finding(Kind kind, String text) {
  /// What can be wrong. (docs/FSCK.md has what each means.)
  public enum Kind {
    // Objects.
    MANIFEST_DAMAGED,
    MANIFEST_MISSING,
    MANIFEST_CONTRADICTS,
    LOG_BROKEN,
    SST_DAMAGED,
    SEGMENT_DAMAGED,
    SEGMENT_MISSING,
    FRAME_DAMAGED,
    FRAME_WRONG,
    FRAME_SHARED,
    // Rows.
    ROWS_UNREADABLE,
    ROW_UNKNOWN,
    ROW_DAMAGED,
    // The tree.
    ROOT_MISSING,
    ENTRY_NAME,
    ENTRY_DANGLING,
    ENTRY_TYPE,
    ENTRY_COOKIE,
    ENTRY_NO_DIRECTORY,
    ENTRY_DUPLICATE,
    INDEX_WRONG,
    DIRECTORY_NAMED_TWICE,
    DIRECTORY_LOOP,
    DIRECTORY_PARENT,
    DIRECTORY_ENTRIES,
    INODE_LOST,
    INODE_LINKS,
    INODE_NUMBER,
    INODE_SIZE,
    ORPHAN_WRONG,
    // File data.
    GUESSED_WRONG,
    CHUNK_NO_FILE,
    CHUNK_BEYOND_END,
    EXTENT_COUNT,
    DATA_UNREADABLE,
    // Accounting.
    USAGE_WRONG,
    ACCOUNT_WRONG;

    /// As reports name it.
    public String id() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }
}
