package zerofs.fs.check;

import java.util.BitSet;
import java.util.Map;
import zerofs.codec.ObjectId;
import zerofs.fs.check.Finding.Kind;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;
import zerofs.lsm.LsmTree;
import zerofs.lsm.Scan;
import zerofs.objectstore.StorageException;

/// Names the files, and the bytes of them, that lie in frames that can't be read.
final class LostData {
  private final LsmTree tree;
  private final Nodes nodes;
  private final Map<ObjectId, BitSet> unreadable;
  private final Findings findings;

  /// The stretch of extents found last, not told yet.
  private long inode;

  private long from;
  private long to;

  LostData(LsmTree tree, Nodes nodes, Map<ObjectId, BitSet> unreadable, Findings findings) {
    this.tree = tree;
    this.nodes = nodes;
    this.unreadable = unreadable;
    this.findings = findings;
  }

  void find() throws StorageException {
    Scan scan = tree.scan(RowKeys.chunk(0, 0), RowKeys.endOf(RowKeys.CHUNK), true);
    while (scan.next()) {
      ChunkRow row;
      try {
        row = ChunkRow.bottom(ChunkRowFormat.decode(scan.value()));
      } catch (StorageException.Corrupt e) {
        continue; // Told already.
      }
      for (int i = 0; row != null && i < ChunkRow.EXTENTS; i++) {
        if (isLost(row.extent(i))) {
          extent(RowKeys.first(scan.key()), RowKeys.second(scan.key()) * ChunkRow.EXTENTS + i);
        }
      }
    }
    tell();
  }

  private boolean isLost(ExtentState state) {
    boolean lost = state.base() == ExtentState.Base.FRAME && isLost(state.frame());
    for (Patch each : state.patches()) {
      lost |= isLost(each.frame());
    }
    return lost;
  }

  private boolean isLost(FrameRef frame) {
    BitSet frames = unreadable.get(frame.object());
    return frames != null && frames.get(frame.frame());
  }

  private void extent(long of, long extent) throws StorageException {
    if (of != inode || extent != to) {
      tell();
      inode = of;
      from = extent;
    }
    to = extent + 1;
  }

  private void tell() throws StorageException {
    if (from < to) {
      findings.add(
          Kind.DATA_UNREADABLE,
          nodes.path(tree, inode)
              + ": bytes "
              + from * Inode.EXTENT_BYTES
              + " to "
              + (to * Inode.EXTENT_BYTES - 1)
              + " can't be read, or what they lie in can't be checked");
    }
    from = to;
  }
}
