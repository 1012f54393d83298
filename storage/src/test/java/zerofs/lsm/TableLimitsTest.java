package zerofs.lsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.codec.Keys;
import zerofs.codec.SealedFrameCodec;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.MemoryObjectStore;

/// Rows that are small or compress well: an SST is then ended by what its filter and index may
/// hold, long before it is as large as it may be. Entries of a directory of a million files are
/// such rows.
class TableLimitsTest {
  private static final RowMerger NEWEST =
      new RowMerger() {
        @Override
        public byte[] merge(byte[] key, byte[] newer, byte[] older, SideRows side) {
          return newer;
        }

        @Override
        public byte @Nullable [] bottom(byte[] key, byte[] value) {
          return value;
        }

        @Override
        public boolean hidesOlder(byte[] key, byte[] value) {
          return true;
        }
      };

  private static byte[] key(int number, int bytes) {
    return ByteBuffer.allocate(bytes).putInt(bytes - 4, number).array();
  }

  private static void checkFlush(int rows, int keyBytes, byte[] value) throws Exception {
    LsmTree tree =
        new LsmTree(
            new MemoryObjectStore(),
            new SealedFrameCodec(new Keys(new byte[32], new byte[16])),
            NEWEST,
            new SystemTasks(
                (name, e) -> {
                  throw new AssertionError(name, e);
                }),
            LsmSettings.standard(1 << 20),
            epoch -> new byte[16]);
    SortedRows.Builder builder = new SortedRows.Builder();
    for (int i = 0; i < rows; i++) {
      builder.add(key(i, keyBytes), value);
    }
    tree.ingest(1, rows, builder.finish());
    LsmTree.Flushed flushed =
        Objects.requireNonNull(tree.flush(1, new AtomicLong()::incrementAndGet));
    List<TableDescriptor> tables = flushed.run().tables();
    assertThat(tables.stream().mapToLong(TableDescriptor::rows).sum()).isEqualTo(rows);
    tree.install(List.of(flushed.run()), 1);
    for (int i = 0; i < rows; i += rows / 97) {
      assertThat(tree.get(key(i, keyBytes), true)).isEqualTo(value);
    }
    assertThat(tree.get(key(rows, keyBytes), true)).isNull();
  }

  @Test
  void aMillionSmallRowsAreStoredAndFound() throws Exception {
    checkFlush(1_000_000, 8, new byte[] {1});
  }

  @Test
  void rowsThatCompressWellAreStoredAndFound() throws Exception {
    // A block each, of which a few dozen bytes stay: so the index is what grows.
    checkFlush(30_000, 40, new byte[5000]);
  }
}
