package zerofs.fs.check;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import zerofs.codec.ObjectId;
import zerofs.fs.FileType;
import zerofs.fs.Name;
import zerofs.fs.check.Finding.Kind;
import zerofs.fs.check.Nodes.Node;
import zerofs.fs.engine.NameHash;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.fs.row.UsageRow;
import zerofs.lsm.LsmTree;
import zerofs.lsm.Scan;
import zerofs.objectstore.StorageException;

/// Walks all rows once, in their order, and checks each by itself and against the others: the tree
/// is connected, counts are what they count, and what accounting rows say of segments is what chunk
/// rows refer to. One thread.
final class RowsCheck {
  private static final int NAME_BYTES_MAX = 255;
  private static final int INODE_EPOCH_SHIFT = 40;

  /// The chunk of the last byte that a file can have.
  private static final long CHUNK_MAX = Long.MAX_VALUE / ChunkRow.EXTENTS / Inode.EXTENT_BYTES;

  private final LsmTree tree;
  private final NameHash hash;
  private final Findings findings;
  private final int newestEpoch;
  private final Nodes nodes = new Nodes();
  private final References references = new References();
  private final Map<ObjectId, SegmentUsage> referred = new HashMap<>();
  private long rows;
  private long inodes;
  private long directories;
  private long extents;
  private long allocated;
  private @Nullable UsageRow usage;

  /// @param newestEpoch of the volume
  RowsCheck(LsmTree tree, NameHash hash, Findings findings, int newestEpoch) {
    this.tree = tree;
    this.hash = hash;
    this.findings = findings;
    this.newestEpoch = newestEpoch;
    nodes.of(Nodes.ROOT);
  }

  Nodes nodes() {
    return nodes;
  }

  References references() {
    return references;
  }

  long rows() {
    return rows;
  }

  long inodes() {
    return inodes;
  }

  long directories() {
    return directories;
  }

  long extents() {
    return extents;
  }

  long allocated() {
    return allocated;
  }

  /// @param isFresh whether no commit was stored yet: then there is no root
  /// @return whether all rows could be read; else what goes by all of them was not checked
  boolean run(boolean isFresh) throws StorageException {
    try {
      Scan scan = tree.scanCompacted();
      while (scan.next()) {
        rows++;
        row(scan.key(), scan.value());
      }
    } catch (StorageException.Corrupt e) {
      findings.add(Kind.ROWS_UNREADABLE, "after row " + rows + ": " + e.getMessage());
      return false;
    }
    if (isFresh && rows == 0) {
      return true;
    }
    for (Node each : nodes.all()) {
      compare(each);
    }
    for (long each : nodes.loops()) {
      findings.add(
          Kind.DIRECTORY_LOOP, nodes.path(tree, each) + " can't be reached: it contains itself");
    }
    totals();
    return true;
  }

  private void row(byte[] key, byte[] value) throws StorageException {
    if (key.length == 0 || key.length != keyBytes(key[0])) {
      findings.add(Kind.ROW_UNKNOWN, "row " + HexFormat.of().formatHex(key));
      return;
    }
    try {
      switch (key[0]) {
        case RowKeys.ENTRY -> entry(RowKeys.first(key), RowKeys.second(key), value);
        case RowKeys.INDEX -> index(RowKeys.first(key), RowKeys.second(key), value);
        case RowKeys.INODE -> inode(RowKeys.first(key), value);
        case RowKeys.ORPHAN -> nodes.of(RowKeys.first(key)).hasOrphanRow = true;
        case RowKeys.GUESSED -> nodes.of(RowKeys.first(key)).hasGuessedRow = true;
        case RowKeys.CHUNK -> chunk(RowKeys.first(key), RowKeys.second(key), value);
        case RowKeys.USAGE -> usage = UsageRow.decode(value);
        case RowKeys.SEGMENT -> segment(key, value);
        default -> findings.add(Kind.ROW_UNKNOWN, "row " + HexFormat.of().formatHex(key));
      }
    } catch (StorageException.Corrupt e) {
      findings.add(
          Kind.ROW_DAMAGED, "row " + HexFormat.of().formatHex(key) + ": " + e.getMessage());
    }
  }

  private static int keyBytes(byte kind) {
    return switch (kind) {
      case RowKeys.ENTRY, RowKeys.INDEX, RowKeys.CHUNK -> 17;
      case RowKeys.INODE, RowKeys.ORPHAN, RowKeys.GUESSED -> 9;
      case RowKeys.USAGE -> 1;
      case RowKeys.SEGMENT -> 14;
      default -> -1;
    };
  }

