package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.objectstore.StorageException;

/// What one commit changed, as the journal keeps it: entries, one after another.
///
/// ```text
/// ROW   1 | key bytes 2 | key | value bytes 4 | value             empty value = removed
/// INODE 2 | inode 8 | row bytes 4 | row                           empty row = removed
/// WRITE 3 | inode 8 | offset 8 | flags 1 | bytes 4 | the bytes
/// CUT   4 | inode 8 | size before 8 | size after 8
/// USAGE 5 | bytes 8 | inodes 8                                    signed
/// ```
///
/// Flags of a WRITE: bit 0, that the page made for its first extent was full (nothing stored under
/// it matters); bit 1, of its last one. At most one WRITE or CUT of an inode. Little-endian. Spec:
/// docs/JOURNAL.md "Formats". One task.
final class RedoRecord {
  static final int FIRST_FULL = 1;
  static final int LAST_FULL = 2;

  private static final byte ROW = 1;
  private static final byte INODE = 2;
  private static final byte WRITE = 3;
  private static final byte CUT = 4;
  private static final byte USAGE = 5;

  private byte[] head = new byte[512];
  private ByteBuffer out = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);

  /// Bytes of the WRITE, which lie behind the first `dataAt` bytes of `head`.
  private @Nullable ByteBuffer data;

  private int dataAt;

  private ByteBuffer room(int bytes) {
    if (out.remaining() < bytes) {
      int position = out.position();
      head = Arrays.copyOf(head, Math.max(2 * head.length, position + bytes));
      out = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).position(position);
    }
    return out;
  }

  void row(byte[] key, byte[] value) {
    room(7 + key.length + value.length)
        .put(ROW)
        .putShort((short) key.length)
        .put(key)
        .putInt(value.length)
        .put(value);
  }

  void inode(Inode inode) {
    byte[] row = InodeFormat.encode(inode);
    room(13 + row.length).put(INODE).putLong(inode.inode).putInt(row.length).put(row);
  }

  void removed(long inode) {
    room(13).put(INODE).putLong(inode).putInt(0);
  }

  /// @param bytes stay as they are until the record is in the journal
  void write(long inode, long offset, int flags, ByteBuffer bytes) {
    Checks.invariant(data == null, "a commit writes to one file, in one piece");
    room(22).put(WRITE).putLong(inode).putLong(offset).put((byte) flags).putInt(bytes.remaining());
    data = bytes;
    dataAt = out.position();
  }

  void cut(long inode, long before, long after) {
    room(25).put(CUT).putLong(inode).putLong(before).putLong(after);
  }

  void usage(long bytes, long inodes) {
    room(17).put(USAGE).putLong(bytes).putLong(inodes);
  }

  int bytes() {
    return out.position() + (data == null ? 0 : data.remaining());
  }

  List<ByteBuffer> parts() {
    ByteBuffer all = ByteBuffer.wrap(head, 0, out.position());
    return data == null
        ? List.of(all)
        : List.of(all.slice(0, dataAt), data, all.slice(dataAt, out.position() - dataAt));
  }

  /// Receives the entries of a record. The bytes of a write are good until it returns.
  interface Visitor {
    void row(byte[] key, byte[] value);

    void inode(Inode row);

    void removed(long inode);

    void write(long inode, long offset, int flags, ByteBuffer bytes);

    void cut(long inode, long before, long after);

    void usage(long bytes, long inodes);
  }

  /// Reads what [#parts] made, in one piece.
  ///
  /// @throws StorageException.Corrupt when it is not as this class writes it
  static void read(ByteBuffer payload, Visitor visitor) throws StorageException.Corrupt {
    ByteBuffer in = payload.slice().order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (in.hasRemaining()) {
        entry(in, visitor);
      }
    } catch (java.nio.BufferUnderflowException | IllegalArgumentException e) {
      throw new StorageException.Corrupt(
          "a record of the journal does not decode at byte " + in.position(), e);
    }
  }

  private static void entry(ByteBuffer in, Visitor visitor) throws StorageException.Corrupt {
    byte kind = in.get();
    switch (kind) {
      case ROW -> {
        byte[] key = bytes(in, Short.toUnsignedInt(in.getShort()));
        visitor.row(key, bytes(in, in.getInt()));
      }
      case INODE -> {
        long inode = in.getLong();
        byte[] row = bytes(in, in.getInt());
        if (row.length == 0) {
          visitor.removed(inode);
        } else {
          visitor.inode(InodeFormat.decode(inode, row));
        }
      }
      case WRITE -> {
        long inode = in.getLong();
        long offset = in.getLong();
        int flags = in.get();
        int length = required(in, in.getInt());
        ByteBuffer bytes = in.slice(in.position(), length);
        in.position(in.position() + length);
        visitor.write(inode, offset, flags, bytes);
      }
      case CUT -> visitor.cut(in.getLong(), in.getLong(), in.getLong());
      case USAGE -> visitor.usage(in.getLong(), in.getLong());
      default -> throw new StorageException.Corrupt("a record of the journal has kind " + kind);
    }
  }

  private static byte[] bytes(ByteBuffer in, int length) {
    byte[] bytes = new byte[required(in, length)];
    in.get(bytes);
    return bytes;
  }

  private static int required(ByteBuffer in, int length) {
    if (length < 0 || length > in.remaining()) {
      throw new IllegalArgumentException("length " + length);
    }
    return length;
  }
}
