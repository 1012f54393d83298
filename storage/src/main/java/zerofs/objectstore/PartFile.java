package zerofs.objectstore;

import com.dynatrace.hash4j.hashing.HashValue128;
import com.dynatrace.hash4j.hashing.Hashing;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Parts of immutable objects in one file: slots of 128 KiB, each for one aligned part of one
/// object, of which any 4 KiB *sectors* may be there. Every sector has a checksum over what it is
/// and what it holds, so nothing ever needs to be synced or ordered: whatever a crash, another
/// version or a bad disk left is either whole or a miss.
///
/// ```text
/// file   = header of 4096 | a record of 256 for each slot | slots of 131072
/// header = magic 4 | version 4 | slots 4 | crc32c of the 12 bytes before 4
/// record
///   0 identity 16: xxh3-128 of (volume id | object key | part number 8)
///  16 object bytes 8 | 24 sectors that are there, a bit each 4
///  28 reserved 4 | 32 crc32c of each sector: of (identity | its bytes) 32 × 4
/// 160 reserved 92 | 252 crc32c of the record before it
/// ```
///
/// Little-endian. It is a cache: a header that does not fit makes it begin empty, so no version has
/// to read another's. In memory: where each identity is, CLOCK bits, pins; 27 to 35 bytes for each
/// slot.
///
/// Any thread. The mutex is never held across I/O: a slot that is read or written is pinned, so
/// that it does not become another part's meanwhile; two writers of one slot exclude each other.
final class PartFile implements AutoCloseable {
  static final int PART_BYTES = 128 << 10;
  static final int SECTOR_BYTES = 4 << 10;

  private static final int MAGIC = 0x43504653; // "SFPC"
  private static final int VERSION = 1;
  private static final int HEADER_BYTES = 4096;
  private static final int HEADER_USED_BYTES = 16;
  private static final int RECORD_BYTES = 256;
  private static final int RECORDS_AT_ONCE = 4096;
  private static final int IDENTITY_BYTES = 16;
  private static final int SUMS_AT = 32;

  /// What a slot takes in memory, at most.
  static final int MEMORY_BYTES = 35;

  /// 32 TiB.
  private static final int SLOTS_MAX = 1 << 28;

  /// How many slots one look for room passes: beyond that all are in use.
  private static final int LOOKS_MAX = 4096;

  private static final int BUFFERS_MAX = 16;

  private static final int WRITING = -1;
  private static final int NONE = -1;

  private final FileChannel channel;
  private final byte[] volumeId;
  private final int slots;
  private final Tasks.Mutex mutex;

  /// Identity of each slot's part, two longs; both 0 = empty.
  private final long[] identities;

  /// Hash table, open addressing: slot + 1; 0 = empty.
  private final int[] table;

  private final boolean[] referenced;

  /// Readers of each slot, or WRITING.
  private final short[] pins;

  /// For reading; more readers at a time make their own.
  private final Deque<ByteBuffer> buffers = new ArrayDeque<>();

  private int hand;
  private int used;

  /// No slot before this one is empty.
  private int emptyFrom;

  private PartFile(FileChannel channel, byte[] volumeId, int slots, Tasks tasks) {
    this.channel = channel;
    this.volumeId = volumeId.clone();
    this.slots = slots;
    this.mutex = tasks.newMutex("part file");
    this.identities = new long[2 * slots];
    this.table = new int[Integer.highestOneBit(slots) * 4];
    this.referenced = new boolean[slots];
    this.pins = new short[slots];
  }

  /// Opens the file, or makes it; what is in it is there again.
  ///
  /// @param bytes how large it may get
  /// @param indexBytesMax memory for its index, for which it may have to stay smaller
  static PartFile open(Path path, byte[] volumeId, long bytes, long indexBytesMax, Tasks tasks)
      throws IOException {
    long wanted = slotsOf(bytes);
    int slots = Math.clamp(Math.min(wanted, indexBytesMax / MEMORY_BYTES), 1, SLOTS_MAX);
    FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    boolean opened = false;
    try {
      PartFile file = new PartFile(channel, volumeId, slots, tasks);
      file.load();
      opened = true;
      return file;
    } finally {
      if (!opened) {
        channel.close();
      }
    }
  }

