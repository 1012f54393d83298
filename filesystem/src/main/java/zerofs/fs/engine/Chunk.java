package zerofs.fs.engine;

import org.jspecify.annotations.Nullable;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.page.Page;

/// 64 extents of a file in memory: their pages, and their resolved row when it is known. Guarded by
/// the lock of its inode.
final class Chunk {
  private final FileData file;
  private final long index;
  private final @Nullable Page[] pages = new Page[ChunkRow.EXTENTS];
  private @Nullable ChunkRow row;
  private int pageCount;

  /// Bit per page: read or written since the last look of the clock. Raced on: it is a hint.
  private long referenced;

  /// Calls that missed some of it and have not looked again.
  private int pins;

  Chunk(FileData file, long index) {
    this.file = file;
    this.index = index;
  }

  FileData file() {
    return file;
  }

  long index() {
    return index;
  }

  @Nullable Page page(int at) {
    return pages[at];
  }

  void setPage(int at, @Nullable Page page) {
    pageCount += (page == null ? 0 : 1) - (pages[at] == null ? 0 : 1);
    pages[at] = page;
    referenced |= 1L << at;
  }

  int pageCount() {
    return pageCount;
  }

  void touch(int at) {
    if ((referenced & 1L << at) == 0) {
      referenced |= 1L << at;
    }
  }

  long takeReferenced() {
    long was = referenced;
    referenced = 0;
    return was;
  }

  /// Keeps it, and all pages it has or gets, in memory.
  void pin() {
    pins++;
  }

  void unpin() {
    pins--;
  }

  boolean isPinned() {
    return pins > 0;
  }

  /// What is stored of its extents, with all cuts applied; null = not known.
  @Nullable ChunkRow row() {
    return row;
  }

  void setRow(@Nullable ChunkRow newRow) {
    row = newRow;
  }
}
