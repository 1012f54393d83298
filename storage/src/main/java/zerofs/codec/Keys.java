package zerofs.codec;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import javax.crypto.KDF;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;

/// Derives keys from the volume's data key: HKDF-SHA256 (RFC 5869), one label per use.
public final class Keys {
  private static final int KEY_BYTES = 32;

  private final byte[] dataKey;
  private final byte[] volumeId;

  /// @param dataKey 32 bytes, the root of all keys of a volume
  /// @param volumeId 16 bytes
  public Keys(byte[] dataKey, byte[] volumeId) {
    this.dataKey = dataKey.clone();
    this.volumeId = volumeId.clone();
  }

  /// A key of 32 bytes for one use.
  ///
  /// @param label names the use, and its version
  /// @param salt random bytes that make it unique
  /// @param context further bytes that it is bound to
  public byte[] derive(String label, byte[] salt, byte[] context) {
    byte[] name = label.getBytes(StandardCharsets.US_ASCII);
    byte[] info =
        ByteBuffer.allocate(name.length + 1 + volumeId.length + context.length)
            .put(name)
            .put((byte) 0)
            .put(volumeId)
            .put(context)
            .array();
    try {
      SecretKey key =
          KDF.getInstance("HKDF-SHA256")
              .deriveKey(
                  "Generic",
                  HKDFParameterSpec.ofExtract()
                      .addIKM(dataKey)
                      .addSalt(salt)
                      .thenExpand(info, KEY_BYTES));
      return key.getEncoded();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("the JDK lacks HKDF-SHA256", e);
    }
  }
}
