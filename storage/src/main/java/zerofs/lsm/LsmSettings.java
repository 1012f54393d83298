package zerofs.lsm;

import zerofs.codec.Compression;

/// @param tableBytesMax an SST is ended when its blocks are this large
/// @param blockCacheBytes memory for decoded blocks; as much again for filters and indexes
/// @param fanIn runs of about one size are merged when there are as many
/// @param runsMax most sorted runs in the store that a lookup may have to ask
/// @param compression of blocks
public record LsmSettings(
    int tableBytesMax, long blockCacheBytes, int fanIn, int runsMax, Compression compression) {
  private static final int TABLE_BYTES_MAX = 16 << 20;
  private static final int TABLE_BYTES_MIN = 2 << 20;

  /// Tables are made in memory, and filters and indexes of 32 always stay there: so with little of
  /// it they are smaller, and there are more of them.
  public static LsmSettings standard(long blockCacheBytes) {
    int tableBytes = Math.clamp(blockCacheBytes * 2 / 3, TABLE_BYTES_MIN, TABLE_BYTES_MAX);
    return new LsmSettings(tableBytes, blockCacheBytes, 4, 12, new Compression.Zstd(3));
  }
}
