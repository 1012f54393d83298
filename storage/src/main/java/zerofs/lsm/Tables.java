package zerofs.lsm;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import zerofs.base.CacheCounter;
import zerofs.base.Miss;
import zerofs.base.Tasks;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// SST objects as they are read: bounded caches of open tails and of blocks. Any thread.
final class Tables {
  private static final byte[] NO_AAD = {};

  /// A GET for one block brings its neighbours too: a request costs more than these bytes.
  private static final int PART_BYTES_MAX = 128 << 10;

  /// Of a GET for blocks that nobody asked for yet.
  private static final int WARM_BYTES_MAX = 512 << 10;

  /// A tail as it came, its copy, and what it says.
  private static final int TAIL_COPIES = 4;

  /// Neighbours may not fill the cache: an operation needs blocks of several places at once. They
  /// are smaller in the object than in memory, names that resemble each other by far.
  private static final int PARTS_IN_CACHE_MIN = 16;

  private final ObjectStore store;
  private final FrameCodec codec;
  private final EpochSalts salts;
  private final OpenTables open;
  private final BlockCache blocks;
  private final CacheCounter lookups = new CacheCounter();
  private final ReadMemory memory;
  private final long cacheBytes;

  /// @param cacheBytes memory for blocks, as much again for filters and indexes, and again for
  ///   reads under way
  Tables(ObjectStore store, FrameCodec codec, EpochSalts salts, Tasks tasks, long cacheBytes) {
    this.store = store;
    this.codec = codec;
    this.salts = salts;
    this.open = new OpenTables(tasks, cacheBytes);
    this.blocks = new BlockCache(tasks, cacheBytes);
    this.memory = new ReadMemory(tasks, cacheBytes);
    this.cacheBytes = cacheBytes;
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
    long bytes = (long) TAIL_COPIES * descriptor.tailBytes();
    memory.take(bytes);
    try {
      Table opened = open(descriptor, cause);
      open.add(opened);
      return opened;
    } finally {
      memory.give(bytes);
    }
  }

  private Table open(TableDescriptor descriptor, Cause cause) throws StorageException {
    Table other = open.get(descriptor.id());
    if (other != null) {
      return other; // Of one who missed it as well.
    }
    long start = Math.max(0, descriptor.bytes() - descriptor.tailBytes());
    return checked(
        descriptor.id(),
        start,
        start + descriptor.tailBytes(),
        cause,
        tail ->
            Table.open(descriptor, tail.bytes(), tail.objectBytes(), codec, key(descriptor.id())));
  }

  /// Makes something of bytes of an object, or says that they are damaged.
  private interface Decoding<T> {
    T of(ObjectStore.Fetched fetched) throws StorageException;
  }

  /// Reads bytes `[from, to)` of an object, and once more, of the store itself, when they are
  /// damaged: what was kept on the way here may be of an object that had this name before the
  /// bucket was restored from another time.
  private <T> T checked(ObjectId id, long from, long to, Cause cause, Decoding<T> decoding)
      throws StorageException {
    try {
      return decoding.of(fetched(id, from, to, cause));
    } catch (StorageException.Corrupt e) {
      store.forget(id.key(), from, to);
      return decoding.of(fetched(id, from, to, cause));
    }
  }

  private ObjectStore.Fetched fetched(ObjectId id, long from, long to, Cause cause)
      throws StorageException {
    ObjectStore.Fetched fetched = store.get(id.key(), from, Math.toIntExact(to - from), cause);
    if (fetched == null) {
      throw missing(id);
    }
    return fetched;
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
    return blocks.bytes() + open.bytes();
  }

  CacheCounter lookups() {
    return lookups;
  }

  /// A block of a table; throws Miss when it is not in memory and the caller may not wait.
  Block block(Table table, int index, boolean mayWait) throws StorageException {
    lookups.lookedUp();
    Block block = blocks.get(table.id(), index);
    if (block != null) {
      return block;
    }
    if (!mayWait) {
      throw new Miss(() -> fetch(table, index));
    }
    return fetch(table, index);
  }

