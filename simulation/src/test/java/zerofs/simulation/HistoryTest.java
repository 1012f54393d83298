package zerofs.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HistoryTest {
  @Test
  void theEngineAnswersAsPosixDoes() {
    for (long seed = 1; seed <= 4; seed++) {
      HistorySummary summary =
          new History(new History.Settings(seed, 12_000, 6, false, seed % 2 == 0)).run();
      assertThat(summary.operations()).isEqualTo(12_000);
      assertThat(summary.crashes()).isGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void oneSeedIsOneHistory() {
    History.Settings settings = new History.Settings(9, 1500, 2, false, true);
    assertThat(new History(settings).run()).isEqualTo(new History(settings).run());
  }
}
