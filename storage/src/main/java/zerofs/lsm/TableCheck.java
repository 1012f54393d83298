package zerofs.lsm;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import zerofs.codec.FrameCodec;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Reads an SST whole and says what is wrong with it: with its sections, with each block, with the
/// order of its keys, and with what index, filter and manifest say of them. Any thread.
public final class TableCheck {
  private static final int READ_BYTES_MAX = 4 << 20;
  private static final byte[] NO_AAD = {};

  private final ObjectStore store;
  private final FrameCodec codec;
  private final EpochSalts salts;

  public TableCheck(ObjectStore store, FrameCodec codec, EpochSalts salts) {
    this.store = store;
    this.codec = codec;
    this.salts = salts;
  }

  /// @param wrong told each thing that is wrong, in a sentence
  /// @throws StorageException when the store does not answer
  public void check(TableDescriptor descriptor, Consumer<String> wrong) throws StorageException {
    String name = descriptor.id().key();
    ObjectStore.Fetched tail = store.getSuffix(name, descriptor.tailBytes(), Cause.ADMIN);
    if (tail == null) {
      wrong.accept(name + " is missing");
      return;
    }
    try {
      FrameCodec.ObjectKey key =
          codec.objectKey(descriptor.id(), salts.salt(descriptor.id().epoch()));
      Table table = Table.open(descriptor, tail.bytes(), tail.objectBytes(), codec, key);
      new Walk(table, key, wrong).run();
    } catch (StorageException.Corrupt e) {
      wrong.accept(e.getMessage());
    }
  }

  private final class Walk {
    private final Table table;
    private final FrameCodec.ObjectKey key;
    private final Consumer<String> wrong;
    private final String name;
    private byte[] last = {};
    private long rows;
    private boolean whole = true;

    Walk(Table table, FrameCodec.ObjectKey key, Consumer<String> wrong) {
      this.table = table;
      this.key = key;
      this.wrong = wrong;
      this.name = table.id().key();
    }

    void run() throws StorageException {
      List<Table.BlockHandle> blocks = table.blocks();
      for (int from = 0; from < blocks.size(); ) {
        int start = blocks.get(from).offset();
        int to = from + 1;
        while (to < blocks.size() && end(blocks.get(to)) - start <= READ_BYTES_MAX) {
          to++;
        }
        ObjectStore.Fetched fetched =
            store.get(name, start, Math.toIntExact(end(blocks.get(to - 1)) - start), Cause.ADMIN);
        if (fetched == null || fetched.bytes().remaining() != end(blocks.get(to - 1)) - start) {
          throw new StorageException.Corrupt(name + " is shorter than its index says");
        }
        for (int i = from; i < to; i++) {
          block(
              i,
              fetched.bytes().slice(blocks.get(i).offset() - start, blocks.get(i).storedBytes()));
        }
        from = to;
      }
      if (whole) {
        totals();
      }
    }

    private static long end(Table.BlockHandle handle) {
      return (long) handle.offset() + handle.storedBytes();
    }

    private void block(int index, ByteBuffer frame) {
      Table.BlockHandle handle = table.blocks().get(index);
      ByteBuffer plain = ByteBuffer.allocate(handle.plainBytes());
      try {
        codec.decode(key, index, NO_AAD, frame, plain);
        Block.Cursor cursor = new Block(plain.array()).new Cursor();
        while (cursor.next()) {
          row(index, cursor.key());
        }
        if (!Arrays.equals(last, handle.lastKey())) {
          wrong.accept(name + ", block " + index + ": ends at another key than the index says");
        }
      } catch (StorageException.Corrupt e) {
        whole = false;
        last = handle.lastKey();
        wrong.accept(name + ", block " + index + ": " + e.getMessage());
      }
    }

    private void row(int index, byte[] rowKey) {
      if (rows == 0 && whole && !Arrays.equals(rowKey, parsed(table.descriptor().firstKey()))) {
        wrong.accept(name + ": begins at another key than the manifest says");
      }
      if (Arrays.compareUnsigned(last, rowKey) >= 0) {
        wrong.accept(name + ", block " + index + ": keys do not ascend");
      }
      if (!table.filter().mayContain(BloomFilter.hash(rowKey))) {
        wrong.accept(name + ", block " + index + ": the filter denies a key");
      }
      last = rowKey;
      rows++;
    }

    private void totals() {
      if (rows != table.descriptor().rows()) {
        wrong.accept(name + ": rows=" + rows + ", the manifest says " + table.descriptor().rows());
      }
      if (!Arrays.equals(last, parsed(table.descriptor().lastKey()))) {
        wrong.accept(name + ": ends at another key than the manifest says");
      }
    }

    private static byte[] parsed(String hex) {
      return HexFormat.of().parseHex(hex);
    }
  }
}