  private Block fetch(Table table, int index) throws StorageException {
    lookups.missed();
    long plainMax = cacheBytes / PARTS_IN_CACHE_MIN;
    long bytes = PART_BYTES_MAX + plainMax;
    memory.take(bytes);
    try {
      Block other = blocks.get(table.id(), index);
      if (other != null) {
        return other; // Of one who missed it as well.
      }
      List<Block> fetched = read(table, index, PART_BYTES_MAX, plainMax, Cause.METADATA);
      blocks.add(table.id(), index, fetched);
      return fetched.getFirst();
    } finally {
      memory.give(bytes);
    }
  }

  /// Brings the tail of a table into memory, and its blocks, as long as there is room without
  /// putting anything out.
  ///
  /// @param goesOn asked before each request
  /// @return whether there is room for more
  boolean warm(TableDescriptor descriptor, boolean withBlocks, BooleanSupplier goesOn)
      throws StorageException {
    boolean hasRoom = open.get(descriptor.id()) != null || open.hasRoom(descriptor.tailBytes());
    if (!hasRoom || !goesOn.getAsBoolean()) {
      return false;
    }
    Table table = table(descriptor, true, Cause.WARMUP);
    return !withBlocks || warmBlocks(table, goesOn);
  }

  private boolean warmBlocks(Table table, BooleanSupplier goesOn) throws StorageException {
    long plainMax = cacheBytes / PARTS_IN_CACHE_MIN;
    long bytes = WARM_BYTES_MAX + plainMax;
    int index = 0;
    while (index < table.blocks().size()) {
      if (blocks.bytes() + plainMax > cacheBytes || !goesOn.getAsBoolean()) {
        return false;
      }
      memory.take(bytes);
      try {
        List<Block> fetched = read(table, index, WARM_BYTES_MAX, plainMax, Cause.WARMUP);
        blocks.add(table.id(), index, fetched);
        index += fetched.size();
      } finally {
        memory.give(bytes);
      }
    }
    return true;
  }

  /// What one of several cursors that are walked together may have read ahead, in bytes of rows.
  long readAheadBytes(int cursors) {
    return Math.max(1, cacheBytes / 2 / cursors);
  }

  /// Reads blocks from `index` on with one request: those that fit, and at least one.
  ///
  /// @param storedMax bytes in the object
  /// @param plainMax bytes in memory
  List<Block> read(Table table, int index, int storedMax, long plainMax, Cause cause)
      throws StorageException {
    List<Table.BlockHandle> handles = table.blocks();
    Table.BlockHandle first = handles.get(index);
    long plain = first.plainBytes();
    int beyond = index + 1;
    while (beyond < handles.size()
        && end(handles.get(beyond)) - first.offset() <= storedMax
        && plain + handles.get(beyond).plainBytes() <= plainMax) {
      plain += handles.get(beyond).plainBytes();
      beyond++;
    }
    int to = beyond;
    return checked(
        table.id(),
        first.offset(),
        end(handles.get(to - 1)),
        cause,
        fetched -> decode(table, index, to, fetched.bytes()));
  }

  /// @param bytes of the blocks `[from, to)`
  private List<Block> decode(Table table, int from, int to, ByteBuffer bytes)
      throws StorageException {
    String name = table.id().key();
    int base = table.blocks().get(from).offset();
    if (bytes.remaining() != end(table.blocks().get(to - 1)) - base) {
      throw new StorageException.Corrupt(name + " is shorter than its index says");
    }
    FrameCodec.ObjectKey key = key(table.id());
    List<Block> read = new ArrayList<>();
    for (int i = from; i < to; i++) {
      read.add(decode(name, key, i, table.blocks().get(i), bytes, base));
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
  ///
  /// @param run its tables, in order of their keys
  byte @Nullable [] get(List<TableDescriptor> run, byte[] key, long hash, boolean mayWait)
      throws StorageException {
    int at = tableOf(run, key);
    if (at == run.size() || compare(run.get(at).firstKey(), key) > 0) {
      return null;
    }
    Table table = table(run.get(at), mayWait, Cause.METADATA);
    if (!table.mayContain(key, hash)) {
      return null;
    }
    int block = table.blockOf(key);
    return block == table.blocks().size() ? null : block(table, block, mayWait).get(key);
  }

  /// Index of the first table whose last key is at least `key`; run.size() if none.
  private static int tableOf(List<TableDescriptor> run, byte[] key) {
    int low = 0;
    int high = run.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (compare(run.get(middle).lastKey(), key) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /// Compares a key in hexadecimal with one in bytes; every lookup asks this of some tables, so
  /// nothing is made for it.
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
