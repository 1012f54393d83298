package zerofs.fs.engine;

import java.util.Arrays;
import java.util.Comparator;

/// The exclusive locks of a few inodes, taken in order of their numbers, each once: so two
/// operations can't wait for each other.
final class LockSet implements AutoCloseable {
  private final InodeNode[] nodes;

  private LockSet(InodeNode[] nodes) {
    this.nodes = nodes;
  }

  static LockSet exclusive(InodeNode node) {
    node.lock().lockExclusive();
    return new LockSet(new InodeNode[] {node});
  }

  static LockSet exclusive(InodeNode... wanted) {
    InodeNode[] sorted = wanted.clone();
    Arrays.sort(sorted, Comparator.comparingLong(InodeNode::inode));
    for (int i = 0; i < sorted.length; i++) {
      if (i == 0 || sorted[i] != sorted[i - 1]) {
        sorted[i].lock().lockExclusive();
      }
    }
    return new LockSet(sorted);
  }

  @Override
  public void close() {
    for (int i = nodes.length - 1; i >= 0; i--) {
      if (i == 0 || nodes[i] != nodes[i - 1]) {
        nodes[i].lock().unlockExclusive();
      }
    }
  }
}
