package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import zerofs.codec.ObjectId;
import zerofs.fs.FsException;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.objectstore.StorageException;

/// What stored rows say about the objects that hold file data, against what chunks refer to.
final class SegmentAccounts {
  private final Map<ByteBuffer, SegmentUsage> referred = new HashMap<>();
  private int rows;

  /// Every object that is referred to has a row, which counts at least what is referred to, and at
  /// most what it holds.
  ///
  /// @return objects that have a row
  static int check(Volume volume, String what) throws FsException {
    SegmentAccounts accounts = new SegmentAccounts();
    accounts.compare(volume, what);
    return accounts.rows;
  }

  private void compare(Volume volume, String what) throws FsException {
    volume.rows.scanStored(
        RowKeys.chunk(0, 0),
        RowKeys.endOf(RowKeys.CHUNK),
        (key, value) -> {
          refer(value);
          return true;
        });
    volume.rows.scanStored(
        new byte[] {RowKeys.SEGMENT},
        RowKeys.endOf(RowKeys.SEGMENT),
        (key, value) -> {
          SegmentUsage usage = usage(value);
          SegmentUsage least = referred.remove(ByteBuffer.wrap(key.clone()));
          assertThat(usage.references())
              .as(what + ": frames that are referred to")
              .isGreaterThanOrEqualTo(least == null ? 0 : least.references());
          assertThat(usage.bytes())
              .as(what + ": their bytes")
              .isBetween(least == null ? 0 : least.bytes(), usage.total());
          rows++;
          return true;
        });
    assertThat(referred).as(what + ": objects without a row").isEmpty();
  }

  private static SegmentUsage usage(byte[] value) {
    try {
      return SegmentUsage.decode(value);
    } catch (StorageException e) {
      throw new AssertionError(e);
    }
  }

  private void refer(byte[] value) {
    ChunkRow row;
    try {
      row = ChunkRowFormat.decode(value);
    } catch (StorageException e) {
      throw new AssertionError(e);
    }
    for (int i = 0; i < ChunkRow.EXTENTS; i++) {
      ExtentState state = row.extent(i);
      if (state.base() == ExtentState.Base.FRAME) {
        refer(state.frame());
      }
      for (Patch each : state.patches()) {
        refer(each.frame());
      }
    }
  }

  private void refer(FrameRef frame) {
    ObjectId object = frame.object();
    referred.merge(
        ByteBuffer.wrap(RowKeys.segment(object)),
        new SegmentUsage(1, frame.storedBytes(), 0, 0),
        SegmentUsage::plus);
  }
}
