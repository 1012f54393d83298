package zerofs.wire.nfs3;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import zerofs.wire.xdr.XdrWriter;

/// nfs_fh3: `version 4 | volume id 16 | inode 8`, big-endian. Inode numbers are never used twice,
/// so a handle never comes to mean another file.
public record FileHandle(String volumeId, long inode) {
  public static final int BYTES = 28;

  /// Longest handle that the protocol allows.
  public static final int BYTES_MAX = 64;

  private static final int VERSION = 1;

  public void encode(XdrWriter out) {
    out.int32(BYTES).int32(VERSION).fixed(HexFormat.of().parseHex(volumeId)).int64(inode);
  }

  /// The handle in `bytes`, or null when they are none of ours.
  public static @Nullable FileHandle decode(byte[] bytes) {
    if (bytes.length != BYTES) {
      return null;
    }
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (in.getInt() != VERSION) {
      return null;
    }
    return new FileHandle(HexFormat.of().formatHex(bytes, 4, 20), in.getLong(20));
  }
}
