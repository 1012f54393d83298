package zerofs.lsm;

import com.dynatrace.hash4j.hashing.Hasher64;
import com.dynatrace.hash4j.hashing.Hashing;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import zerofs.objectstore.StorageException;

/// Says of most absent keys that they are absent: 10 bits per key, 7 probes, about 1 % false
/// positives. Probes by double hashing of one 64-bit xxh3 (Kirsch and Mitzenmacher, "Less hashing,
/// same performance"). The hash is stored with the filter, so the function never changes.
final class BloomFilter {
  private static final Hasher64 HASHER = Hashing.xxh3_64();
  private static final int BITS_PER_KEY = 10;
  private static final int PROBES = 7;

  private final long[] words;

  private BloomFilter(long[] words) {
    this.words = words;
  }

  static BloomFilter ofKeys(long keys) {
    long bits = Math.max(64, keys * BITS_PER_KEY);
    return new BloomFilter(new long[Math.toIntExact((bits + 63) / 64)]);
  }

  static long hash(byte[] key) {
    return HASHER.hashBytesToLong(key);
  }

  void add(long hash) {
    long probe = hash;
    long step = Long.rotateLeft(hash, 32) | 1;
    for (int i = 0; i < PROBES; i++) {
      long bit = Long.remainderUnsigned(probe, words.length * 64L);
      words[(int) (bit >>> 6)] |= 1L << bit;
      probe += step;
    }
  }

  boolean mayContain(long hash) {
    long probe = hash;
    long step = Long.rotateLeft(hash, 32) | 1;
    for (int i = 0; i < PROBES; i++) {
      long bit = Long.remainderUnsigned(probe, words.length * 64L);
      if ((words[(int) (bit >>> 6)] & 1L << bit) == 0) {
        return false;
      }
      probe += step;
    }
    return true;
  }

  long memory() {
    return words.length * 8L;
  }

  byte[] encode() {
    ByteBuffer out = ByteBuffer.allocate(words.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    out.asLongBuffer().put(words);
    return out.array();
  }

  static BloomFilter decode(byte[] bytes) throws StorageException.Corrupt {
    if (bytes.length == 0 || bytes.length % 8 != 0) {
      throw new StorageException.Corrupt("Bloom filter of " + bytes.length + " bytes");
    }
    long[] words = new long[bytes.length / 8];
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(words);
    return new BloomFilter(words);
  }
}
