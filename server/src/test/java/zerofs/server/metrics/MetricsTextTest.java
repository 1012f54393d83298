package zerofs.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import zerofs.base.Histogram;

class MetricsTextTest {
  @Test
  void aMetricIsHelpTypeAndSamples() {
    MetricsText text = new MetricsText();
    text.counter("some_total", "Some \\ of \"it\"").sample(3, "a", "x\"y\\z\n", "b", "2");
    text.gauge("age_seconds", "Age").seconds(1_500_000_000L);
    assertThat(text.toString())
        .isEqualTo(
            """
            # HELP some_total Some \\\\ of "it"
            # TYPE some_total counter
            some_total{a="x\\"y\\\\z\\n",b="2"} 3
            # HELP age_seconds Age
            # TYPE age_seconds gauge
            age_seconds 1.5
            """);
  }

  @Test
  void aHistogramHasCumulativeBucketsSumAndCount() {
    Histogram histogram = new Histogram();
    histogram.record(5_000);
    histogram.record(2_000_000);
    histogram.record(60_000_000_000L);
    MetricsText text = new MetricsText();
    text.histogram("took_seconds", "Time").histogram(histogram.snapshot(), "kind", "k");
    Exposition parsed = Exposition.parse(text.toString());
    assertThat(parsed.value("took_seconds_bucket{kind=k, le=0.000005}")).isEqualTo(1);
    assertThat(parsed.value("took_seconds_bucket{kind=k, le=0.001}")).isEqualTo(1);
    assertThat(parsed.value("took_seconds_bucket{kind=k, le=0.0025}")).isEqualTo(2);
    assertThat(parsed.value("took_seconds_bucket{kind=k, le=30}")).isEqualTo(2);
    assertThat(parsed.value("took_seconds_bucket{kind=k, le=+Inf}")).isEqualTo(3);
    assertThat(parsed.value("took_seconds_count{kind=k}")).isEqualTo(3);
    assertThat(parsed.value("took_seconds_sum{kind=k}")).isEqualTo(60.002005);
  }

  @Test
  void theParserRefusesWhatScrapersDo() {
    for (String wrong :
        new String[] {
          "x 1\n",
          "# HELP x X\n# TYPE x gauge\ny 1\n",
          "# HELP x X\n# TYPE x gauge\nx 1\nx 2\n",
          "# HELP x X\n# TYPE x gauge\nx{a=1} 1\n",
          "# HELP x X\n# TYPE x gauge\nx 1",
          "# HELP x X\n# TYPE x counter\nx 1\n",
          "# HELP x_ms X\n# TYPE x_ms gauge\nx_ms 1\n",
          "# HELP x X\n# TYPE x histogram\nx_bucket{le=\"1\"} 2\nx_bucket{le=\"+Inf\"} 1\n"
        }) {
      assertThatThrownBy(() -> Exposition.parse(wrong)).isInstanceOf(AssertionError.class);
    }
  }
}
