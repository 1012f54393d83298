package zerofs.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.zip.CRC32C;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import zerofs.base.Randomness;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StorageException.Invalid.Reason;

/// Small metadata objects (manifests): a plain header, then a sealed payload.
///
/// ```text
///   0       4      5          6         8          24      40             44        48
///   | magic | kind | reserved | version | volumeId | nonce | payloadBytes | crc32c | payload
/// ```
///
/// Little-endian. The crc covers the header before it. Payload: XChaCha20-Poly1305 under HKDF(data
/// key; salt = nonce; kind ‖ name), AAD = the header before the crc. The nonce is random, so it
/// also tells whose object a name holds. Spec: docs/FORMAT.md "Envelope".
public final class ObjectEnvelope {
  /// "ZFSE".
  public static final int MAGIC = 0x4553465a;

  public static final int HEADER_BYTES = 48;

  /// Kind of a manifest.
  public static final int MANIFEST = 1;

  private static final int PAYLOAD_BYTES_MAX = 64 << 20;
  private static final int TAG_BYTES = 16;

  private final Keys keys;
  private final byte[] volumeId;
  private final Randomness randomness;

  public ObjectEnvelope(Keys keys, byte[] volumeId, Randomness randomness) {
    this.keys = keys;
    this.volumeId = volumeId.clone();
    this.randomness = randomness;
  }

  /// Seals a payload as the object `name`.
  public byte[] seal(String name, int kind, int version, byte[] payload) {
    byte[] nonce = new byte[16];
    randomness.secret(nonce);
    ByteBuffer out =
        ByteBuffer.allocate(HEADER_BYTES + payload.length + TAG_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).put((byte) kind).put((byte) 0).putShort((short) version);
    out.put(volumeId).put(nonce).putInt(payload.length);
    byte[] header = Arrays.copyOf(out.array(), out.position());
    out.putInt(crc(header));
    try {
      cipher(Cipher.ENCRYPT_MODE, name, kind, nonce, header).doFinal(ByteBuffer.wrap(payload), out);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("sealing " + name + " failed", e);
    }
    return out.array();
  }

  /// Opens the object `name`.
  ///
  /// @param versionMax newest version of this kind that the caller understands
  /// @return its payload
  public byte[] open(String name, int kind, int versionMax, ByteBuffer object)
      throws StorageException {
    ByteBuffer in = object.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < HEADER_BYTES || in.getInt(0) != MAGIC) {
      throw new StorageException.Corrupt(
          name + " of " + in.remaining() + " bytes is not an object of a ZeroFS volume");
    }
    byte[] header = new byte[HEADER_BYTES - 4];
    in.get(0, header);
    if (crc(header) != in.getInt(HEADER_BYTES - 4)) {
      throw new StorageException.Corrupt(name + ": the header's checksum does not fit");
    }
    int version = Short.toUnsignedInt(in.getShort(6));
    if (version > versionMax) {
      throw new StorageException.Invalid(
          Reason.FORMAT_TOO_NEW,
          name
              + " has format version "
              + version
              + ", this program knows up to "
              + versionMax
              + ": use a newer release");
    }
    byte[] owner = new byte[16];
    in.get(8, owner);
    if (!Arrays.equals(owner, volumeId) || in.get(4) != kind) {
      throw new StorageException.Corrupt(name + " is an object of another volume or kind");
    }
    int payloadBytes = in.getInt(40);
    if (payloadBytes < 0
        || payloadBytes > PAYLOAD_BYTES_MAX
        || in.remaining() != HEADER_BYTES + payloadBytes + TAG_BYTES) {
      throw new StorageException.Corrupt(
          name + " has " + in.remaining() + " bytes, its header says " + payloadBytes);
    }
    byte[] nonce = new byte[16];
    in.get(24, nonce);
    ByteBuffer payload = ByteBuffer.allocate(payloadBytes);
    try {
      cipher(Cipher.DECRYPT_MODE, name, kind, nonce, header)
          .doFinal(in.position(HEADER_BYTES), payload);
    } catch (GeneralSecurityException e) {
      throw new StorageException.Corrupt(name + " fails its authentication", e);
    }
    return payload.array();
  }

  private Cipher cipher(int mode, String name, int kind, byte[] nonce, byte[] header)
      throws GeneralSecurityException {
    byte[] context = ((char) kind + name).getBytes(StandardCharsets.UTF_8);
    byte[] key = keys.derive("zerofs envelope v1", nonce, context);
    Cipher cipher = Cipher.getInstance("ChaCha20-Poly1305");
    SecretKeySpec subKey = new SecretKeySpec(ChaCha.hchacha20(key, nonce), "ChaCha20");
    cipher.init(mode, subKey, new IvParameterSpec(new byte[12]));
    cipher.updateAAD(header);
    return cipher;
  }

  private static int crc(byte[] header) {
    CRC32C crc = new CRC32C();
    crc.update(header);
    return (int) crc.getValue();
  }
}
