package zerofs.lsm;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.StorageException;

/// Tail of an SST object, opened: its filter and index. Immutable.
///
/// ```text
/// object = block frames 0, 1, 2, … | filter frame | index frame | footer
/// index  = count 4 | per block: offset 4 | stored bytes 4 | plain bytes 4 | key bytes 2 | last key
/// footer (48 bytes)
///  0 magic 4 | 4 version 2 | 6 reserved 2 | 8 epoch 4 | 12 number 8
/// 20 filterStored 4 | 24 indexStored 4 | 28 filterPlain 4 | 32 indexPlain 4
/// 36 reserved 8 | 44 crc32c of the footer before it
/// ```
///
/// Little-endian. Filter and index are sections (frame numbers SECTION_FRAMES_START and + 1); the
/// footer before its crc is their AAD. Spec: docs/FORMAT.md "SST".
final class Table {
  /// "ZFST".
  static final int MAGIC = 0x5453465a;

  static final int VERSION = 1;
  static final int FOOTER_BYTES = 48;
  static final long FILTER_FRAME = FrameCodec.SECTION_FRAMES_START;
  static final long INDEX_FRAME = FrameCodec.SECTION_FRAMES_START + 1;

  /// Where a block lies. The key is not changed after construction.
  record BlockHandle(int offset, int storedBytes, int plainBytes, byte[] lastKey) {
    @Override
    public boolean equals(Object other) {
      return other instanceof BlockHandle handle && offset == handle.offset;
    }

    @Override
    public int hashCode() {
      return offset;
    }
  }

  private final TableDescriptor descriptor;
  private final BloomFilter filter;
  private final List<BlockHandle> blocks;
  private final byte[] firstKey;
  private final byte[] lastKey;

  Table(TableDescriptor descriptor, BloomFilter filter, List<BlockHandle> blocks) {
    this.descriptor = descriptor;
    this.filter = filter;
    this.blocks = List.copyOf(blocks);
    this.firstKey = HexFormat.of().parseHex(descriptor.firstKey());
    this.lastKey = HexFormat.of().parseHex(descriptor.lastKey());
  }

  BloomFilter filter() {
    return filter;
  }

  ObjectId id() {
    return descriptor.id();
  }

  TableDescriptor descriptor() {
    return descriptor;
  }

  List<BlockHandle> blocks() {
    return blocks;
  }

  boolean mayContain(byte[] key, long hash) {
    return Arrays.compareUnsigned(firstKey, key) <= 0
        && Arrays.compareUnsigned(key, lastKey) <= 0
        && filter.mayContain(hash);
  }

  /// Index of the first block whose last key is at least `key`; blocks().size() if none.
  int blockOf(byte[] key) {
    int low = 0;
    int high = blocks.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Arrays.compareUnsigned(blocks.get(middle).lastKey(), key) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /// What the index needs for a block.
  static int indexBytes(byte[] lastKey) {
    return 14 + lastKey.length;
  }

  static byte[] encodeIndex(List<BlockHandle> blocks) {
    int bytes = 4;
    for (BlockHandle each : blocks) {
      bytes += indexBytes(each.lastKey());
    }
    ByteBuffer out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(blocks.size());
    for (BlockHandle each : blocks) {
      out.putInt(each.offset()).putInt(each.storedBytes()).putInt(each.plainBytes());
      out.putShort((short) each.lastKey().length).put(each.lastKey());
    }
    return out.array();
  }

  private static List<BlockHandle> decodeIndex(byte[] bytes, long blocksEnd)
      throws StorageException.Corrupt {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    int count = bytes.length < 4 ? -1 : in.getInt();
    if (count < 1 || count > bytes.length / 14) {
      throw new StorageException.Corrupt("SST index of " + bytes.length + " bytes");
    }
    List<BlockHandle> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      if (in.remaining() < 14) {
        throw new StorageException.Corrupt("SST index ends early");
      }
      int offset = in.getInt();
      int stored = in.getInt();
      int plain = in.getInt();
      int keyBytes = Short.toUnsignedInt(in.getShort());
      boolean inside = offset >= 0 && stored > 0 && (long) offset + stored <= blocksEnd;
      if (!inside || plain < 0 || plain > 1 << 20 || keyBytes > in.remaining()) {
        throw new StorageException.Corrupt("SST index: block " + i + " out of range");
      }
      byte[] key = new byte[keyBytes];
      in.get(key);
      blocks.add(new BlockHandle(offset, stored, plain, key));
    }
    return blocks;
  }

