package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.page.Page;

/// What a stored generation means for the files in memory: their rows learn where the bytes lie
/// now, pages become clean, and what was replaced meanwhile is freed.
final class FileSettlement {
  private final InodeTable inodes;

  FileSettlement(InodeTable inodes) {
    this.inodes = inodes;
  }

  /// The generation's rows are in the tree already, so what is read from there and settled again is
  /// the same: merging a row over itself changes nothing.
  void settle(Generation generation, Map<Generation.ChunkId, ChunkRow> chunks) {
    Map<Long, List<Page>> pages = new HashMap<>();
    for (Page page : generation.pages()) {
      if (!page.isFreed()) {
        pages.computeIfAbsent(page.inode(), _ -> new ArrayList<>()).add(page);
      }
    }
    Map<Long, List<Long>> rows = new HashMap<>();
    chunks
        .keySet()
        .forEach(
            chunk ->
                rows.computeIfAbsent(chunk.inode(), _ -> new ArrayList<>()).add(chunk.chunk()));
    for (long inode : generation.files()) {
      InodeNode node = inodes.pinIfPresent(inode);
      if (node == null) {
        pages.getOrDefault(inode, List.of()).forEach(Page::free);
        continue;
      }
      try (LockSet _ = LockSet.exclusive(node)) {
        FileData data = node.data();
        if (data == null) {
          pages.getOrDefault(inode, List.of()).forEach(Page::free);
          continue;
        }
        for (long index : rows.getOrDefault(inode, List.of())) {
          settleRow(generation, data, index, chunks);
        }
        for (Page page : pages.getOrDefault(inode, List.of())) {
          settlePage(generation, data, page);
        }
        data.settled(generation.position());
      } finally {
        node.unpin();
      }
    }
  }

  private static void settleRow(
      Generation generation, FileData data, long index, Map<Generation.ChunkId, ChunkRow> chunks) {
    data.overtake(index);
    Chunk chunk = data.chunk(index);
    ChunkRow known = chunk == null ? null : chunk.row();
    ChunkRow delta = chunks.get(new Generation.ChunkId(data.node().inode(), index));
    if (chunk == null || known == null || delta == null) {
      return;
    }
    ChunkRow merged = ChunkRow.merge(delta, known, DebitSink.NONE);
    ChunkRow row = ChunkRow.bottom(data.withPendingCuts(index, merged, generation.position()));
    chunk.setRow(row == null ? ChunkRow.EMPTY : row);
  }

  private static void settlePage(Generation generation, FileData data, Page page) {
    Chunk chunk = data.chunk(page.extent() / ChunkRow.EXTENTS);
    Page current = chunk == null ? null : chunk.page((int) (page.extent() % ChunkRow.EXTENTS));
    if (current == page) {
      page.setGeneration(PageCache.CLEAN);
      return;
    }
    page.free();
    if (current != null && current.generation() == generation.position()) {
      current.setGeneration(PageCache.CLEAN); // It stands for the page that was encoded.
    }
  }
}
