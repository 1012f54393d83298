package zerofs.lsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.ObjectId;
import zerofs.manifest.Manifest.TableDescriptor;

class OpenTablesTest {
  private static final int BYTES_MAX = 1 << 20;

  private final Tasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final OpenTables open = new OpenTables(tasks, BYTES_MAX);

  private static ObjectId id(int number) {
    return new ObjectId(ObjectId.Kind.SST, 1, number);
  }

  private static Table table(int number, int keys) {
    return new Table(
        new TableDescriptor(id(number), 1, 1, keys, "00", "ff"),
        BloomFilter.ofKeys(keys),
        List.of(new Table.BlockHandle(0, 1, 1, new byte[20])));
  }

  @Test
  void whatIsUsedStaysAndAllOfThemStayWithinTheirBytes() {
    int misses = 0;
    for (int i = 1; i <= 1000; i++) {
      open.add(table(i, 10_000)); // Of 12.5 KB each.
      assertThat(open.get(id(i))).as("the newest").isNotNull();
      if (open.get(id(1)) == null) {
        misses++;
        open.add(table(1, 10_000));
      }
      assertThat(open.bytes()).isLessThanOrEqualTo(BYTES_MAX);
    }
    assertThat(misses).as("of one that is used all the time").isLessThan(10);
    assertThat(open.bytes()).isGreaterThan(BYTES_MAX * 9 / 10);
    assertThat(open.get(id(500))).isNull();
    for (int i = 1; i <= 1000; i++) {
      open.remove(id(i));
    }
    assertThat(open.bytes()).isZero();
  }

  /// An operation that needs this many at once, and starts again at each miss, comes to its end.
  @Test
  void someStayHoweverLargeTheyAre() {
    for (int i = 1; i <= 200; i++) {
      open.add(table(i, 500_000));
    }
    int there = 0;
    for (int i = 1; i <= 200; i++) {
      there += open.get(id(i)) == null ? 0 : 1;
    }
    assertThat(there).isEqualTo(OpenTables.TABLES_MIN);
    assertThat(open.get(id(200 - OpenTables.TABLES_MIN + 1))).isNotNull();
  }
}
