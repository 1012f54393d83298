package zerofs.lsm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StorageException;

/// Sorted rows in blocks: the delta of a log object, and a run in memory. Immutable.
///
/// ```text
/// rows = version 1 (1 byte) | block count 4 | (block bytes 4 | block)*      little-endian
/// ```
///
/// Spec: docs/FORMAT.md "Sorted rows, block of rows".
public final class SortedRows {
  /// About how large a block grows.
  static final int BLOCK_BYTES = 4 << 10;

  private static final byte VERSION = 1;
  private static final int HEADER_BYTES = 5;

  private final List<Block> blocks;
  private final byte[][] lastKeys;
  private final long rows;
  private final long bytes;

  private SortedRows(List<Block> blocks, byte[][] lastKeys, long rows) {
    this.blocks = blocks;
    this.lastKeys = lastKeys;
    this.rows = rows;
    long sum = HEADER_BYTES;
    for (Block each : blocks) {
      sum += 4 + each.bytes().length;
    }
    this.bytes = sum;
  }

  public long rows() {
    return rows;
  }

  /// Bytes of the encoded form, about what it takes in memory.
  public long bytes() {
    return bytes;
  }

  List<Block> blocks() {
    return blocks;
  }

  byte[] lastKey(int block) {
    return lastKeys[block];
  }

  /// The encoded form.
  public ByteBuffer encode() {
    ByteBuffer out = ByteBuffer.allocate(Math.toIntExact(bytes)).order(ByteOrder.LITTLE_ENDIAN);
    out.put(VERSION).putInt(blocks.size());
    for (Block each : blocks) {
      out.putInt(each.bytes().length).put(each.bytes());
    }
    return out.flip();
  }

  /// Decodes, and checks that keys ascend.
  public static SortedRows decode(ByteBuffer encoded) throws StorageException.Corrupt {
    ByteBuffer in = encoded.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (in.remaining() < HEADER_BYTES || in.get() != VERSION) {
      throw new StorageException.Corrupt("sorted rows of " + encoded.remaining() + " bytes");
    }
    int count = in.getInt();
    if (count < 0 || count > in.remaining() / 4) {
      throw new StorageException.Corrupt("sorted rows: " + count + " blocks");
    }
    Builder builder = new Builder();
    for (int i = 0; i < count; i++) {
      int blockBytes = in.remaining() < 4 ? -1 : in.getInt();
      if (blockBytes < 0 || blockBytes > in.remaining()) {
        throw new StorageException.Corrupt("sorted rows: block of " + blockBytes + " bytes");
      }
      byte[] bytes = new byte[blockBytes];
      in.get(bytes);
      builder.append(new Block(bytes));
    }
    if (in.hasRemaining()) {
      throw new StorageException.Corrupt("sorted rows: " + in.remaining() + " bytes too many");
    }
    return builder.finish();
  }

  /// Index of the first block whose last key is at least `key`; blocks().size() if none.
  int blockOf(byte[] key) {
    int low = 0;
    int high = lastKeys.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Arrays.compareUnsigned(lastKeys[middle], key) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  byte @Nullable [] get(byte[] key) throws StorageException.Corrupt {
    int block = blockOf(key);
    return block == blocks.size() ? null : blocks.get(block).get(key);
  }

  /// Collects rows in ascending order of their keys.
  public static final class Builder {
    private final List<Block> blocks = new ArrayList<>();
    private final List<byte[]> lastKeys = new ArrayList<>();
    private final Block.Builder current = new Block.Builder();
    private byte @Nullable [] last;
    private long rows;

    /// @throws IllegalArgumentException when the key is not above the last one
    public Builder add(byte[] key, byte[] value) {
      if (last != null && Arrays.compareUnsigned(last, key) >= 0) {
        throw new IllegalArgumentException("keys must ascend");
      }
      current.add(key, value);
      last = key;
      rows++;
      if (current.bytes() >= BLOCK_BYTES) {
        cut();
      }
      return this;
    }

    /// Takes over a whole block.
    private void append(Block block) throws StorageException.Corrupt {
      Block.Cursor cursor = block.new Cursor();
      while (cursor.next()) {
        if (last != null && Arrays.compareUnsigned(last, cursor.key()) >= 0) {
          throw new StorageException.Corrupt("sorted rows: keys do not ascend");
        }
        last = cursor.key();
        rows++;
      }
      if (last == null) {
        throw new StorageException.Corrupt("sorted rows: an empty block");
      }
      blocks.add(block);
      lastKeys.add(last);
    }

    private void cut() {
      try {
        blocks.add(new Block(current.finish()));
      } catch (StorageException.Corrupt e) {
        throw new IllegalStateException("a block just made does not open", e);
      }
      lastKeys.add(current.lastKey());
    }

    public SortedRows finish() {
      if (!current.isEmpty()) {
        cut();
      }
      return new SortedRows(List.copyOf(blocks), lastKeys.toArray(new byte[0][]), rows);
    }
  }
}