  private void entry(long directory, long cookie, byte[] value) throws StorageException.Corrupt {
    DirectoryEntry entry = DirectoryEntry.decode(cookie, value);
    Name name = entry.name();
    if (name.length() > NAME_BYTES_MAX || name.isDot() || name.isDotDot() || hasBadByte(name)) {
      findings.add(Kind.ENTRY_NAME, where(directory, entry) + ": no file can have this name");
    }
    Node container = nodes.of(directory);
    container.entries++;
    container.highestCookie = Math.max(container.highestCookie, cookie);
    container.entrySum += indexed(hash.of(name), cookie);
    if (entry.type() == FileType.DIRECTORY) {
      container.subdirectories++;
    }
    Node node = nodes.of(entry.inode());
    if (node.names++ == 0) {
      node.directory = directory;
      node.cookie = cookie;
      node.entryType = entry.type();
    } else if (entry.type() == FileType.DIRECTORY) {
      findings.add(
          Kind.DIRECTORY_NAMED_TWICE,
          where(directory, entry)
              + ": directory "
              + entry.inode()
              + " has another name, in directory "
              + node.directory);
    } else if (entry.type() != node.entryType) {
      findings.add(
          Kind.ENTRY_TYPE,
          where(directory, entry)
              + ": says "
              + entry.type()
              + ", another entry of inode "
              + entry.inode()
              + " says "
              + node.entryType);
    }
  }

  private static String where(long directory, DirectoryEntry entry) {
    return "entry "
        + entry.cookie()
        + " '"
        + Nodes.shown(entry.name())
        + "' of directory "
        + directory;
  }

  private static boolean hasBadByte(Name name) {
    for (byte each : name.raw()) {
      if (each == 0 || each == '/') {
        return true;
      }
    }
    return false;
  }

  /// What one name adds to a sum over a directory, whatever their order.
  private static long indexed(long nameHash, long cookie) {
    return References.fingerprint(0, 0, nameHash, cookie, false);
  }

  private void index(long directory, long nameHash, byte[] value) throws StorageException {
    long[] cookies = DirectoryEntry.decodeCookies(value);
    Node node = nodes.of(directory);
    for (long each : cookies) {
      node.indexSum += indexed(nameHash, each);
    }
    if (cookies.length > 1) {
      requireDifferentNames(directory, cookies);
    }
  }

  private void requireDifferentNames(long directory, long[] cookies) throws StorageException {
    List<Name> names = new ArrayList<>();
    for (long each : cookies) {
      byte[] value = tree.get(RowKeys.entry(directory, each), true);
      if (value != null && value.length > 0) {
        Name name = DirectoryEntry.decode(each, value).name();
        if (names.contains(name)) {
          findings.add(
              Kind.ENTRY_DUPLICATE,
              "directory "
                  + directory
                  + " has the name '"
                  + Nodes.shown(name)
                  + "' twice: cookies "
                  + Arrays.toString(cookies));
        }
        names.add(name);
      }
    }
  }

  private void inode(long number, byte[] value) throws StorageException.Corrupt {
    Inode row = InodeFormat.decode(number, value);
    Node node = nodes.of(number);
    inodes++;
    allocated += row.allocatedBytes();
    node.type = row.type;
    node.nlink = row.nlink;
    node.size = row.size;
    node.units = row.units;
    node.guessed = row.guessed;
    String where = "inode " + number;
    if (number >>> INODE_EPOCH_SHIFT > newestEpoch || number == 0) {
      findings.add(
          Kind.INODE_NUMBER,
          where
              + " is of epoch "
              + (number >>> INODE_EPOCH_SHIFT)
              + ", the newest is "
              + newestEpoch);
    }
    byte[] target = row.target;
    boolean sized =
        switch (row.type) {
          case REGULAR -> row.size >= 0 && row.units >= 0 && row.units <= Inode.extentsOf(row.size);
          case SYMLINK -> target != null && target.length > 0 && row.size == target.length;
          default -> row.size == 0;
        };
    if (!sized) {
      findings.add(
          Kind.INODE_SIZE,
          where
              + ", a "
              + row.type
              + ": size="
              + row.size
              + ", units="
              + row.units
              + ", target of "
              + (target == null ? 0 : target.length)
              + " bytes");
    }
    if (row.isDirectory()) {
      directories++;
      directory(node, row, where);
    }
  }

