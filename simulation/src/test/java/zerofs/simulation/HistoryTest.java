package zerofs.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HistoryTest {
  @Test
  void theEngineAnswersAsPosixDoes() {
    for (long seed = 1; seed <= 4; seed++) {
      HistorySummary summary =
          new History(new History.Settings(seed, 12_000, 6, false, seed % 2 == 0, false)).run();
      assertThat(summary.operations()).isEqualTo(12_000);
      assertThat(summary.crashes()).isGreaterThanOrEqualTo(2);
    }
  }

  @Test
  void whateverStoreAndMachinesDoNothingPromisedIsLost() {
    long failpoints = 0;
    int takeovers = 0;
    for (long seed = 1; seed <= 16; seed++) {
      HistorySummary summary =
          new History(new History.Settings(seed, 2_000, 10, false, seed % 2 == 0, true)).run();
      assertThat(summary.crashes()).isGreaterThanOrEqualTo(5);
      failpoints += summary.failpoints().values().stream().mapToLong(Long::longValue).sum();
      takeovers += summary.takeovers();
    }
    assertThat(failpoints).as("ends at a failpoint").isGreaterThan(50);
    assertThat(takeovers).isGreaterThan(10);
  }

  /// A start is killed with its claim on the way; the claim arrives before that of the next start,
  /// which gives way, and the one after it finds everything.
  @Test
  void aStartGivesWayToTheLateClaimOfOneThatWasKilled() {
    HistorySummary summary =
        new History(new History.Settings(3_001_159, 2_000, 10, false, false, true)).run();
    assertThat(summary.operations()).isGreaterThanOrEqualTo(2_000);
  }

  @Test
  void oneSeedIsOneHistory() {
    History.Settings settings = new History.Settings(9, 1500, 2, false, true, true);
    assertThat(new History(settings).run()).isEqualTo(new History(settings).run());
  }
}
