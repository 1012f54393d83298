package zerofs.lsm;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.ObjectStore.Body;

/// Makes one SST object in memory. One thread.
final class TableWriter {
  private static final byte[] NO_AAD = {};

  /// Filter and index are one frame each, of at most 1 MiB: 10 bits per row are 625 KB, and the
  /// index may still grow by its last block.
  private static final int ROWS_MAX = 500_000;

  private static final int INDEX_BYTES_MAX = 768 << 10;

  private final ObjectId id;
  private final FrameCodec codec;
  private final FrameCodec.ObjectKey key;
  private final Compression compression;
  private final List<ByteBuffer> parts = new ArrayList<>();
  private final List<Table.BlockHandle> handles = new ArrayList<>();
  private long[] hashes = new long[1024];
  private int rows;
  private final Block.Builder block = new Block.Builder();
  private byte @Nullable [] firstKey;
  private byte[] lastKey = {};
  private int offset;
  private int indexBytes;

  TableWriter(ObjectId id, FrameCodec codec, FrameCodec.ObjectKey key, Compression compression) {
    this.id = id;
    this.codec = codec;
    this.key = key;
    this.compression = compression;
  }

  void add(byte[] rowKey, byte[] value) {
    if (firstKey == null) {
      firstKey = rowKey;
    }
    lastKey = rowKey;
    if (rows == hashes.length) {
      hashes = Arrays.copyOf(hashes, rows * 2);
    }
    hashes[rows++] = BloomFilter.hash(rowKey);
    block.add(rowKey, value);
    if (block.bytes() >= SortedRows.BLOCK_BYTES) {
      endBlock();
    }
  }

  /// Whether it is to be ended: its blocks have so many bytes, or its filter or index would not fit
  /// their frame, as with many small rows, or rows that compress well.
  boolean isFull(int bytesMax) {
    return offset >= bytesMax || rows >= ROWS_MAX || indexBytes >= INDEX_BYTES_MAX;
  }

  private void endBlock() {
    byte[] plain = block.finish();
    int stored = frame(handles.size(), NO_AAD, plain);
    handles.add(new Table.BlockHandle(offset, stored, plain.length, block.lastKey()));
    offset += stored;
    indexBytes += Table.indexBytes(block.lastKey());
  }

  private int frame(long number, byte[] aad, byte[] plain) {
    ByteBuffer out = ByteBuffer.allocate(plain.length + FrameCodec.OVERHEAD_BYTES);
    int stored = codec.encode(key, number, aad, ByteBuffer.wrap(plain), compression, out);
    parts.add(
        ByteBuffer.wrap(Arrays.copyOf(out.array(), stored))); // They wait for the whole table.
    return stored;
  }

  /// A finished SST.
  record Finished(TableDescriptor descriptor, Body body) {}

  Finished finish() {
    if (!block.isEmpty()) {
      endBlock();
    }
    BloomFilter filter = BloomFilter.ofKeys(rows);
    for (int i = 0; i < rows; i++) {
      filter.add(hashes[i]);
    }
    byte[] filterBytes = filter.encode();
    byte[] index = Table.encodeIndex(handles);
    // The footer is the sections' AAD, so their sizes must be known before they are sealed.
    int filterStored = storedRaw(filterBytes);
    int indexStored = storedRaw(index);
    byte[] footer = Table.footer(id, filterStored, indexStored, filterBytes.length, index.length);
    byte[] aad = Arrays.copyOf(footer, Table.FOOTER_BYTES - 4);
    raw(Table.FILTER_FRAME, aad, filterBytes);
    raw(Table.INDEX_FRAME, aad, index);
    parts.add(ByteBuffer.wrap(footer));
    int tail = filterStored + indexStored + Table.FOOTER_BYTES;
    byte[] first = java.util.Objects.requireNonNull(firstKey, "an SST without rows");
    TableDescriptor descriptor =
        new TableDescriptor(
            id,
            (long) offset + tail,
            tail,
            rows,
            HexFormat.of().formatHex(first),
            HexFormat.of().formatHex(lastKey));
    return new Finished(descriptor, new Body(parts));
  }

  private static int storedRaw(byte[] plain) {
    return plain.length + FrameCodec.OVERHEAD_BYTES;
  }

  private void raw(long number, byte[] aad, byte[] plain) {
    ByteBuffer out = ByteBuffer.allocate(storedRaw(plain));
    codec.encode(key, number, aad, ByteBuffer.wrap(plain), new Compression.None(), out);
    parts.add(out.flip());
  }
}
