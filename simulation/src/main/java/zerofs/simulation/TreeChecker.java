package zerofs.simulation;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;

/// Walks a whole tree and sees whether it is one: every directory reached once, under the parent it
/// names, with as many links as it should have; every other inode with as many links as names;
/// names unique and found by lookup; totals equal to a recount.
final class TreeChecker {
  private final Call root = Call.waiting(Caller.ROOT).asOpened();
  private final Filesystem fs;
  private final Set<Long> directories = new HashSet<>();
  private final Map<Long, Integer> names = new HashMap<>();
  private final Map<Long, Attributes> files = new HashMap<>();

  private TreeChecker(Filesystem fs) {
    this.fs = fs;
  }

  /// @return inodes found
  /// @throws IllegalStateException when something is wrong
  static long check(Filesystem fs) throws FsException {
    TreeChecker checker = new TreeChecker(fs);
    checker.directory(Filesystem.ROOT, Filesystem.ROOT);
    checker.links();
    return checker.totals();
  }

  private static void require(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException("the tree is damaged: " + what);
    }
  }

  private void directory(long inode, long parent) throws FsException {
    require(directories.add(inode), "directory " + inode + " is reached twice");
    Attributes attributes = fs.getattr(root, inode);
    require(
        attributes.parent() == parent,
        "directory " + inode + " names parent " + attributes.parent() + ", but is in " + parent);
    Map<Name, Long> children = new HashMap<>();
    Set<Long> subdirectories = new HashSet<>();
    fs.readdir(
        root,
        inode,
        2,
        (cookie, name, child, type, childAttributes) -> {
          require(children.put(name, child) == null, name + " is twice in " + inode);
          require(childAttributes != null, name + " in " + inode + " has no inode");
          if (type == FileType.DIRECTORY) {
            subdirectories.add(child);
          } else {
            names.merge(child, 1, Integer::sum);
            files.put(child, childAttributes);
          }
          return true;
        });
    require(
        attributes.nlink() == 2 + subdirectories.size(),
        "directory "
            + inode
            + " has "
            + attributes.nlink()
            + " links and "
            + subdirectories.size()
            + " subdirectories");
    for (Map.Entry<Name, Long> each : children.entrySet()) {
      Attributes found = fs.lookup(root, inode, each.getKey());
      require(found.inode() == each.getValue(), "lookup of " + each.getKey() + " in " + inode);
    }
    for (long child : subdirectories) {
      directory(child, inode);
    }
  }

  private void links() {
    names.forEach(
        (inode, count) -> {
          Attributes attributes = files.get(inode);
          require(
              attributes != null && attributes.nlink() == count,
              "inode " + inode + " has " + count + " names: " + attributes);
        });
  }

  private long totals() throws FsException {
    long inodes = directories.size() + (long) files.size();
    long bytes = files.values().stream().mapToLong(Attributes::allocatedBytes).sum();
    Filesystem.VolumeStatistics told = fs.statfs(root);
    require(
        told.inodesUsed() == inodes && told.bytesUsed() == bytes,
        "a recount finds " + inodes + " inodes and " + bytes + " bytes, statfs says " + told);
    return inodes;
  }
}
