package zerofs.codec;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;
import zerofs.base.Randomness;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StorageException.Invalid.Reason;

/// The object `key/<number>`: the volume's data key, wrapped by the password.
///
/// ```text
///   0       4         6          8           12           16      20     36        60         108
///   | magic | version | reserved | memoryKiB | iterations | lanes | salt | nonce24 | wrapped key |
/// ```
///
/// Little-endian. wrapped key = XChaCha20-Poly1305(Argon2id(password, salt), nonce24; data key),
/// AAD = volume id ‖ the 60 bytes before it. Argon2id: RFC 9106. Spec: docs/FORMAT.md "Key".
public final class KeyObject {
  /// "ZFSK".
  public static final int MAGIC = 0x4b53465a;

  static final int VERSION = 1;
  static final int BYTES = 108;
  private static final int HEADER_BYTES = 60;

  /// RFC 9106 §4, second recommended option: 64 MiB, 3 passes, 4 lanes.
  private static final int MEMORY_KIB = 64 << 10;

  private static final int ITERATIONS = 3;
  private static final int LANES = 4;

  /// What a header may ask for, twice and five times what is asked today: a damaged or hostile one
  /// must cost neither the heap nor a day.
  private static final int MEMORY_KIB_MAX = 128 << 10;

  private static final int ITERATIONS_MAX = 16;
  private static final int LANES_MAX = 64;

  private KeyObject() {}

  /// Wraps `dataKey` (32 bytes) by a password.
  public static byte[] create(
      String password, byte[] volumeId, byte[] dataKey, Randomness randomness) {
    byte[] salt = new byte[16];
    byte[] nonce = new byte[24];
    randomness.secret(salt);
    randomness.secret(nonce);
    ByteBuffer out = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).putShort((short) VERSION).putShort((short) 0);
    out.putInt(MEMORY_KIB).putInt(ITERATIONS).putInt(LANES).put(salt).put(nonce);
    byte[] header = Arrays.copyOf(out.array(), HEADER_BYTES);
    try {
      cipher(Cipher.ENCRYPT_MODE, password, volumeId, header)
          .doFinal(ByteBuffer.wrap(dataKey), out);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("wrapping the data key failed", e);
    }
    return out.array();
  }

  /// The data key.
  ///
  /// @throws StorageException.Invalid WRONG_PASSWORD when the password does not fit
  public static byte[] open(String password, byte[] volumeId, ByteBuffer object)
      throws StorageException {
    ByteBuffer in = object.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < 8 || in.getInt(0) != MAGIC) {
      throw new StorageException.Corrupt(
          "the key object of " + in.remaining() + " bytes is not one of a ZeroFS volume");
    }
    int version = Short.toUnsignedInt(in.getShort(4));
    if (version > VERSION) {
      throw new StorageException.Invalid(
          Reason.FORMAT_TOO_NEW, "the key object has version " + version + ": use a newer release");
    }
    int memory = in.remaining() == BYTES ? in.getInt(8) : 0;
    int iterations = in.remaining() == BYTES ? in.getInt(12) : 0;
    if (memory < 8
        || memory > MEMORY_KIB_MAX
        || iterations < 1
        || iterations > ITERATIONS_MAX
        || in.getInt(16) < 1
        || in.getInt(16) > LANES_MAX) {
      throw new StorageException.Corrupt(
          "the key object is damaged: its parameters are out of range (memory KiB="
              + memory
              + " iterations="
              + iterations
              + "); restore the objects below key/");
    }
    byte[] header = new byte[HEADER_BYTES];
    in.get(0, header);
    ByteBuffer dataKey = ByteBuffer.allocate(32);
    try {
      cipher(Cipher.DECRYPT_MODE, password, volumeId, header)
          .doFinal(in.position(HEADER_BYTES), dataKey);
    } catch (GeneralSecurityException e) {
      throw new StorageException.Invalid(
          Reason.WRONG_PASSWORD,
          "the password does not open this volume (or its key object is damaged): check"
              + " storage.encryption_password");
    }
    return dataKey.array();
  }

  private static Cipher cipher(int mode, String password, byte[] volumeId, byte[] header)
      throws GeneralSecurityException {
    ByteBuffer in = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    byte[] salt = Arrays.copyOfRange(header, 20, 36);
    Argon2BytesGenerator argon = new Argon2BytesGenerator();
    argon.init(
        new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
            .withVersion(Argon2Parameters.ARGON2_VERSION_13)
            .withMemoryAsKB(in.getInt(8))
            .withIterations(in.getInt(12))
            .withParallelism(in.getInt(16))
            .withSalt(salt)
            .build());
    byte[] key = new byte[32];
    argon.generateBytes(password.getBytes(StandardCharsets.UTF_8), key);
    SecretKeySpec subKey =
        new SecretKeySpec(ChaCha.hchacha20(key, Arrays.copyOfRange(header, 36, 52)), "ChaCha20");
    byte[] nonce = new byte[12];
    System.arraycopy(header, 52, nonce, 4, 8);
    Cipher cipher = Cipher.getInstance("ChaCha20-Poly1305");
    cipher.init(mode, subKey, new IvParameterSpec(nonce));
    cipher.updateAAD(volumeId);
    cipher.updateAAD(header);
    return cipher;
  }
}