  private void directory(Node node, Inode row, String where) {
    long parent = node.inode == Nodes.ROOT ? Nodes.ROOT : node.directory;
    if (row.parent != parent && (node.names > 0 || node.inode == Nodes.ROOT)) {
      findings.add(
          Kind.DIRECTORY_PARENT,
          where + ": says that it is in directory " + row.parent + ", is in " + parent);
    }
    if (row.units != node.entries) {
      findings.add(
          Kind.DIRECTORY_ENTRIES,
          where + ": says that it has " + row.units + " entries, has " + node.entries);
    }
    if (row.nextCookie <= node.highestCookie) {
      findings.add(
          Kind.ENTRY_COOKIE,
          where
              + ": its next cookie is "
              + row.nextCookie
              + ", but it has an entry "
              + node.highestCookie);
    }
  }

  private void chunk(long inode, long chunk, byte[] value) throws StorageException.Corrupt {
    ChunkRow row = ChunkRow.bottom(ChunkRowFormat.decode(value));
    if (row == null) {
      return;
    }
    Node node = nodes.of(inode);
    if (chunk < 0 || chunk > CHUNK_MAX) {
      findings.add(Kind.CHUNK_BEYOND_END, "chunk " + chunk + " of inode " + inode);
      return;
    }
    if (!node.isFile()) {
      findings.add(
          Kind.CHUNK_NO_FILE,
          "chunk "
              + chunk
              + " of inode "
              + inode
              + (node.type == null ? ", which is not there" : ", a " + node.type));
      return;
    }
    for (int i = 0; i < ChunkRow.EXTENTS; i++) {
      ExtentState state = row.extent(i);
      if (state.exists()) {
        long extent = chunk * ChunkRow.EXTENTS + i;
        node.found++;
        extents++;
        if (!endsInside(state, node.size - extent * Inode.EXTENT_BYTES)) {
          findings.add(
              Kind.CHUNK_BEYOND_END,
              "extent " + extent + " of inode " + inode + ": the file ends at byte " + node.size);
        }
        refer(state, inode, extent);
      }
    }
  }

  /// @param left bytes of the file from the extent's start on
  private static boolean endsInside(ExtentState state, long left) {
    boolean inside = left > 0 && state.length() <= Math.min(left, Inode.EXTENT_BYTES);
    for (Patch each : state.patches()) {
      inside &= Math.min(each.clip(), each.to(each.rangeCount() - 1)) <= left;
    }
    return inside;
  }

  private void refer(ExtentState state, long inode, long extent) {
    if (state.base() == ExtentState.Base.FRAME) {
      refer(state.frame(), inode, extent, false, state.length());
    }
    for (Patch each : state.patches()) {
      refer(each.frame(), inode, extent, true, each.bytes());
    }
  }

  private void refer(FrameRef frame, long inode, long extent, boolean isPatch, int bytes) {
    referred.merge(
        frame.object(), new SegmentUsage(1, frame.storedBytes(), 0, 0), SegmentUsage::plus);
    if (!references.add(frame, inode, extent, isPatch, bytes)) {
      findings.add(
          Kind.FRAME_WRONG,
          "extent "
              + extent
              + " of inode "
              + inode
              + " refers to frame "
              + frame.frame()
              + " of "
              + frame.object().key()
              + ": no segment has one");
    }
  }

  private void segment(byte[] key, byte[] value) throws StorageException.Corrupt {
    SegmentUsage usageRow = SegmentUsage.decode(value);
    ObjectId object = RowKeys.segmentOf(key);
    SegmentUsage truth = referred.remove(object);
    long count = truth == null ? 0 : truth.references();
    long bytes = truth == null ? 0 : truth.bytes();
    if (usageRow.references() != count || usageRow.bytes() != bytes || usageRow.total() < bytes) {
      findings.add(
          Kind.ACCOUNT_WRONG,
          object.key()
              + ": the account says "
              + usageRow.references()
              + " frames, "
              + usageRow.bytes()
              + " of "
              + usageRow.total()
              + " bytes are in use, it is "
              + count
              + " and "
              + bytes);
    }
  }

