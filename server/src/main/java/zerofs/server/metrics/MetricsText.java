package zerofs.server.metrics;

import java.math.BigDecimal;
import zerofs.base.Histogram;

/// Numbers in the text format of Prometheus, version 0.0.4, which its like read too: metrics one
/// after the other, each with a line HELP, a line TYPE, and its samples.
public final class MetricsText {
  public static final String CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

  private static final int NANOS_DIGITS = 9;

  private final StringBuilder out = new StringBuilder();
  private String name = "";

  /// What a metric is: its samples follow.
  ///
  /// @param help a sentence without full stop
  public MetricsText counter(String name, String help) {
    return metric(name, "counter", help);
  }

  /// See [#counter].
  public MetricsText gauge(String name, String help) {
    return metric(name, "gauge", help);
  }

  /// See [#counter].
  public MetricsText histogram(String name, String help) {
    return metric(name, "histogram", help);
  }

  private MetricsText metric(String metric, String type, String help) {
    name = metric;
    out.append("# HELP ").append(metric).append(' ');
    escaped(help, false).append('\n');
    out.append("# TYPE ").append(metric).append(' ').append(type).append('\n');
    return this;
  }

  /// A sample of the metric.
  ///
  /// @param labels name, value, name, value, …
  public MetricsText sample(long value, String... labels) {
    series("", labels).append(' ').append(value).append('\n');
    return this;
  }

  /// A sample in seconds.
  public MetricsText seconds(long nanos, String... labels) {
    series("", labels).append(' ').append(seconds(nanos)).append('\n');
    return this;
  }

  /// The samples of a histogram: its buckets, each with those below it, sum and count.
  public MetricsText histogram(Histogram.Snapshot snapshot, String... labels) {
    String[] more = new String[labels.length + 2];
    System.arraycopy(labels, 0, more, 0, labels.length);
    more[labels.length] = "le";
    long below = 0;
    for (int i = 0; i < Histogram.bounded(); i++) {
      below += snapshot.counts()[i];
      more[labels.length + 1] = seconds(Histogram.boundNanos(i));
      series("_bucket", more).append(' ').append(below).append('\n');
    }
    more[labels.length + 1] = "+Inf";
    series("_bucket", more).append(' ').append(snapshot.count()).append('\n');
    series("_sum", labels).append(' ').append(seconds(snapshot.nanos())).append('\n');
    series("_count", labels).append(' ').append(snapshot.count()).append('\n');
    return this;
  }

  private static String seconds(long nanos) {
    return nanos == 0
        ? "0"
        : BigDecimal.valueOf(nanos, NANOS_DIGITS).stripTrailingZeros().toPlainString();
  }

  private StringBuilder series(String suffix, String... labels) {
    out.append(name).append(suffix);
    for (int i = 0; i < labels.length; i += 2) {
      out.append(i == 0 ? '{' : ',').append(labels[i]).append("=\"");
      escaped(labels[i + 1], true).append('"');
    }
    return labels.length == 0 ? out : out.append('}');
  }

  private StringBuilder escaped(String text, boolean quotes) {
    for (int i = 0; i < text.length(); i++) {
      char each = text.charAt(i);
      switch (each) {
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '"' -> out.append(quotes ? "\\\"" : "\"");
        default -> out.append(each);
      }
    }
    return out;
  }

  @Override
  public String toString() {
    return out.toString();
  }
}
