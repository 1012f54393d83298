package zerofs.lsm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import zerofs.objectstore.StorageException;

/// A few KiB of sorted rows, packed.
///
/// ```text
/// block   = row* | restart offsets, 4 bytes each | restart count 4
/// row     = shared | rest | valueBytes (varints) | key bytes after the shared ones | value
/// ```
///
/// `shared` counts the leading bytes that a key has in common with the key before it; it is 0 at a
/// restart, every 16 rows, so that a search halves over restarts. Little-endian. Immutable. (As
/// leveldb's table blocks; doc/table_format.md there.) Spec: docs/FORMAT.md "Sorted rows, block of
/// rows".
final class Block {
  private static final int RESTART_ROWS = 16;

  private final byte[] bytes;
  private final int restarts;
  private final int rowsEnd;

  /// @throws StorageException.Corrupt when the restart array does not fit
  Block(byte[] bytes) throws StorageException.Corrupt {
    this.bytes = bytes;
    restarts = bytes.length < 4 ? -1 : intAt(bytes.length - 4);
    long end = bytes.length - 4L - 4L * restarts;
    if (restarts < 1 || end < 0) {
      throw new StorageException.Corrupt("block of " + bytes.length + " bytes, bad restarts");
    }
    rowsEnd = (int) end;
  }

  byte[] bytes() {
    return bytes;
  }

  private int intAt(int offset) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt(offset);
  }

  /// The value of a key, or null.
  byte @Nullable [] get(byte[] key) throws StorageException.Corrupt {
    Cursor cursor = new Cursor();
    cursor.seek(key);
    return cursor.next() && Arrays.equals(cursor.key(), key) ? cursor.value() : null;
  }

  /// Walks the rows of a block in order.
  final class Cursor {
    private int at;
    private byte[] key = {};
    private int valueStart;
    private int valueBytes;
    private boolean pending;

    /// Goes to before the first row whose key is at least `target`.
    void seek(byte[] target) throws StorageException.Corrupt {
      int low = 0;
      int high = restarts - 1;
      while (low < high) {
        int middle = (low + high + 1) >>> 1;
        start(middle);
        if (next() && Arrays.compareUnsigned(key, target) < 0) {
          low = middle;
        } else {
          high = middle - 1;
        }
      }
      start(low);
      while (next()) {
        if (Arrays.compareUnsigned(key, target) >= 0) {
          pending = true;
          return;
        }
      }
    }

    private void start(int restart) throws StorageException.Corrupt {
      at = intAt(rowsEnd + 4 * restart);
      if (at < 0 || at > rowsEnd) {
        throw new StorageException.Corrupt("block: restart at " + at);
      }
      key = new byte[0];
      pending = false;
    }

    boolean next() throws StorageException.Corrupt {
      if (pending) {
        pending = false;
        return true;
      }
      if (at >= rowsEnd) {
        return false;
      }
      int shared = varint();
      int rest = varint();
      valueBytes = varint();
      if (shared > key.length || rest > rowsEnd - at || valueBytes > rowsEnd - at - rest) {
        throw new StorageException.Corrupt("block: row at " + at + " reaches beyond it");
      }
      byte[] grown = Arrays.copyOf(key, shared + rest);
      System.arraycopy(bytes, at, grown, shared, rest);
      key = grown;
      valueStart = at + rest;
      at = valueStart + valueBytes;
      return true;
    }

    byte[] key() {
      return key;
    }

    byte[] value() {
      return Arrays.copyOfRange(bytes, valueStart, valueStart + valueBytes);
    }

    private int varint() throws StorageException.Corrupt {
      int value = 0;
      for (int shift = 0; shift < 35 && at < rowsEnd; shift += 7) {
        byte next = bytes[at++];
        value |= (next & 0x7f) << shift;
        if (next >= 0) {
          if (value < 0) {
            break;
          }
          return value;
        }
      }
      throw new StorageException.Corrupt("block: bad number before " + at);
    }
  }

  /// Packs rows, which come in ascending order, into one block after the other.
  static final class Builder {
    private byte[] out = new byte[SortedRows.BLOCK_BYTES + 1024];
    private int size;
    private int[] restartOffsets = new int[16];
    private int restartCount;
    private int rows;
    private byte[] lastKey = {};

    void add(byte[] key, byte[] value) {
      int shared = 0;
      if (rows % RESTART_ROWS == 0) {
        if (restartCount == restartOffsets.length) {
          restartOffsets = Arrays.copyOf(restartOffsets, restartCount * 2);
        }
        restartOffsets[restartCount++] = size;
      } else {
        int mismatch = Arrays.mismatch(lastKey, key);
        shared = mismatch < 0 ? lastKey.length : mismatch;
      }
      int rest = key.length - shared;
      ensure(15 + rest + value.length);
      varint(shared);
      varint(rest);
      varint(value.length);
      System.arraycopy(key, shared, out, size, rest);
      System.arraycopy(value, 0, out, size + rest, value.length);
      size += rest + value.length;
      lastKey = key;
      rows++;
    }

    int bytes() {
      return size + 4 * restartCount + 4;
    }

    boolean isEmpty() {
      return rows == 0;
    }

    byte[] lastKey() {
      return lastKey;
    }

    /// The block; the next row begins another one.
    byte[] finish() {
      ByteBuffer packed = ByteBuffer.allocate(bytes()).order(ByteOrder.LITTLE_ENDIAN);
      packed.put(out, 0, size);
      for (int i = 0; i < restartCount; i++) {
        packed.putInt(restartOffsets[i]);
      }
      packed.putInt(restartCount);
      size = 0;
      restartCount = 0;
      rows = 0;
      return packed.array();
    }

    private void ensure(int more) {
      if (out.length - size < more) {
        out = Arrays.copyOf(out, Math.max(out.length * 2, size + more));
      }
    }

    private void varint(int value) {
      int left = value;
      while ((left & ~0x7f) != 0) {
        out[size++] = (byte) (left & 0x7f | 0x80);
        left >>>= 7;
      }
      out[size++] = (byte) left;
    }
  }
}
