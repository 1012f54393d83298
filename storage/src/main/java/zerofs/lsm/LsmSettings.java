package zerofs.lsm;

import zerofs.codec.Compression;

/// @param tableBytesMax an SST is ended when its blocks are this large
/// @param blockCacheBytes memory for decoded blocks; as much again for filters and indexes
/// @param fanIn runs of about one size are merged when there are as many
/// @param runsMax most sorted runs in the store that a lookup may have to ask
/// @param compression of blocks
public record LsmSettings(
    int tableBytesMax, long blockCacheBytes, int fanIn, int runsMax, Compression compression) {
  public static LsmSettings standard(long blockCacheBytes) {
    return new LsmSettings(16 << 20, blockCacheBytes, 4, 12, new Compression.Zstd(3));
  }
}
