package zerofs.base;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class HistogramTest {
  @Test
  void boundsAreOneTwoAndAHalfAndFiveOfEachDecade() {
    assertThat(Histogram.boundNanos(0)).isEqualTo(5_000);
    assertThat(Histogram.boundNanos(1)).isEqualTo(10_000);
    assertThat(Histogram.boundNanos(2)).isEqualTo(25_000);
    assertThat(Histogram.boundNanos(Histogram.bounded() - 2)).isEqualTo(10_000_000_000L);
    assertThat(Histogram.boundNanos(Histogram.bounded() - 1)).isEqualTo(30_000_000_000L);
    for (int i = 1; i < Histogram.bounded(); i++) {
      assertThat(Histogram.boundNanos(i)).isGreaterThan(Histogram.boundNanos(i - 1));
    }
  }

  @Test
  void aDurationGoesIntoTheFirstBucketThatHoldsIt() {
    for (int i = 0; i <= Histogram.bounded(); i++) {
      Histogram histogram = new Histogram();
      long above = i == 0 ? 0 : Histogram.boundNanos(i - 1) + 1;
      long last = i == Histogram.bounded() ? Long.MAX_VALUE / 4 : Histogram.boundNanos(i);
      histogram.record(above);
      histogram.record(last);
      Histogram.Snapshot snapshot = histogram.snapshot();
      assertThat(snapshot.counts()[i]).as("bucket " + i).isEqualTo(2);
      assertThat(snapshot.count()).isEqualTo(2);
      assertThat(snapshot.nanos()).isEqualTo(above + last);
    }
  }

  @Test
  void twoAreAddedBucketByBucket() {
    Histogram one = new Histogram();
    Histogram other = new Histogram();
    one.record(1);
    other.record(2);
    other.record(1_000_000_000L);
    Histogram.Snapshot both = one.snapshot().plus(other.snapshot());
    assertThat(both.counts()[0]).isEqualTo(2);
    assertThat(both.count()).isEqualTo(3);
    assertThat(both.nanos()).isEqualTo(1_000_000_003L);
    assertThat(one.snapshot().count()).isEqualTo(1);
  }
}
