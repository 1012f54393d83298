package zerofs.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/// Every row once, tiny, in this process: they run, and find that their work was done. No time is
/// looked at.
class BenchTest {
  private static final Map<String, String> TINY =
      Map.of("fileMib", "2", "textMib", "1", "entriesMax", "1500");

  @AfterEach
  void clear() {
    System.clearProperty(Checked.PROPERTY);
  }

  static List<Row> rows() {
    return Row.all();
  }

  @ParameterizedTest
  @MethodSource("rows")
  void rowRunsAndChecksItsWork(Row row, @TempDir Path directory) throws Exception {
    Path checked = directory.resolve("checked");
    System.setProperty(Checked.PROPERTY, checked.toString());
    System.setProperty("jmh.ignoreLock", "true");
    Map<String, String> parameters = new HashMap<>(row.parameters());
    parameters.putAll(TINY);
    ChainedOptionsBuilder options =
        BenchMain.options(row, parameters)
            .mode(Mode.SingleShotTime)
            .forks(0)
            .warmupIterations(0)
            .measurementIterations(2)
            .measurementBatchSize(3)
            .verbosity(VerboseMode.SILENT)
            .output(directory.resolve("jmh.log").toString());
    assertThat(new Runner(options.build()).run()).hasSize(1);
    assertThat(Files.readAllLines(checked)).isNotEmpty().allMatch(line -> line.length() >= 8);
  }

  @Test
  void everyBenchmarkHasARow() {
    Set<String> rows = new TreeSet<>();
    Set<String> benchmarks = new TreeSet<>();
    for (Row row : Row.all()) {
      rows.add(row.type().getSimpleName() + "." + row.method());
      for (Method each : row.type().getDeclaredMethods()) {
        if (each.isAnnotationPresent(Benchmark.class)) {
          benchmarks.add(row.type().getSimpleName() + "." + each.getName());
        }
      }
    }
    assertThat(rows).isEqualTo(benchmarks);
    assertThat(Row.all().stream().map(Row::name)).doesNotHaveDuplicates();
  }
}
