package zerofs.lsm;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.Keys;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.StorageException;

/// For fuzzing.
public final class TableTarget {
  private static final FrameCodec CODEC =
      new SealedFrameCodec(new Keys(new byte[32], new byte[16]));
  private static final ObjectId ID = new ObjectId(ObjectId.Kind.SST, 1, 1);
  private static final FrameCodec.ObjectKey KEY = CODEC.objectKey(ID, new byte[16]);
  private static final byte[] FILTER = BloomFilter.ofKeys(1).encode();

  private TableTarget() {}

  /// Opens the tail of an SST whose index says what is to be decoded, as a writer with the key
  /// might have stored it; then reads the same bytes as a block.
  public static void run(byte[] input) throws StorageException {
    if (input.length > 1 << 16) {
      return;
    }
    open(input);
    walk(new Block(input));
  }

  private static void open(byte[] index) throws StorageException {
    int overhead = FrameCodec.OVERHEAD_BYTES;
    byte[] footer =
        Table.footer(
            ID, FILTER.length + overhead, index.length + overhead, FILTER.length, index.length);
    byte[] aad = Arrays.copyOf(footer, Table.FOOTER_BYTES - 4);
    ByteBuffer tail =
        ByteBuffer.allocate(FILTER.length + index.length + 2 * overhead + footer.length);
    seal(Table.FILTER_FRAME, aad, FILTER, tail);
    seal(Table.INDEX_FRAME, aad, index, tail);
    tail.put(footer).flip();
    int bytes = tail.remaining();
    TableDescriptor descriptor =
        new TableDescriptor(
            ID, bytes + 1000L, bytes, 1, "00", HexFormat.of().formatHex(new byte[9]));
    try {
      Table table = Table.open(descriptor, tail, bytes + 1000L, CODEC, KEY);
      table.blockOf(new byte[] {1, 2, 3});
    } catch (StorageException.Corrupt e) {
      return; // The block may still be one.
    }
  }

  private static void seal(long frame, byte[] aad, byte[] plain, ByteBuffer out) {
    CODEC.encode(KEY, frame, aad, ByteBuffer.wrap(plain), new Compression.None(), out);
  }

  private static void walk(Block block) throws StorageException {
    Block.Cursor cursor = block.new Cursor();
    byte[] last = {};
    int rows = 0;
    while (cursor.next()) {
      last = cursor.key();
      cursor.value();
      rows++;
    }
    if (rows > 0) {
      block.get(last);
    }
    cursor.seek(new byte[] {0x20});
  }
}