  /// How many slots a file of so many bytes has, however much memory they take.
  static long slotsOf(long bytes) {
    long room = bytes - HEADER_BYTES - SECTOR_BYTES; // Slots begin at the next whole sector.
    return room / (PART_BYTES + RECORD_BYTES);
  }

  int slots() {
    return slots;
  }

  /// Slots that hold something.
  int used() {
    mutex.lock();
    try {
      return used;
    } finally {
      mutex.unlock();
    }
  }

  private void load() throws IOException {
    ByteBuffer header = buffer(HEADER_USED_BYTES);
    boolean isOurs = readFully(header, 0) && header.flip().equals(header(slots));
    if (!isOurs) {
      channel.truncate(0);
      writeFully(header(slots), 0);
      return;
    }
    ByteBuffer records = buffer(RECORDS_AT_ONCE * RECORD_BYTES);
    for (int first = 0; first < slots; first += RECORDS_AT_ONCE) {
      int count = Math.min(RECORDS_AT_ONCE, slots - first);
      boolean whole = readFully(records.clear().limit(count * RECORD_BYTES), recordAt(first));
      int got = records.position() / RECORD_BYTES;
      for (int i = 0; i < got; i++) {
        ByteBuffer record = records.slice(i * RECORD_BYTES, RECORD_BYTES);
        install(first + i, record.order(ByteOrder.LITTLE_ENDIAN));
      }
      if (!whole) {
        return; // No slot beyond was ever written.
      }
    }
  }

  private void install(int slot, ByteBuffer record) {
    long high = record.getLong(0);
    long low = record.getLong(8);
    boolean empty = (high | low) == 0;
    if (!empty && isWhole(record) && find(high, low) == NONE) {
      set(slot, high, low);
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer header(int slots) {
    ByteBuffer header = buffer(HEADER_USED_BYTES);
    header.putInt(MAGIC).putInt(VERSION).putInt(slots);
    header.putInt(crc(header.slice(0, header.position())));
    return header.flip();
  }

  private static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes);
    return (int) crc.getValue();
  }

  private static boolean isWhole(ByteBuffer record) {
    return crc(record.slice(0, RECORD_BYTES - 4)) == record.getInt(RECORD_BYTES - 4);
  }

  /// @return false when the file ended before
  private boolean readFully(ByteBuffer target, long at) throws IOException {
    long from = at;
    while (target.hasRemaining()) {
      int count = channel.read(target, from);
      if (count < 0) {
        return false;
      }
      from += count;
    }
    return true;
  }

  private void writeFully(ByteBuffer source, long at) throws IOException {
    long to = at;
    while (source.hasRemaining()) {
      to += channel.write(source, to);
    }
  }

  private static long recordAt(int slot) {
    return HEADER_BYTES + (long) slot * RECORD_BYTES;
  }

  private long slotAt(int slot) {
    long start = HEADER_BYTES + (long) slots * RECORD_BYTES;
    long aligned = (start + SECTOR_BYTES - 1) / SECTOR_BYTES * SECTOR_BYTES;
    return aligned + (long) slot * PART_BYTES;
  }

  /// What names one part of one object of this volume.
  private HashValue128 identity(String key, long part) {
    byte[] name = key.getBytes(StandardCharsets.UTF_8);
    byte[] all =
        ByteBuffer.allocate(volumeId.length + name.length + Long.BYTES)
            .put(volumeId)
            .put(name)
            .putLong(part)
            .array();
    return Hashing.xxh3_128().hashBytesTo128Bits(all);
  }

  // What follows down to release() is called with the mutex held.

  private int bucket(long low) {
    return (int) low & table.length - 1;
  }

  private int find(long high, long low) {
    for (int at = bucket(low); table[at] != 0; at = at + 1 & table.length - 1) {
      int slot = table[at] - 1;
      if (identities[2 * slot] == high && identities[2 * slot + 1] == low) {
        return slot;
      }
    }
    return NONE;
  }

