package zerofs.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.zip.CRC32C;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StorageException.Invalid.Reason;

/// The object `volume`: what the prefix is, readable without the password.
///
/// ```text
///   0       4         6          8        16         24         32         48        56
///   | magic | version | reserved | compat | roCompat | incompat | volumeId | created | crc32c |
/// ```
///
/// Little-endian. Feature bits as ext4 has them: an unknown `incompat` bit refuses, an unknown
/// `roCompat` bit refuses to write, an unknown `compat` bit is ignored. Spec: docs/FORMAT.md
/// "Volume".
///
/// @param volumeId 16 bytes in hexadecimal
/// @param createdWallNanos when it was made
public record VolumeObject(
    long compat, long roCompat, long incompat, String volumeId, long createdWallNanos) {
  /// "ZFSV".
  public static final int MAGIC = 0x5653465a;

  /// The key of the object.
  public static final String KEY = "volume";

  static final int VERSION = 1;
  static final int BYTES = 60;

  public byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).putShort((short) VERSION).putShort((short) 0);
    out.putLong(compat).putLong(roCompat).putLong(incompat);
    out.put(HexFormat.of().parseHex(volumeId)).putLong(createdWallNanos);
    out.putInt(crc(out.array()));
    return out.array();
  }

  public static VolumeObject decode(ByteBuffer object) throws StorageException {
    ByteBuffer in = object.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < BYTES || in.getInt(0) != MAGIC) {
      throw new StorageException.Invalid(
          Reason.NOT_A_VOLUME, "the object 'volume' there is not one of a ZeroFS volume");
    }
    byte[] all = new byte[BYTES];
    in.get(0, all);
    if (crc(all) != in.getInt(BYTES - 4)) {
      throw new StorageException.Corrupt("the object 'volume' is damaged: its checksum is wrong");
    }
    int version = Short.toUnsignedInt(in.getShort(4));
    long incompat = in.getLong(24);
    long roCompat = in.getLong(16);
    if (version > VERSION || incompat != 0 || roCompat != 0) {
      throw new StorageException.Invalid(
          Reason.FORMAT_TOO_NEW,
          "the volume has format version "
              + version
              + ", features incompat=0x"
              + Long.toHexString(incompat)
              + " ro-compat=0x"
              + Long.toHexString(roCompat)
              + ", which this program does not know: use a newer release");
    }
    return new VolumeObject(
        in.getLong(8), roCompat, incompat, HexFormat.of().formatHex(all, 32, 48), in.getLong(48));
  }

  private static int crc(byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(Arrays.copyOf(bytes, BYTES - 4));
    return (int) crc.getValue();
  }
}