  /// What can only be said once all rows were seen.
  private void compare(Node node) throws StorageException {
    if (node.type == null) {
      absent(node);
      return;
    }
    if (node.names > 0 && node.entryType != node.type) {
      findings.add(
          Kind.ENTRY_TYPE,
          nodes.path(tree, node.inode)
              + " is a "
              + node.type
              + ", its entry says "
              + node.entryType);
    }
    boolean isRoot = node.inode == Nodes.ROOT;
    if (node.names == 0 && !isRoot && !node.hasOrphanRow) {
      findings.add(
          Kind.INODE_LOST,
          "inode "
              + node.inode
              + ", a "
              + node.type
              + " of "
              + node.size
              + " bytes, has no name, and nothing will remove it");
    }
    if (node.hasOrphanRow && node.names > 0) {
      findings.add(
          Kind.ORPHAN_WRONG,
          nodes.path(tree, node.inode) + " has a name, and a row that says that it has none");
    }
    boolean isLinkedDirectory = node.isDirectory() && (node.names > 0 || isRoot);
    int links = isLinkedDirectory ? 2 + node.subdirectories : node.names;
    if (node.nlink != links && !(node.isDirectory() && node.names > 1)) {
      findings.add(
          Kind.INODE_LINKS,
          nodes.path(tree, node.inode)
              + ": its link count is "
              + node.nlink
              + ", should be "
              + links);
    }
    if (!node.isDirectory() && node.entries > 0) {
      findings.add(
          Kind.ENTRY_NO_DIRECTORY,
          node.entries + " entries are in " + nodes.path(tree, node.inode) + ", a " + node.type);
    }
    if (node.entrySum != node.indexSum) {
      index(node);
    }
    if (node.hasGuessedRow != node.guessed) {
      findings.add(
          Kind.GUESSED_WRONG,
          nodes.path(tree, node.inode)
              + ": whether its extents are to be counted, its two rows say differently");
    }
    if (node.isFile() && (node.guessed ? node.units < node.found : node.units != node.found)) {
      findings.add(
          Kind.EXTENT_COUNT,
          nodes.path(tree, node.inode)
              + ": says that it has "
              + node.units
              + " extents, has "
              + node.found);
    }
  }

  private void absent(Node node) throws StorageException {
    if (node.inode == Nodes.ROOT) {
      findings.add(Kind.ROOT_MISSING, "the root directory, inode 1, has no row");
      return;
    }
    if (node.names > 0) {
      findings.add(
          Kind.ENTRY_DANGLING,
          nodes.path(tree, node.inode) + " is named, but is not there: " + node.names + " names");
    }
    if (node.entries > 0) {
      findings.add(
          Kind.ENTRY_NO_DIRECTORY,
          node.entries + " entries are in directory " + node.inode + ", which is not there");
    }
    if (node.hasOrphanRow) {
      findings.add(
          Kind.ORPHAN_WRONG, "inode " + node.inode + " is to be removed, but is not there");
    }
    if (node.hasGuessedRow) {
      findings.add(
          Kind.GUESSED_WRONG,
          "the extents of inode " + node.inode + " are to be counted, but it is not there");
    }
    if (node.entries == 0 && node.indexSum != 0) {
      index(node);
    }
  }

  /// Names each difference between a directory's entries and its index.
  private void index(Node node) throws StorageException {
    Map<Long, Long> cookies = new HashMap<>();
    Scan rowsOfIndex =
        tree.scan(RowKeys.index(node.inode, 0), RowKeys.index(node.inode + 1, 0), true);
    while (rowsOfIndex.next()) {
      if (rowsOfIndex.value().length % Long.BYTES != 0) {
        continue; // Told already.
      }
      for (long each : DirectoryEntry.decodeCookies(rowsOfIndex.value())) {
        cookies.put(each, RowKeys.second(rowsOfIndex.key()));
      }
    }
    Scan entries = tree.scan(RowKeys.entry(node.inode, 0), RowKeys.entry(node.inode + 1, 0), true);
    while (entries.next()) {
      long cookie = RowKeys.second(entries.key());
      if (entries.value().length == 0) {
        continue; // Removed.
      }
      Long said = cookies.remove(cookie);
      Name name;
      try {
        name = DirectoryEntry.decode(cookie, entries.value()).name();
      } catch (StorageException.Corrupt e) {
        continue; // Told already.
      }
      if (said == null || said != hash.of(name)) {
        findings.add(
            Kind.INDEX_WRONG,
            "'"
                + Nodes.shown(name)
                + "' in "
                + nodes.path(tree, node.inode)
                + " can't be found by its name");
      }
    }
    cookies.forEach(
        (cookie, _) ->
            findings.add(
                Kind.INDEX_WRONG,
                "the index of directory "
                    + node.inode
                    + " has entry "
                    + cookie
                    + ", which is not there"));
  }

  private void totals() {
    if (usage == null || usage.allocatedBytes() != allocated || usage.inodes() != inodes) {
      findings.add(
          Kind.USAGE_WRONG,
          "the volume says that it has "
              + (usage == null ? 0 : usage.inodes())
              + " inodes and "
              + (usage == null ? 0 : usage.allocatedBytes())
              + " bytes, has "
              + inodes
              + " and "
              + allocated);
    }
    referred.forEach(
        (object, truth) ->
            findings.add(
                Kind.ACCOUNT_WRONG,
                object.key()
                    + " has no account, though "
                    + truth.references()
                    + " of its frames are in use"));
  }
}
