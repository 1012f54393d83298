package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/// Who is told to wait for the sake of barriers.
class BacklogTest {
  private static final long SECOND = 1_000_000_000L;

  /// What is let wait before anything was measured.
  private static final long MOST = 4 << 20;

  private final Backlog backlog = new Backlog(16 << 20);

  @Test
  void nobodyWaitsWithoutBarriers() {
    backlog.progress(0);
    assertThat(backlog.isTooMuch(10 * MOST, false, 1)).isFalse();
    backlog.barrier(1);
    assertThat(backlog.isTooMuch(10 * MOST, false, 2)).isTrue();
    backlog.progress(20 * SECOND);
    assertThat(backlog.isTooMuch(10 * MOST, false, 20 * SECOND)).as("long ago").isFalse();
  }

  @Test
  void aStoreThatIsAwayIsNotWaitedFor() {
    backlog.progress(0);
    backlog.barrier(1);
    assertThat(backlog.isTooMuch(10 * MOST, false, 2 * SECOND)).isFalse();
  }

  @Test
  void smallWritesGoFurtherButNotForEverBeforeBulk() {
    long now = SECOND;
    backlog.progress(now);
    backlog.barrier(now);
    long waiting = MOST + MOST / 2;
    assertThat(backlog.isTooMuch(waiting, false, now)).isTrue();
    assertThat(backlog.isTooMuch(waiting, true, now)).isFalse();
    now += SECOND + 1;
    backlog.progress(now);
    assertThat(backlog.isTooMuch(waiting, false, now)).isTrue();
    assertThat(backlog.isTooMuch(waiting, true, now)).as("bulk waits too long").isTrue();
    assertThat(backlog.isTooMuch(MOST, false, now)).isFalse();
    assertThat(backlog.isTooMuch(waiting, true, now)).as("bulk was let in").isFalse();
  }

  @Test
  void bulkThatHasLeftIsForgotten() {
    long now = SECOND;
    backlog.progress(now);
    backlog.barrier(now);
    long waiting = MOST + MOST / 2;
    assertThat(backlog.isTooMuch(waiting, false, now)).isTrue();
    now += 6 * SECOND;
    backlog.progress(now);
    assertThat(backlog.isTooMuch(waiting, true, now)).isFalse();
  }
}
