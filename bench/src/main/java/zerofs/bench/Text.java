package zerofs.bench;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;

/// Data as files have it: words of a language that was made up, by Zipf's law, in lines. zstd at
/// level 3 makes 32 KiB of it about 2.7 times smaller. The same bytes in every run.
final class Text {
  private static final int WORDS = 6000;
  private static final int LINE_BYTES = 72;

  private Text() {}

  /// `count` bytes, in a direct buffer.
  static ByteBuffer direct(int count, long seed) {
    return ByteBuffer.allocateDirect(count).put(bytes(count, seed)).flip();
  }

  static byte[] bytes(int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    byte[][] words = words();
    byte[] out = new byte[count];
    int line = 0;
    for (int at = 0; at < count; ) {
      byte[] word = words[zipf(random)];
      int length = Math.min(word.length, count - at);
      System.arraycopy(word, 0, out, at, length);
      at += length;
      line += length + 1;
      if (at < count) {
        out[at++] = (byte) (line > LINE_BYTES ? '\n' : ' ');
        line = line > LINE_BYTES ? 0 : line;
      }
    }
    return out;
  }

  private static byte[][] words() {
    SplittableRandom random = new SplittableRandom(5);
    byte[][] words = new byte[WORDS][];
    for (int i = 0; i < WORDS; i++) {
      words[i] = new byte[2 + random.nextInt(4) + random.nextInt(5)];
      for (int at = 0; at < words[i].length; at++) {
        words[i][at] = (byte) ('a' + (random.nextInt(26) + random.nextInt(26)) / 2);
      }
    }
    return words;
  }

  /// Rank r about as often as 1 / r.
  private static int zipf(SplittableRandom random) {
    return (int) Math.pow(WORDS, random.nextDouble()) - 1;
  }
}
