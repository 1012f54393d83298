package zerofs.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class CrashRunTest {
  /// Of so many requests one is taken here; `./simulate` takes all.
  private static final int STRIDE = 29;

  static List<CrashScenario> all() {
    return CrashScenarios.ALL;
  }

  @ParameterizedTest
  @MethodSource("all")
  void whatWasPromisedIsThereWhereverItEnds(CrashScenario scenario) {
    CrashSweep.Result result = CrashSweep.run(scenario, 1, STRIDE);
    assertThat(result.points()).isPositive();
    assertThat(result.operations()).isGreaterThan(result.points());
  }

  @Test
  void oneSeedIsOneHistory() {
    for (CrashScenario each : CrashScenarios.ALL.subList(0, 3)) {
      CrashRun.Settings settings = CrashRun.Settings.whole(5, true).at(9, true, true);
      CrashRun.Result one = new CrashRun(each, settings).run();
      assertThat(one.reached()).isTrue();
      assertThat(new CrashRun(each, settings).run()).isEqualTo(one);
    }
  }
}
