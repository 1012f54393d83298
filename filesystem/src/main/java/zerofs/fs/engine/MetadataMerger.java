package zerofs.fs.engine;

import org.jspecify.annotations.Nullable;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.lsm.RowMerger;
import zerofs.objectstore.StorageException;

/// How metadata rows of one key combine: chunk rows by extent, accounting rows add up, of all
/// others the newest wins and an empty value says "removed". A merge that finds an extent in many
/// pieces asks for them to be folded; it waits for nothing.
public final class MetadataMerger implements RowMerger {
  /// Is told of chunks with an extent in too many pieces. Any lock may be held.
  @FunctionalInterface
  public interface Crowded {
    void fold(long inode, long chunk);
  }

  private final Crowded crowded;

  public MetadataMerger(Crowded crowded) {
    this.crowded = crowded;
  }

  @Override
  public byte[] merge(byte[] key, byte[] newer, byte[] older, SideRows side)
      throws StorageException.Corrupt {
    return switch (key[0]) {
      case RowKeys.CHUNK -> {
        DebitSink debits =
            (frame, death) ->
                side.add(
                    RowKeys.segment(frame.object()),
                    new SegmentUsage(-1, -frame.storedBytes(), 0, death).encode());
        ChunkRow merged =
            ChunkRow.merge(ChunkRowFormat.decode(newer), ChunkRowFormat.decode(older), debits);
        if (merged.needsFold()) {
          crowded.fold(RowKeys.first(key), RowKeys.second(key));
        }
        yield ChunkRowFormat.encode(merged);
      }
      case RowKeys.SEGMENT -> SegmentUsage.decode(newer).plus(SegmentUsage.decode(older)).encode();
      default -> newer;
    };
  }

  @Override
  public byte @Nullable [] bottom(byte[] key, byte[] value) throws StorageException.Corrupt {
    return switch (key[0]) {
      case RowKeys.CHUNK -> {
        ChunkRow row = ChunkRow.bottom(ChunkRowFormat.decode(value));
        yield row == null ? null : ChunkRowFormat.encode(row);
      }
      case RowKeys.SEGMENT -> value;
      default -> value.length == 0 ? null : value;
    };
  }

  @Override
  public boolean hidesOlder(byte[] key, byte[] value) {
    return key[0] != RowKeys.CHUNK && key[0] != RowKeys.SEGMENT;
  }
}
