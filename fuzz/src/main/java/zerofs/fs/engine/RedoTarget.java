package zerofs.fs.engine;

import java.nio.ByteBuffer;
import zerofs.fs.row.Inode;
import zerofs.objectstore.StorageException;

/// For fuzzing.
public final class RedoTarget {
  private RedoTarget() {}

  /// Reads a record of the journal, and writes what it says: that says the same.
  public static void run(byte[] payload) throws StorageException {
    Copy copy = new Copy();
    RedoRecord.read(ByteBuffer.wrap(payload), copy);
    Copy again = new Copy();
    RedoRecord.read(ByteBuffer.wrap(copy.bytes()), again);
    if (!java.util.Arrays.equals(copy.bytes(), again.bytes())) {
      throw new IllegalStateException("another record after a round");
    }
  }

  /// Writes what it is told.
  private static final class Copy implements RedoRecord.Visitor {
    private final RedoRecord record = new RedoRecord();
    private boolean writes;

    byte[] bytes() {
      ByteBuffer out = ByteBuffer.allocate(record.bytes());
      record.parts().forEach(part -> out.put(part.duplicate()));
      return out.array();
    }

    @Override
    public void row(byte[] key, byte[] value) {
      record.row(key, value);
    }

    @Override
    public void inode(Inode row) {
      record.inode(row);
    }

    @Override
    public void removed(long inode) {
      record.removed(inode);
    }

    @Override
    public void write(long inode, long offset, int flags, ByteBuffer bytes) {
      if (!writes) { // A record has one; who replays takes the last.
        writes = true;
        byte[] copy = new byte[bytes.remaining()];
        bytes.duplicate().get(copy);
        record.write(inode, offset, flags, ByteBuffer.wrap(copy));
      }
    }

    @Override
    public void cut(long inode, long before, long after) {
      record.cut(inode, before, after);
    }

    @Override
    public void usage(long bytes, long inodes) {
      record.usage(bytes, inodes);
    }
  }
}
