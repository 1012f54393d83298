package zerofs.fs.check;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import zerofs.fs.FileType;
import zerofs.fs.Name;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.RowKeys;
import zerofs.lsm.LsmTree;
import zerofs.objectstore.StorageException;

/// Every inode that rows speak of: about 200 bytes each. One thread.
final class Nodes {
  static final long ROOT = 1;

  private static final int DEPTH_SHOWN_MAX = 64;

  /// Paths that are looked for: more would take longer than the check, for texts nobody keeps.
  private static final int PATHS_MAX = 10_000;

  private final Map<Long, Node> nodes = new HashMap<>();
  private int paths;

  /// What rows say of one inode.
  static final class Node {
    final long inode;

    /// Entries that name it, and where the first of them is.
    int names;

    long directory;
    long cookie;
    @Nullable FileType entryType;

    /// Of a directory: its entries, directories among them, the highest cookie, and what its
    /// entries and its index rows amount to.
    long entries;

    int subdirectories;
    long highestCookie;
    long entrySum;
    long indexSum;

    /// Its own row: null = there is none.
    @Nullable FileType type;

    int nlink;
    long size;
    long units;
    long found;
    boolean guessed;
    boolean hasGuessedRow;
    boolean hasOrphanRow;

    private Node(long inode) {
      this.inode = inode;
    }

    boolean isFile() {
      return type == FileType.REGULAR;
    }

    boolean isDirectory() {
      return type == FileType.DIRECTORY;
    }
  }

  Node of(long inode) {
    return nodes.computeIfAbsent(inode, Node::new);
  }

  Iterable<Node> all() {
    return nodes.values();
  }

  /// The inode, and a path to it as far as its names can be read.
  String path(LsmTree tree, long inode) throws StorageException {
    if (++paths > PATHS_MAX) {
      return "inode " + inode;
    }
    Deque<String> parts = new ArrayDeque<>();
    long at = inode;
    while (at != ROOT && parts.size() < DEPTH_SHOWN_MAX) {
      Node node = nodes.get(at);
      Name name = node == null || node.names == 0 ? null : name(tree, node);
      if (node == null || name == null) {
        return "inode " + inode + (parts.isEmpty() ? "" : " (…/" + String.join("/", parts) + ")");
      }
      parts.addFirst(shown(name));
      at = node.directory;
    }
    return "inode " + inode + " (" + (at == ROOT ? "/" : "…/") + String.join("/", parts) + ")";
  }

  /// A name without what would spoil a terminal.
  static String shown(Name name) {
    StringBuilder out = new StringBuilder();
    name.toString()
        .codePoints()
        .forEach(
            each -> out.appendCodePoint(Character.isISOControl(each) || each == '/' ? '?' : each));
    return out.toString();
  }

  private static @Nullable Name name(LsmTree tree, Node node) throws StorageException {
    try {
      byte[] value = tree.get(RowKeys.entry(node.directory, node.cookie), true);
      return value == null || value.length == 0
          ? null
          : DirectoryEntry.decode(node.cookie, value).name();
    } catch (StorageException.Corrupt e) {
      return null;
    }
  }

  /// Directories that can't be reached from the root, as they contain each other: one of each loop.
  Set<Long> loops() {
    Map<Long, Long> walked = new HashMap<>();
    Set<Long> loops = new HashSet<>();
    for (Node each : nodes.values()) {
      Node at = each;
      while (at.isDirectory()
          && at.inode != ROOT
          && at.names > 0
          && walked.putIfAbsent(at.inode, each.inode) == null) {
        at = of(at.directory);
      }
      if (at.isDirectory()
          && at.inode != ROOT
          && at.names > 0
          && Objects.equals(walked.get(at.inode), each.inode)) {
        loops.add(at.inode);
      }
    }
    return loops;
  }
}
