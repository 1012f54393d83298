package zerofs.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import zerofs.base.SimulatedTasks;

/// What the log says in an ordinary day and in outages, by a clock of its own.
class HealthWatchTest {
  private static final long SECOND = 1_000_000_000L;

  private final SimulatedTasks tasks = new SimulatedTasks(1);
  private final AtomicReference<@Nullable String> trouble = new AtomicReference<>();
  private final List<String> said = new ArrayList<>();
  private final HealthWatch watch =
      new HealthWatch(
          tasks, trouble::get, each -> said.add("WARN " + each), each -> said.add("INFO " + each));

  private void lookFor(int seconds) {
    for (int i = 0; i < seconds; i += 5) {
      tasks.sleep(5 * SECOND);
      watch.look();
    }
  }

  @Test
  void anOutageIsSaidAtItsBeginAndAtItsEnd() {
    tasks.run(
        () -> {
          lookFor(86_400);
          assertThat(said).as("a day of ordinary life").isEmpty();
          trouble.set("the store does not answer: PUT log/1 got no answer");
          lookFor(100);
          trouble.set("the store does not answer: PUT log/2 got no answer");
          lookFor(100);
          trouble.set(null);
          lookFor(86_400);
          assertThat(said)
              .containsExactly(
                  "WARN the store does not answer: PUT log/1 got no answer",
                  "INFO well again, after 3 min 20 s");
        });
  }

  @Test
  void aLongOneIsRemindedOfEveryTenMinutes() {
    tasks.run(
        () -> {
          trouble.set("down");
          lookFor(7200);
          assertThat(said)
              .hasSize(12)
              .startsWith("WARN down", "WARN for 10 min 0 s now: down")
              .endsWith("WARN for 1 h 50 min now: down");
          trouble.set(null);
          lookFor(5);
          assertThat(said.getLast()).isEqualTo("INFO well again, after 2 h 0 min");
        });
  }

  @Test
  void durationsAreSaidAsPeopleDo() {
    assertThat(HealthWatch.duration(7 * SECOND)).isEqualTo("7 s");
    assertThat(HealthWatch.duration(59_600_000_000L)).isEqualTo("1 min 0 s");
    assertThat(HealthWatch.duration(3_599 * SECOND)).isEqualTo("59 min 59 s");
    assertThat(HealthWatch.duration(90_000 * SECOND)).isEqualTo("25 h 0 min");
  }
}
