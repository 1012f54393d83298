package zerofs.codec;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/// HChaCha20: derives a subkey from a key and 16 bytes of nonce (draft-irtf-cfrg-xchacha-03 §2.2).
final class ChaCha {
  private static final VarHandle INTS =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final int[] CONSTANTS = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
  private static final int DOUBLE_ROUNDS = 10;

  private ChaCha() {}

  /// @param key 32 bytes
  /// @param nonce 16 bytes
  static byte[] hchacha20(byte[] key, byte[] nonce) {
    int[] x = new int[16];
    System.arraycopy(CONSTANTS, 0, x, 0, 4);
    for (int i = 0; i < 8; i++) {
      x[4 + i] = (int) INTS.get(key, i * 4);
    }
    for (int i = 0; i < 4; i++) {
      x[12 + i] = (int) INTS.get(nonce, i * 4);
    }
    for (int i = 0; i < DOUBLE_ROUNDS; i++) {
      quarterRound(x, 0, 4, 8, 12);
      quarterRound(x, 1, 5, 9, 13);
      quarterRound(x, 2, 6, 10, 14);
      quarterRound(x, 3, 7, 11, 15);
      quarterRound(x, 0, 5, 10, 15);
      quarterRound(x, 1, 6, 11, 12);
      quarterRound(x, 2, 7, 8, 13);
      quarterRound(x, 3, 4, 9, 14);
    }
    byte[] subkey = new byte[32];
    for (int i = 0; i < 4; i++) {
      INTS.set(subkey, i * 4, x[i]);
      INTS.set(subkey, 16 + i * 4, x[12 + i]);
    }
    return subkey;
  }

  private static void quarterRound(int[] x, int a, int b, int c, int d) {
    x[a] += x[b];
    x[d] = Integer.rotateLeft(x[d] ^ x[a], 16);
    x[c] += x[d];
    x[b] = Integer.rotateLeft(x[b] ^ x[c], 12);
    x[a] += x[b];
    x[d] = Integer.rotateLeft(x[d] ^ x[a], 8);
    x[c] += x[d];
    x[b] = Integer.rotateLeft(x[b] ^ x[c], 7);
  }
}
