package zerofs.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A fixed run of each target: its seeds, its corpus, and mutations of both that a seed decides.
class FuzzTest {
  private static final Path CORPORA = Path.of("corpus");
  private static final int MUTATIONS = 3000;
  private static final long[] NUMBERS = {
    0, 1, -1, 127, 128, 255, 32768, 1 << 20, Integer.MAX_VALUE
  };

  @ParameterizedTest
  @EnumSource
  void whateverBytes(Target target) throws IOException {
    List<byte[]> seeds = Seeds.of(target, CORPORA);
    for (byte[] each : Seeds.of(target)) {
      assertThat(run(target, each)).as("the target takes its seed").isTrue();
    }
    seeds.forEach(each -> run(target, each));
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < MUTATIONS; i++) {
      byte[] input = seeds.get(random.nextInt(seeds.size()));
      for (int j = random.nextInt(6); j >= 0; j--) {
        input = mutated(input, seeds, random);
      }
      run(target, input);
    }
  }

  private static boolean run(Target target, byte[] input) {
    try {
      return target.run(input);
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      throw new AssertionError(target + " of " + HexFormat.of().formatHex(input), e);
    }
  }

  private static byte[] mutated(byte[] input, List<byte[]> seeds, SplittableRandom random) {
    if (input.length == 0) {
      return new byte[] {(byte) random.nextInt()};
    }
    byte[] changed = input.clone();
    int at = random.nextInt(input.length);
    switch (random.nextInt(6)) {
      case 0 -> changed[at] ^= (byte) (1 << random.nextInt(8));
      case 1 -> changed[at] = (byte) random.nextInt();
      case 2 -> {
        long number = NUMBERS[random.nextInt(NUMBERS.length)];
        for (int i = at; i < Math.min(changed.length, at + 4); i++) {
          changed[i] = (byte) (number >>> 8 * (i - at));
        }
      }
      case 3 -> changed = Arrays.copyOf(input, at);
      case 4 -> {
        byte[] other = seeds.get(random.nextInt(seeds.size()));
        int from = other.length == 0 ? 0 : random.nextInt(other.length);
        changed = Arrays.copyOf(input, at + other.length - from);
        System.arraycopy(other, from, changed, at, other.length - from);
      }
      default -> {
        int length = random.nextInt(16);
        changed = new byte[input.length + length];
        System.arraycopy(input, 0, changed, 0, at);
        for (int i = at; i < at + length; i++) {
          changed[i] = (byte) random.nextInt();
        }
        System.arraycopy(input, at, changed, at + length, input.length - at);
      }
    }
    return changed;
  }
}
