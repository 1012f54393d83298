package zerofs.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads the text format 0.0.4 as strictly as its description and the rules for names allow: what
/// it does not refuse, every scraper takes.
public final class Exposition {
  private static final Pattern HELP = Pattern.compile("# HELP ([a-z_][a-z0-9_]*) (\\S.*)");
  private static final Pattern TYPE =
      Pattern.compile("# TYPE ([a-z_][a-z0-9_]*) (counter|gauge|histogram)");
  private static final Pattern SAMPLE =
      Pattern.compile("([a-z_][a-z0-9_]*)(?:\\{(.*)})? (-?[0-9]+(?:\\.[0-9]+)?)");
  private static final Pattern LABEL =
      Pattern.compile("([a-z_][a-z0-9_]*)=\"((?:[^\"\\\\]|\\\\[\\\\n\"])*)\"(,|$)");

  /// Units that are not the base ones.
  private static final Pattern OTHER_UNIT =
      Pattern.compile(".*_(?:ms|millis|nanos|micros|minutes|kb|kib|mb|mib|percent)(?:_.*)?");

  private final Map<String, String> types = new LinkedHashMap<>();
  private final Map<String, Double> samples = new LinkedHashMap<>();
  private String current = "";

  private Exposition() {}

  public static Exposition parse(String text) {
    assertThat(text).endsWith("\n");
    Exposition parsed = new Exposition();
    List<String> lines = text.lines().toList();
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i);
      if (line.startsWith("# HELP")) {
        Matcher help = HELP.matcher(line);
        assertThat(help.matches()).as(line).isTrue();
        parsed.begin(help.group(1), lines.get(++i));
      } else {
        parsed.sample(line);
      }
    }
    parsed.types.forEach(
        (name, type) -> {
          if (type.equals("histogram")) {
            parsed.checkHistogram(name);
          }
        });
    return parsed;
  }

  private void begin(String name, String typeLine) {
    Matcher type = TYPE.matcher(typeLine);
    assertThat(type.matches()).as(typeLine).isTrue();
    assertThat(type.group(1)).isEqualTo(name);
    assertThat(types.put(name, type.group(2))).as(name + " twice").isNull();
    assertThat(name.endsWith("_total")).as(name).isEqualTo(type.group(2).equals("counter"));
    assertThat(OTHER_UNIT.matcher(name).matches()).as(name).isFalse();
    current = name;
  }

  private void sample(String line) {
    Matcher sample = SAMPLE.matcher(line);
    assertThat(sample.matches()).as(line).isTrue();
    String name = sample.group(1);
    boolean isHistogram = "histogram".equals(types.get(current));
    List<String> names =
        isHistogram
            ? List.of(current + "_bucket", current + "_sum", current + "_count")
            : List.of(current);
    assertThat(names).as(line).contains(name);
    Map<String, String> labels = labels(sample.group(2));
    assertThat(labels.containsKey("le")).as(line).isEqualTo(name.endsWith("_bucket"));
    String series = labels.isEmpty() ? name : name + labels;
    assertThat(samples.put(series, Double.valueOf(sample.group(3)))).as(line).isNull();
  }

  private static Map<String, String> labels(@org.jspecify.annotations.Nullable String text) {
    Map<String, String> labels = new TreeMap<>();
    if (text == null) {
      return labels;
    }
    Matcher label = LABEL.matcher(text);
    int end = 0;
    while (end < text.length()) {
      assertThat(label.find(end) && label.start() == end).as(text).isTrue();
      assertThat(labels.put(label.group(1), label.group(2))).as(text).isNull();
      end = label.end();
    }
    return labels;
  }

  /// Buckets ascend in the order of their bounds, and the last is the count.
  private void checkHistogram(String name) {
    Map<String, List<Double>> buckets = new LinkedHashMap<>();
    Map<String, List<Double>> bounds = new LinkedHashMap<>();
    samples.forEach(
        (series, value) -> {
          Matcher bound = Pattern.compile("(.*_bucket\\{.*?),? ?le=([^,}]+)(.*)").matcher(series);
          if (series.startsWith(name + "_bucket") && bound.matches()) {
            String others = bound.group(1) + bound.group(3);
            String le = bound.group(2).equals("+Inf") ? "Infinity" : bound.group(2);
            buckets.computeIfAbsent(others, _ -> new ArrayList<>()).add(value);
            bounds.computeIfAbsent(others, _ -> new ArrayList<>()).add(Double.valueOf(le));
          }
        });
    buckets.forEach((others, counts) -> assertThat(counts).as(others).isSorted());
    bounds.forEach(
        (others, all) -> {
          assertThat(all).as(others).isSorted().doesNotHaveDuplicates();
          assertThat(all.getLast()).isEqualTo(Double.POSITIVE_INFINITY);
        });
    double counted =
        samples.entrySet().stream()
            .filter(each -> each.getKey().startsWith(name + "_count"))
            .mapToDouble(Map.Entry::getValue)
            .sum();
    double last = buckets.values().stream().mapToDouble(List::getLast).sum();
    assertThat(last).as(name).isEqualTo(counted);
  }

  /// Names of all metrics.
  public Set<String> names() {
    return new TreeSet<>(types.keySet());
  }

  public String type(String name) {
    return types.getOrDefault(name, "none");
  }

  /// The value of a series: `name` or `name{label=value, …}`, labels in alphabetical order.
  public double value(String series) {
    Double value = samples.get(series);
    assertThat(value).as(series + " among " + samples.keySet()).isNotNull();
    return value == null ? Double.NaN : value;
  }
}
