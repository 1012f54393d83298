package zerofs.simulation;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.FileType;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes.Time;

/// An inode of the model: plain objects in memory.
final class ModelNode {
  private static final int BLOCK_BYTES = 4096;
  private static final int EXTENT_BYTES = 32 << 10;

  final long inode;
  final FileType type;
  int mode;
  int uid;
  int gid;
  int nlink;
  long size;
  int major;
  int minor;
  long verifier;
  String target = "";
  Time atime;
  Time mtime;
  Time ctime;
  Time btime;
  int opens;

  /// Names of a directory in order of their cookies; a name that is replaced keeps its place.
  final Map<Name, ModelNode> entries = new LinkedHashMap<>();

  @Nullable ModelNode parent;

  /// Bytes of a file by block; what is not there is zero.
  private final TreeMap<Long, byte[]> blocks = new TreeMap<>();

  /// Extents of a file of which a byte was ever written since they were last cut off.
  private final TreeSet<Long> extents = new TreeSet<>();

  ModelNode(long inode, FileType type, Time now) {
    this.inode = inode;
    this.type = type;
    atime = now;
    mtime = now;
    ctime = now;
    btime = now;
  }

  boolean isDirectory() {
    return type == FileType.DIRECTORY;
  }

  boolean isFile() {
    return type == FileType.REGULAR;
  }

  long subdirectories() {
    return entries.values().stream().filter(ModelNode::isDirectory).count();
  }

  /// A copy that shares no state but what never changes; names and parent are left out.
  ModelNode detachedCopy() {
    ModelNode copy = new ModelNode(inode, type, btime);
    copy.mode = mode;
    copy.uid = uid;
    copy.gid = gid;
    copy.nlink = nlink;
    copy.size = size;
    copy.major = major;
    copy.minor = minor;
    copy.verifier = verifier;
    copy.target = target;
    copy.atime = atime;
    copy.mtime = mtime;
    copy.ctime = ctime;
    copy.opens = opens;
    blocks.forEach((number, bytes) -> copy.blocks.put(number, bytes.clone()));
    copy.extents.addAll(extents);
    return copy;
  }

  /// Space of a file: its extents, but not more than its size rounded up to 4 KiB.
  long allocated() {
    return allocated(extents.size(), size);
  }

  private static long allocated(long extents, long size) {
    long rounded = size > Long.MAX_VALUE - 4096 ? Long.MAX_VALUE : (size + 4095) / 4096 * 4096;
    return Math.min(extents * EXTENT_BYTES, rounded);
  }

  /// What [#allocated] would be after a write.
  long allocatedAfterWrite(long offset, int length) {
    long end = offset + length;
    long added = 0;
    for (long extent = offset / EXTENT_BYTES; extent <= (end - 1) / EXTENT_BYTES; extent++) {
      added += extents.contains(extent) ? 0 : 1;
    }
    return allocated(extents.size() + added, Math.max(size, end));
  }

  /// What [#allocated] would be after a change of size.
  long allocatedAfterResize(long newSize) {
    long kept = newSize / EXTENT_BYTES + (newSize % EXTENT_BYTES == 0 ? 0 : 1);
    return allocated(extents.headSet(kept).size(), newSize);
  }

  void write(long offset, byte[] bytes) {
    for (int done = 0; done < bytes.length; ) {
      long at = offset + done;
      int in = (int) (at % BLOCK_BYTES);
      int count = Math.min(BLOCK_BYTES - in, bytes.length - done);
      byte[] block = blocks.computeIfAbsent(at / BLOCK_BYTES, _ -> new byte[BLOCK_BYTES]);
      System.arraycopy(bytes, done, block, in, count);
      extents.add(at / EXTENT_BYTES);
      done += count;
    }
    size = Math.max(size, offset + bytes.length);
  }

  void resize(long newSize) {
    if (newSize < size) {
      long last = newSize / BLOCK_BYTES;
      int kept = (int) (newSize % BLOCK_BYTES);
      blocks.tailMap(last + 1, true).clear();
      byte[] block = blocks.get(last);
      if (block != null) {
        Arrays.fill(block, kept, BLOCK_BYTES, (byte) 0);
      }
      extents.tailSet(newSize / EXTENT_BYTES + (newSize % EXTENT_BYTES == 0 ? 0 : 1), true).clear();
    }
    size = newSize;
  }

  /// Bytes from `offset`, at most `length` of them, clipped at the end.
  byte[] read(long offset, int length) {
    int count = Math.clamp(size - offset, 0, length);
    byte[] bytes = new byte[count];
    for (int done = 0; done < count; ) {
      long at = offset + done;
      int in = (int) (at % BLOCK_BYTES);
      int part = Math.min(BLOCK_BYTES - in, count - done);
      byte[] block = blocks.get(at / BLOCK_BYTES);
      if (block != null) {
        System.arraycopy(block, in, bytes, done, part);
      }
      done += part;
    }
    return bytes;
  }

  /// Where something was written: starts of extents.
  List<Long> extentStarts() {
    return extents.stream().map(extent -> extent * EXTENT_BYTES).toList();
  }

  /// Whether reading updates the access time (relatime).
  boolean atimeIsDue(Time now) {
    return !isAfter(atime, mtime)
        || !isAfter(atime, ctime)
        || now.seconds() - atime.seconds() >= 24 * 60 * 60;
  }

  private static boolean isAfter(Time one, Time other) {
    return one.seconds() > other.seconds()
        || (one.seconds() == other.seconds() && one.nanos() > other.nanos());
  }

  /// What stat(2) should say; the change counter is the engine's own.
  Attributes attributes(long change) {
    long parentInode = parent == null ? inode : parent.inode;
    return new Attributes(
        inode,
        type,
        mode,
        nlink,
        uid,
        gid,
        size,
        isFile() ? allocated() : 0,
        major,
        minor,
        atime.seconds(),
        atime.nanos(),
        mtime.seconds(),
        mtime.nanos(),
        ctime.seconds(),
        ctime.nanos(),
        btime.seconds(),
        btime.nanos(),
        change,
        isDirectory() ? parentInode : 0);
  }
}