  static byte[] footer(
      ObjectId id, int filterStored, int indexStored, int filterPlain, int indexPlain) {
    ByteBuffer out = ByteBuffer.allocate(FOOTER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).putShort((short) VERSION).putShort((short) 0);
    out.putInt(id.epoch()).putLong(id.number());
    out.putInt(filterStored).putInt(indexStored).putInt(filterPlain).putInt(indexPlain);
    out.putLong(0);
    out.putInt(FOOTER_BYTES - 4, crc(out.array()));
    return out.array();
  }

  private static int crc(byte[] footer) {
    CRC32C crc = new CRC32C();
    crc.update(footer, 0, FOOTER_BYTES - 4);
    return (int) crc.getValue();
  }

  /// Opens the tail of an SST.
  ///
  /// @param tail the last bytes of the object, at least `descriptor.tailBytes()`
  static Table open(
      TableDescriptor descriptor,
      ByteBuffer tail,
      long objectBytes,
      FrameCodec codec,
      FrameCodec.ObjectKey key)
      throws StorageException {
    String name = descriptor.id().key();
    if (objectBytes != descriptor.bytes() || tail.remaining() < descriptor.tailBytes()) {
      throw new StorageException.Corrupt(
          name + " has " + objectBytes + " bytes, the manifest says " + descriptor.bytes());
    }
    byte[] bytes = new byte[descriptor.tailBytes()];
    tail.get(tail.limit() - bytes.length, bytes);
    byte[] footer = Arrays.copyOfRange(bytes, bytes.length - FOOTER_BYTES, bytes.length);
    ByteBuffer in = ByteBuffer.wrap(footer).order(ByteOrder.LITTLE_ENDIAN);
    if (in.getInt(0) != MAGIC || crc(footer) != in.getInt(FOOTER_BYTES - 4)) {
      throw new StorageException.Corrupt(name + ": the footer is damaged");
    }
    if (Short.toUnsignedInt(in.getShort(4)) > VERSION) {
      throw new StorageException.Invalid(
          StorageException.Invalid.Reason.FORMAT_TOO_NEW,
          name + " has format version " + in.getShort(4) + ": use a newer release");
    }
    if (in.getInt(8) != descriptor.id().epoch() || in.getLong(12) != descriptor.id().number()) {
      throw new StorageException.Corrupt(name + " holds another SST");
    }
    int filterStored = in.getInt(20);
    int indexStored = in.getInt(24);
    if (filterStored < 0
        || indexStored < 0
        || (long) filterStored + indexStored + FOOTER_BYTES != bytes.length) {
      throw new StorageException.Corrupt(name + ": sections out of range");
    }
    byte[] aad = Arrays.copyOf(footer, FOOTER_BYTES - 4);
    try {
      byte[] filter = section(codec, key, FILTER_FRAME, aad, bytes, 0, filterStored, in.getInt(28));
      byte[] index =
          section(codec, key, INDEX_FRAME, aad, bytes, filterStored, indexStored, in.getInt(32));
      return new Table(
          descriptor,
          BloomFilter.decode(filter),
          decodeIndex(index, objectBytes - descriptor.tailBytes()));
    } catch (StorageException.Corrupt e) {
      throw new StorageException.Corrupt(name + ", filter or index: " + e.getMessage(), e);
    }
  }

  private static byte[] section(
      FrameCodec codec,
      FrameCodec.ObjectKey key,
      long frame,
      byte[] aad,
      byte[] bytes,
      int offset,
      int stored,
      int plain)
      throws StorageException {
    if (plain < 0 || plain > 1 << 20) {
      throw new StorageException.Corrupt("SST section of " + plain + " bytes");
    }
    ByteBuffer out = ByteBuffer.allocate(plain);
    codec.decode(key, frame, aad, ByteBuffer.wrap(bytes, offset, stored), out);
    return Arrays.copyOf(out.array(), out.position());
  }
}
