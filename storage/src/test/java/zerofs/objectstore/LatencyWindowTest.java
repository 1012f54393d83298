package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class LatencyWindowTest {
  private static final long MILLI = 1_000_000L;

  @Test
  void slowIsWhatIsBeyondNinetyFivePercentToAnEighth() {
    Random random = new Random(4);
    for (long scale : new long[] {2_000, MILLI, 40 * MILLI, 3_000 * MILLI}) {
      LatencyWindow window = new LatencyWindow(0);
      for (int i = 0; i < 10_000; i++) {
        window.record(1 + random.nextLong(scale), 1);
      }
      assertThat(window.slowNanos(30, 2) / (double) scale)
          .as("scale " + scale)
          .isBetween(0.95, 0.95 * 1.15 + 1_000.0 / scale);
    }
  }

  @Test
  void anyTimeHasItsPlace() {
    LatencyWindow window = new LatencyWindow(0);
    for (long nanos = 1; nanos > 0; nanos *= 3) {
      LatencyWindow one = new LatencyWindow(0);
      one.record(nanos, 0);
      window.record(nanos, 0);
      long slow = one.slowNanos(1, 0);
      assertThat(slow).isGreaterThan(Math.min(nanos, 60_000 * MILLI));
      assertThat(slow).isLessThanOrEqualTo(Math.max(1_250, (long) (nanos * 1.125 * 1.25) + 1_250));
    }
    window.record(0, 0);
    window.record(-5, 0); // A clock may stand still; it does not go back far.
    assertThat(window.slowNanos(1, 0)).isPositive();
  }

  @Test
  void fewAreNotKnownAndOldOnesAreForgotten() {
    long half = LatencyWindow.HALF_NANOS;
    LatencyWindow window = new LatencyWindow(0);
    for (int i = 0; i < 30; i++) {
      assertThat(window.slowNanos(30, i)).isNegative();
      window.record(MILLI, i);
    }
    assertThat(window.slowNanos(30, 30)).isBetween(MILLI, 2 * MILLI);
    assertThat(window.slowNanos(30, half)).isPositive();
    for (int i = 0; i < 40; i++) {
      window.record(10 * MILLI, half + i);
    }
    assertThat(window.slowNanos(31, half + 40)).isBetween(10 * MILLI, 13 * MILLI);
    assertThat(window.slowNanos(41, 2 * half)).as("the first ones are gone").isNegative();
    assertThat(window.slowNanos(40, 2 * half)).isPositive();
    assertThat(window.slowNanos(1, 4 * half)).as("nobody has asked for long").isNegative();
  }
}