  private void set(int slot, long high, long low) {
    identities[2 * slot] = high;
    identities[2 * slot + 1] = low;
    int at = bucket(low);
    while (table[at] != 0) {
      at = at + 1 & table.length - 1;
    }
    table[at] = slot + 1;
    used++;
  }

  /// Empties a slot; the entries behind it in the table move up, so that they are still found.
  private void clear(int slot) {
    int mask = table.length - 1;
    int hole = bucket(identities[2 * slot + 1]);
    while (table[hole] != slot + 1) {
      hole = hole + 1 & mask;
    }
    for (int at = hole + 1 & mask; table[at] != 0; at = at + 1 & mask) {
      int home = bucket(identities[2 * (table[at] - 1) + 1]);
      if ((at - home & mask) >= (at - hole & mask)) {
        table[hole] = table[at];
        hole = at;
      }
    }
    table[hole] = 0;
    identities[2 * slot] = 0;
    identities[2 * slot + 1] = 0;
    referenced[slot] = false;
    emptyFrom = Math.min(emptyFrom, slot);
    used--;
  }

  private boolean isEmpty(int slot) {
    return (identities[2 * slot] | identities[2 * slot + 1]) == 0;
  }

  /// A slot that nobody uses: an empty one; if there is none, the first that was not read since the
  /// hand passed it.
  private int take() {
    while (used < slots) {
      if (isEmpty(emptyFrom)) {
        return emptyFrom;
      }
      emptyFrom++;
    }
    for (int looks = 0; looks < Math.min(LOOKS_MAX, 2 * slots + 1); looks++) {
      int slot = hand;
      hand = (hand + 1) % slots;
      if (pins[slot] == 0 && !referenced[slot]) {
        clear(slot);
        return slot;
      }
      referenced[slot] = false;
    }
    return NONE;
  }

  private int pin(HashValue128 identity, boolean toWrite) {
    mutex.lock();
    try {
      long high = identity.getMostSignificantBits();
      long low = identity.getLeastSignificantBits();
      int slot = find(high, low);
      if (slot == NONE && toWrite) {
        slot = take();
        if (slot != NONE) {
          set(slot, high, low);
        }
      }
      if (slot == NONE || pins[slot] == WRITING || toWrite && pins[slot] != 0) {
        return NONE;
      }
      if (!toWrite && pins[slot] == Short.MAX_VALUE) {
        return NONE;
      }
      pins[slot] = (short) (toWrite ? WRITING : pins[slot] + 1);
      referenced[slot] |= !toWrite;
      return slot;
    } finally {
      mutex.unlock();
    }
  }

