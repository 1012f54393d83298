package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import zerofs.base.SimulatedTasks;

class SeldomWarningTest {
  @Test
  void whatClientsCanRepeatIsSaidOnceAMinuteWithItsNumber() {
    SimulatedTasks tasks = new SimulatedTasks(1);
    SeldomWarning warning =
        new SeldomWarning(LoggerFactory.getLogger(SeldomWarningTest.class), tasks);
    tasks.run(
        () -> {
          assertThat(warning.due("refused")).isEqualTo("refused");
          for (int i = 0; i < 1000; i++) {
            assertThat(warning.due("refused")).isNull();
          }
          tasks.sleep(60_000_000_000L);
          assertThat(warning.due("refused")).isEqualTo("refused (and 1000 more before it)");
          assertThat(warning.due("refused")).isNull();
          tasks.sleep(120_000_000_000L);
          assertThat(warning.due("again")).isEqualTo("again (and 1 more before it)");
        });
  }
}
