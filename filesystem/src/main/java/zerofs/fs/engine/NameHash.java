package zerofs.fs.engine;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import zerofs.fs.Name;
import zerofs.log.VolumeSecrets;

/// What directories find names by.
@FunctionalInterface
public interface NameHash {
  long of(Name name);

  /// The one of a volume.
  static NameHash of(VolumeSecrets secrets) {
    byte[] key = secrets.keys().derive("zerofs name hash v1", secrets.idBytes(), new byte[0]);
    return keyed(Arrays.copyOf(key, 16));
  }

  /// SipHash-2-4 under a key of the volume: nobody without the key can choose names that collide.
  /// (Aumasson and Bernstein, "SipHash: a fast short-input PRF".) Index rows hold it.
  ///
  /// @param key 16 bytes
  static NameHash keyed(byte[] key) {
    long key0 = (long) Sip.LONGS.get(key, 0);
    long key1 = (long) Sip.LONGS.get(key, 8);
    return name -> new Sip(key0, key1).hash(name.raw());
  }

  /// The state of one computation.
  final class Sip {
    private static final VarHandle LONGS =
        MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private long v0;
    private long v1;
    private long v2;
    private long v3;

    private Sip(long key0, long key1) {
      v0 = key0 ^ 0x736f6d6570736575L;
      v1 = key1 ^ 0x646f72616e646f6dL;
      v2 = key0 ^ 0x6c7967656e657261L;
      v3 = key1 ^ 0x7465646279746573L;
    }

    private long hash(byte[] bytes) {
      int whole = bytes.length & -Long.BYTES;
      for (int at = 0; at < whole; at += Long.BYTES) {
        absorb((long) LONGS.get(bytes, at));
      }
      long last = (long) bytes.length << 56;
      for (int at = whole; at < bytes.length; at++) {
        last |= (bytes[at] & 0xffL) << 8 * (at - whole);
      }
      absorb(last);
      v2 ^= 0xff;
      round();
      round();
      round();
      round();
      return v0 ^ v1 ^ v2 ^ v3;
    }

    private void absorb(long word) {
      v3 ^= word;
      round();
      round();
      v0 ^= word;
    }

    private void round() {
      v0 += v1;
      v2 += v3;
      v1 = Long.rotateLeft(v1, 13) ^ v0;
      v3 = Long.rotateLeft(v3, 16) ^ v2;
      v0 = Long.rotateLeft(v0, 32) + v3;
      v2 += v1;
      v1 = Long.rotateLeft(v1, 17) ^ v2;
      v3 = Long.rotateLeft(v3, 21) ^ v0;
      v2 = Long.rotateLeft(v2, 32);
    }
  }
}