  private void release(int slot, boolean keep) {
    mutex.lock();
    try {
      pins[slot] = (short) (pins[slot] == WRITING ? 0 : pins[slot] - 1);
      if (!keep && pins[slot] == 0) {
        clear(slot);
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Whether anything of a part is there.
  boolean mayHold(String key, long part) {
    HashValue128 identity = identity(key, part);
    mutex.lock();
    try {
      return find(identity.getMostSignificantBits(), identity.getLeastSignificantBits()) != NONE;
    } finally {
      mutex.unlock();
    }
  }

  /// Reads `target.remaining()` bytes at `from` of a part, or less where the object ends before.
  ///
  /// @return the size of the object; -1 when not all of it is there
  long read(String key, long part, int from, ByteBuffer target) throws IOException {
    HashValue128 identity = identity(key, part);
    int slot = pin(identity, false);
    if (slot == NONE) {
      return -1;
    }
    boolean keep = true;
    try {
      ByteBuffer record = record(slot, identity);
      keep = record != null;
      return record == null ? -1 : read(slot, part, record, from, target);
    } finally {
      release(slot, keep);
    }
  }

  /// The record of a slot; null when it is damaged or another part's.
  private @Nullable ByteBuffer record(int slot, HashValue128 identity) throws IOException {
    ByteBuffer record = buffer(RECORD_BYTES);
    boolean valid =
        readFully(record, recordAt(slot))
            && isWhole(record.flip())
            && record.getLong(0) == identity.getMostSignificantBits()
            && record.getLong(8) == identity.getLeastSignificantBits();
    return valid ? record : null;
  }

  private long read(int slot, long part, ByteBuffer record, int from, ByteBuffer target)
      throws IOException {
    long objectBytes = record.getLong(16);
    int there = Math.clamp(objectBytes - part * PART_BYTES, 0, PART_BYTES);
    int end = Math.min(there, from + target.remaining());
    if (from >= end) {
      return objectBytes;
    }
    int first = from / SECTOR_BYTES;
    int last = (end - 1) / SECTOR_BYTES;
    if (!hasAll(record.getInt(24), first, last)) {
      return -1;
    }
    int start = first * SECTOR_BYTES;
    ByteBuffer bytes = takeBuffer();
    try {
      bytes.clear().limit(Math.min(there, (last + 1) * SECTOR_BYTES) - start);
      if (!readFully(bytes, slotAt(slot) + start)) {
        return -1;
      }
      bytes.flip();
      for (int i = first; i <= last; i++) {
        if (sum(record, bytes, start, i) != record.getInt(SUMS_AT + 4 * i)) {
          return -1;
        }
      }
      target.put(bytes.slice(from - start, end - from));
      return objectBytes;
    } finally {
      giveBack(bytes);
    }
  }

  private ByteBuffer takeBuffer() {
    mutex.lock();
    try {
      ByteBuffer kept = buffers.pollLast();
      return kept == null ? buffer(PART_BYTES) : kept;
    } finally {
      mutex.unlock();
    }
  }

  private void giveBack(ByteBuffer buffer) {
    mutex.lock();
    try {
      if (buffers.size() < BUFFERS_MAX) {
        buffers.addLast(buffer);
      }
    } finally {
      mutex.unlock();
    }
  }

  private static boolean hasAll(int sectors, int first, int last) {
    for (int i = first; i <= last; i++) {
      if ((sectors & 1 << i) == 0) {
        return false;
      }
    }
    return true;
  }

  /// Checksum of a sector.
  ///
  /// @param bytes of the part, from `start` on
  private static int sum(ByteBuffer record, ByteBuffer bytes, int start, int sector) {
    int at = sector * SECTOR_BYTES - start;
    CRC32C crc = new CRC32C();
    crc.update(record.slice(0, IDENTITY_BYTES));
    crc.update(bytes.slice(at, Math.min(SECTOR_BYTES, bytes.limit() - at)));
    return (int) crc.getValue();
  }

  /// Keeps bytes of a part: whole sectors, or up to the object's end. Does nothing while the slot,
  /// or every slot, is in use.
  void write(String key, long part, int from, ByteBuffer source, long objectBytes)
      throws IOException {
    HashValue128 identity = identity(key, part);
    int slot = pin(identity, true);
    if (slot == NONE) {
      return;
    }
    boolean written = false;
    try {
      ByteBuffer record = record(slot, identity);
      if (record == null || record.getLong(16) != objectBytes) {
        record = buffer(RECORD_BYTES);
        record.putLong(0, identity.getMostSignificantBits());
        record.putLong(8, identity.getLeastSignificantBits());
        record.putLong(16, objectBytes);
      }
      ByteBuffer bytes = source.slice();
      int sectors = record.getInt(24);
      int last = (from + bytes.limit() - 1) / SECTOR_BYTES;
      for (int i = from / SECTOR_BYTES; i <= last; i++) {
        record.putInt(SUMS_AT + 4 * i, sum(record, bytes, from, i));
        sectors |= 1 << i;
      }
      record.putInt(24, sectors);
      record.putInt(RECORD_BYTES - 4, crc(record.slice(0, RECORD_BYTES - 4)));
      writeFully(bytes, slotAt(slot) + from);
      writeFully(record.clear(), recordAt(slot));
      written = true;
    } finally {
      release(slot, written);
    }
  }

  /// Lets go of a part, on the disk too: no restart brings it back. While it is written it stays.
  void drop(String key, long part) throws IOException {
    int slot = pin(identity(key, part), false);
    if (slot == NONE) {
      return;
    }
    try {
      writeFully(buffer(RECORD_BYTES), recordAt(slot));
    } finally {
      release(slot, false);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
