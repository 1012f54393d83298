package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import zerofs.codec.Compression;

/// `auto`: fast while writers wait for the processor, thorough when they wait for the link, or for
/// nothing.
class AdaptiveCompressionTest {
  private static final int IN_FLIGHT = 4;
  private static final Compression THOROUGH = new Compression.Zstd(3);
  private static final Compression FAST = new Compression.Lz4();

  private final AdaptiveCompression auto =
      new AdaptiveCompression(new Compression.Auto(), IN_FLIGHT);

  private void generation(boolean writerWaits, long encode, long put) {
    if (writerWaits) {
      auto.writerWaits();
    }
    auto.stored(encode, put);
  }

  @Test
  void isFastWhileTheProcessorKeepsWritersWaiting() {
    assertThat(auto.now()).isEqualTo(THOROUGH);
    generation(false, 100, 50);
    assertThat(auto.now()).as("nobody waits").isEqualTo(THOROUGH);
    generation(true, 100, 399);
    assertThat(auto.now()).isEqualTo(FAST);
    generation(true, 50, 399);
    assertThat(auto.now()).as("the other one would be too slow").isEqualTo(FAST);
  }

  @Test
  void isThoroughWhileTheLinkDoes() {
    generation(true, 100, 400);
    assertThat(auto.now()).isEqualTo(THOROUGH);
    generation(true, 100, 300);
    assertThat(auto.now()).isEqualTo(FAST);
    generation(true, 50, 400);
    assertThat(auto.now()).as("what is saved here is waited for there").isEqualTo(THOROUGH);
  }

  @Test
  void isThoroughAgainOnceNobodyWaitsForAWhile() {
    generation(true, 100, 50);
    for (int i = 0; i < 7; i++) {
      generation(false, 50, 50);
      assertThat(auto.now()).isEqualTo(FAST);
    }
    generation(false, 50, 50);
    assertThat(auto.now()).isEqualTo(THOROUGH);
  }

  @Test
  void aFixedOneStays() {
    AdaptiveCompression fixed = new AdaptiveCompression(new Compression.Zstd(7), IN_FLIGHT);
    fixed.writerWaits();
    fixed.stored(100, 1);
    assertThat(fixed.now()).isEqualTo(new Compression.Zstd(7));
  }
}
