package zerofs.lsm;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import zerofs.base.Miss;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// SST objects as they are read: open tails, and a bounded cache of blocks. Any thread.
final class Tables {
  private static final byte[] NO_AAD = {};

  /// A GET for one block brings its neighbours too: a request costs more than these bytes.
  private static final int PART_BYTES = 128 << 10;

  private final ObjectStore store;
  private final FrameCodec codec;
  private final EpochSalts salts;
  private final Map<ObjectId, Table> open = new ConcurrentHashMap<>();
  private final Cache<BlockKey, Block> blocks;

  private record BlockKey(ObjectId table, int block) {}

  Tables(ObjectStore store, FrameCodec codec, EpochSalts salts, long cacheBytes) {
    this.store = store;
    this.codec = codec;
    this.salts = salts;
    this.blocks =
        Caffeine.newBuilder()
            .maximumWeight(cacheBytes)
            .weigher((BlockKey key, Block block) -> block.bytes().length + 100)
            .executor(Runnable::run)
            .build();
  }

  FrameCodec.ObjectKey key(ObjectId id) throws StorageException {
    return codec.objectKey(id, salts.salt(id.epoch()));
  }

  /// The open table; throws Miss when its tail is not in memory and the caller may not wait.
  Table table(TableDescriptor descriptor, boolean mayWait, Cause cause) throws StorageException {
    Table table = open.get(descriptor.id());
    if (table != null) {
      return table;
    }
    if (!mayWait) {
      throw new Miss(() -> table(descriptor, true, cause));
    }
    long start = Math.max(0, descriptor.bytes() - descriptor.tailBytes());
    ObjectStore.Fetched tail =
        store.get(descriptor.id().key(), start, descriptor.tailBytes(), cause);
    if (tail == null) {
      throw missing(descriptor.id());
    }
    ObjectId id = descriptor.id();
    Table opened = Table.open(descriptor, tail.bytes(), tail.objectBytes(), codec, key(id));
    open.putIfAbsent(id, opened);
    return opened;
  }

  private static StorageException missing(ObjectId id) {
    return new StorageException.Corrupt(
        "object " + id.key() + " is missing: the manifest names it");
  }

  /// Forgets a table that no manifest names any more.
  void forget(ObjectId id) {
    open.remove(id);
  }

  long cachedBytes() {
    return blocks.policy().eviction().map(e -> e.weightedSize().orElse(0)).orElse(0L);
  }

  /// A block of a table; throws Miss when it is not in memory and the caller may not wait.
  Block block(Table table, int index, boolean mayWait) throws StorageException {
    Block block = blocks.getIfPresent(new BlockKey(table.id(), index));
    if (block != null) {
      return block;
    }
    if (!mayWait) {
      throw new Miss(() -> fetch(table, index, PART_BYTES, Cause.METADATA));
    }
    return fetch(table, index, PART_BYTES, Cause.METADATA);
  }

  private Block fetch(Table table, int index, int bytes, Cause cause) throws StorageException {
    Block wanted = null;
    int at = index;
    for (Block each : read(table, index, bytes, cause)) {
      blocks.put(new BlockKey(table.id(), at++), each);
      wanted = wanted == null ? each : wanted;
    }
    return java.util.Objects.requireNonNull(wanted);
  }

  /// Reads blocks from `index` on, about `bytes` of them, with one request.
  java.util.List<Block> read(Table table, int index, int bytes, Cause cause)
      throws StorageException {
    Table.BlockHandle first = table.blocks().get(index);
    int last = index;
    while (last + 1 < table.blocks().size()
        && end(table.blocks().get(last + 1)) - first.offset() <= bytes) {
      last++;
    }
    int length = Math.toIntExact(end(table.blocks().get(last)) - first.offset());
    String name = table.id().key();
    ObjectStore.Fetched fetched = store.get(name, first.offset(), length, cause);
    if (fetched == null) {
      throw missing(table.id());
    }
    if (fetched.bytes().remaining() != length) {
      throw new StorageException.Corrupt(name + " is shorter than its index says");
    }
    FrameCodec.ObjectKey key = key(table.id());
    java.util.List<Block> read = new java.util.ArrayList<>();
    for (int i = index; i <= last; i++) {
      Table.BlockHandle handle = table.blocks().get(i);
      read.add(decode(name, key, i, handle, fetched.bytes(), first.offset()));
    }
    return read;
  }

  private static long end(Table.BlockHandle handle) {
    return (long) handle.offset() + handle.storedBytes();
  }

  private Block decode(
      String name,
      FrameCodec.ObjectKey key,
      int index,
      Table.BlockHandle handle,
      ByteBuffer bytes,
      int base)
      throws StorageException {
    ByteBuffer plain = ByteBuffer.allocate(handle.plainBytes());
    try {
      ByteBuffer frame =
          bytes.slice(bytes.position() + handle.offset() - base, handle.storedBytes());
      codec.decode(key, index, NO_AAD, frame, plain);
      return new Block(plain.array());
    } catch (StorageException.Corrupt e) {
      throw new StorageException.Corrupt(name + ", block " + index + ": " + e.getMessage(), e);
    }
  }

  /// The value of a key in one run, or null.
  byte @Nullable [] get(Iterable<TableDescriptor> run, byte[] key, long hash, boolean mayWait)
      throws StorageException {
    for (TableDescriptor descriptor : run) {
      if (mayHold(descriptor, key)) {
        Table table = table(descriptor, mayWait, Cause.METADATA);
        if (!table.mayContain(key, hash)) {
          return null;
        }
        int block = table.blockOf(key);
        return block == table.blocks().size() ? null : block(table, block, mayWait).get(key);
      }
    }
    return null;
  }

  private static boolean mayHold(TableDescriptor descriptor, byte[] key) {
    return compare(descriptor.firstKey(), key) <= 0 && compare(descriptor.lastKey(), key) >= 0;
  }

  /// Compares a key in hexadecimal with one in bytes; a lookup asks this of every table, so nothing
  /// is made for it.
  private static int compare(String hex, byte[] key) {
    int bytes = hex.length() / 2;
    for (int i = 0; i < Math.min(bytes, key.length); i++) {
      int value = HexFormat.fromHexDigits(hex, 2 * i, 2 * i + 2);
      if (value != (key[i] & 0xff)) {
        return value - (key[i] & 0xff);
      }
    }
    return bytes - key.length;
  }
}
