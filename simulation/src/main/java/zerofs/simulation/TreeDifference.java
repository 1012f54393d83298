package zerofs.simulation;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;

/// Compares a whole volume with a model: names, types, modes, links, sizes, space, bytes; not
/// times.
final class TreeDifference {
  private static final int EXTENT_BYTES = 32 << 10;

  private TreeDifference() {}

  /// A call of its own for each question: it remembers commits of the volume it was answered by.
  private static Call root() {
    return Call.waiting(Caller.ROOT).asOpened();
  }

  /// @return what differs; null when nothing does
  /// @throws IllegalStateException when the volume is no tree
  static @Nullable String find(Filesystem fs, PosixModel model) throws FsException {
    for (ModelNode node : List.copyOf(model.nodes())) {
      String difference = find(fs, node);
      if (difference != null) {
        return "inode " + node.inode + ": " + difference;
      }
    }
    long inodes = TreeChecker.check(fs);
    return inodes == model.nodes().size()
        ? null
        : inodes + " inodes, expected " + model.nodes().size();
  }

  private static @Nullable String find(Filesystem fs, ModelNode node) throws FsException {
    Attributes got;
    try {
      got = fs.getattr(root(), node.inode);
    } catch (FsException e) {
      return e.error() + ", expected " + told(node.attributes(0));
    }
    if (!told(got).equals(told(node.attributes(0)))) {
      return told(got) + ", expected " + told(node.attributes(0));
    }
    return switch (node.type) {
      case DIRECTORY -> entries(fs, node);
      case REGULAR -> bytes(fs, node);
      case SYMLINK -> {
        String target = Name.of(fs.readlink(root(), node.inode)).toString();
        yield target.equals(Name.of(node.target).toString()) ? null : "links to " + target;
      }
      default -> null;
    };
  }

  private static List<Object> told(Attributes it) {
    return List.of(
        it.type(),
        it.mode(),
        it.nlink(),
        it.uid(),
        it.gid(),
        it.size(),
        it.allocatedBytes(),
        it.parent());
  }

  private static @Nullable String entries(Filesystem fs, ModelNode node) throws FsException {
    Map<Name, Long> found = new HashMap<>();
    fs.readdir(
        root(),
        node.inode,
        2,
        (cookie, name, inode, type, attributes) -> {
          found.put(name, inode);
          return true;
        });
    Map<Name, Long> expected = new HashMap<>();
    node.entries.forEach((name, child) -> expected.put(name, child.inode));
    return found.equals(expected) ? null : "has " + found + ", expected " + expected;
  }

  private static @Nullable String bytes(Filesystem fs, ModelNode node) throws FsException {
    for (long start : node.extentStarts()) {
      ByteBuffer target = ByteBuffer.allocate(EXTENT_BYTES);
      int count = fs.read(root(), node.inode, start, target);
      byte[] expected = node.read(start, EXTENT_BYTES);
      int at = Arrays.mismatch(expected, 0, expected.length, target.array(), 0, count);
      if (at >= 0) {
        return "byte " + (start + at) + " is another one, or " + count + " bytes too few";
      }
    }
    return null;
  }
}
