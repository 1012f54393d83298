package zerofs.simulation;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.SetTime;
import zerofs.fs.SetAttributes.Time;

/// A POSIX filesystem in plain objects: what the engine's answers are compared with. It shares
/// nothing with the engine but the types of the facade, keeps no history and is never wrong about
/// what it was told, only about what POSIX says.
///
/// [ModelErrors] says whether an operation may succeed; [#apply] does what it then does.
final class PosixModel {
  private static final int SETUID = 04000;
  private static final int SETGID = 02000;

  private final long bytesMax;
  private final Map<Long, ModelNode> nodes = new HashMap<>();
  private long allocated;

  PosixModel(long bytesMax, ModelNode root) {
    this.bytesMax = bytesMax;
    root.parent = root;
    nodes.put(root.inode, root);
  }

  private PosixModel(long bytesMax) {
    this.bytesMax = bytesMax;
  }

  /// A copy that goes its own way.
  PosixModel copy() {
    PosixModel copy = new PosixModel(bytesMax);
    copy.allocated = allocated;
    nodes.forEach((inode, node) -> copy.nodes.put(inode, node.detachedCopy()));
    nodes.forEach(
        (inode, node) -> {
          ModelNode twin = copy.require(inode);
          node.entries.forEach((name, child) -> twin.entries.put(name, copy.require(child.inode)));
          ModelNode parent = node.parent;
          if (parent != null) {
            twin.parent = copy.nodes.getOrDefault(parent.inode, parent);
          }
        });
    return copy;
  }

  @Nullable ModelNode node(long inode) {
    return nodes.get(inode);
  }

  ModelNode require(long inode) {
    return Objects.requireNonNull(nodes.get(inode), "an inode of the model");
  }

  @Nullable ModelNode child(long directory, Name name) {
    return require(directory).entries.get(name);
  }

  Collection<ModelNode> nodes() {
    return nodes.values();
  }

  long allocated() {
    return allocated;
  }

  boolean hasRoom(long growth) {
    return growth <= 0 || growth <= bytesMax - allocated;
  }

  static boolean isBelow(ModelNode start, ModelNode ancestor) {
    ModelNode at = start;
    while (at != ancestor) {
      ModelNode parent = at.parent;
      if (parent == null || parent == at) {
        return false;
      }
      at = parent;
    }
    return true;
  }

  /// What a file would be that the caller makes there, for rules about owners.
  static ModelNode owned(Caller caller, PosixModel model, long directory) {
    ModelNode node = new ModelNode(0, FileType.REGULAR, new Time(0, 0));
    ModelNode parent = model.require(directory);
    node.uid = caller.uid();
    node.gid = (parent.mode & SETGID) != 0 ? parent.gid : caller.gid();
    return node;
  }

  /// The bytes that a write writes: random, one byte over and over, or zeros.
  static byte[] bytes(Op.Write op) {
    byte[] bytes = new byte[op.length()];
    switch ((int) Math.floorMod(op.seed(), 5L)) {
      case 0 -> {}
      case 1 -> java.util.Arrays.fill(bytes, (byte) (op.seed() >> 8 | 1));
      default -> new SplittableRandom(op.seed()).nextBytes(bytes);
    }
    return bytes;
  }

  /// Does what a successful operation does, at time `now`.
  ///
  /// @param inode number of the inode that was made or found, where one was
  /// @return inodes whose attributes may have changed, also those that are gone now
  List<ModelNode> apply(Op op, long inode, Time now) {
    return switch (op) {
      case Op.Setattr it -> setattr(it.caller(), require(it.inode()), it.changes(), now);
      case Op.Readlink it -> accessed(require(it.inode()), now);
      case Op.Read it -> accessed(require(it.inode()), now);
      case Op.Readdir it -> accessed(require(it.directory()), now);
      case Op.Write it -> write(it, now);
      case Op.Create it -> create(it, inode, now);
      case Op.CreateExclusive it -> createExclusive(it, inode, now);
      case Op.Mkdir it ->
          make(it.caller(), it.directory(), it.name(), FileType.DIRECTORY, it.mode(), inode, now);
      case Op.Symlink it -> symlink(it, inode, now);
      case Op.Mknod it -> mknod(it, inode, now);
      case Op.Link it -> link(it, now);
      case Op.Unlink it -> remove(it.directory(), it.name(), now);
      case Op.Rmdir it -> remove(it.directory(), it.name(), now);
      case Op.Rename it -> rename(it, now);
      case Op.Open it -> {
        require(it.inode()).opens++;
        yield List.of();
      }
      case Op.Release it -> release(require(it.inode()));
      case Op.Lookup _, Op.Getattr _, Op.Access _, Op.Statfs _, Op.Barrier _ -> List.of();
    };
  }

  private static List<ModelNode> accessed(ModelNode node, Time now) {
    if (node.atimeIsDue(now)) {
      node.atime = now;
    }
    return List.of(node);
  }

  private static int withoutPrivileges(int mode) {
    int kept = mode & ~SETUID;
    return (mode & 010) != 0 ? kept & ~SETGID : kept;
  }

  private List<ModelNode> setattr(Caller caller, ModelNode node, SetAttributes changes, Time now) {
    if (changes.isEmpty()) {
      return List.of(node);
    }
    own(caller, node, changes);
    setTimes(node, changes, now);
    Long size = changes.size();
    if (size != null) {
      allocated -= node.allocated();
      node.resize(size);
      allocated += node.allocated();
      if (!caller.isSuperuser()) {
        node.mode = withoutPrivileges(node.mode);
      }
      if (changes.mtime() == null) {
        node.mtime = now;
      }
    }
    node.ctime = now;
    return List.of(node);
  }

  private static void own(Caller caller, ModelNode node, SetAttributes changes) {
    Integer uid = changes.uid();
    Integer gid = changes.gid();
    if (uid != null || gid != null) {
      node.uid = uid == null ? node.uid : uid;
      node.gid = gid == null ? node.gid : gid;
      if (!node.isDirectory()) {
        node.mode = withoutPrivileges(node.mode);
      }
    }
    Integer mode = changes.mode();
    if (mode != null) {
      boolean keepsSetgid = caller.isSuperuser() || caller.inGroup(node.gid);
      node.mode = mode & (keepsSetgid ? 07777 : 05777);
    }
  }

  private static void setTimes(ModelNode node, SetAttributes changes, Time now) {
    node.atime = time(changes.atime(), node.atime, now);
    node.mtime = time(changes.mtime(), node.mtime, now);
  }

  private static Time time(@Nullable SetTime wanted, Time before, Time now) {
    return switch (wanted) {
      case null -> before;
      case SetTime.Now() -> now;
      case SetTime.At(Time time) -> time;
    };
  }

  private List<ModelNode> write(Op.Write op, Time now) {
    ModelNode node = require(op.inode());
    allocated -= node.allocated();
    node.write(op.offset(), bytes(op));
    allocated += node.allocated();
    node.mtime = now;
    node.ctime = now;
    if (!op.caller().isSuperuser()) {
      node.mode = withoutPrivileges(node.mode);
    }
    return List.of(node);
  }

  private List<ModelNode> create(Op.Create op, long inode, Time now) {
    ModelNode existing = child(op.directory(), op.name());
    Long size = op.initial().size();
    if (existing != null) {
      return size == null
          ? List.of(existing)
          : setattr(op.caller(), existing, SetAttributes.ofSize(size), now);
    }
    List<ModelNode> touched =
        make(op.caller(), op.directory(), op.name(), FileType.REGULAR, op.mode(), inode, now);
    ModelNode node = touched.getLast();
    own(op.caller(), node, op.initial());
    setTimes(node, op.initial(), now);
    node.size = size == null ? 0 : size;
    return touched;
  }

  private List<ModelNode> createExclusive(Op.CreateExclusive op, long inode, Time now) {
    ModelNode existing = child(op.directory(), op.name());
    if (existing != null) {
      return List.of(existing);
    }
    List<ModelNode> touched =
        make(op.caller(), op.directory(), op.name(), FileType.REGULAR, 0, inode, now);
    touched.getLast().verifier = op.verifier();
    return touched;
  }

  private List<ModelNode> symlink(Op.Symlink op, long inode, Time now) {
    List<ModelNode> touched =
        make(op.caller(), op.directory(), op.name(), FileType.SYMLINK, 0777, inode, now);
    touched.getLast().target = op.target();
    touched.getLast().size = op.target().length();
    return touched;
  }

  private List<ModelNode> mknod(Op.Mknod op, long inode, Time now) {
    List<ModelNode> touched =
        make(op.caller(), op.directory(), op.name(), op.type(), op.mode(), inode, now);
    if (op.type() == FileType.CHARACTER_DEVICE || op.type() == FileType.BLOCK_DEVICE) {
      touched.getLast().major = op.major();
      touched.getLast().minor = op.minor();
    }
    return touched;
  }

  /// The new inode comes last in the answer.
  private List<ModelNode> make(
      Caller caller, long directory, Name name, FileType type, int mode, long inode, Time now) {
    ModelNode parent = require(directory);
    ModelNode node = new ModelNode(inode, type, now);
    boolean inherits = (parent.mode & SETGID) != 0;
    node.uid = caller.uid();
    node.gid = inherits ? parent.gid : caller.gid();
    node.mode = mode & 07777;
    if (inherits && node.isDirectory()) {
      node.mode |= SETGID;
    } else if (inherits
        && (node.mode & 010) != 0
        && !caller.isSuperuser()
        && !caller.inGroup(node.gid)) {
      node.mode &= ~SETGID;
    }
    node.nlink = node.isDirectory() ? 2 : 1;
    node.parent = node.isDirectory() ? parent : null;
    nodes.put(inode, node);
    parent.entries.put(name, node);
    parent.nlink += node.isDirectory() ? 1 : 0;
    changed(parent, now);
    return new ArrayList<>(List.of(parent, node));
  }

  private static void changed(ModelNode directory, Time now) {
    directory.mtime = now;
    directory.ctime = now;
  }

  private List<ModelNode> link(Op.Link op, Time now) {
    ModelNode parent = require(op.directory());
    ModelNode node = require(op.inode());
    parent.entries.put(op.name(), node);
    node.nlink++;
    node.ctime = now;
    changed(parent, now);
    return List.of(parent, node);
  }

  private List<ModelNode> remove(long directory, Name name, Time now) {
    ModelNode parent = require(directory);
    ModelNode node = Objects.requireNonNull(parent.entries.remove(name), "an entry");
    parent.nlink -= node.isDirectory() ? 1 : 0;
    changed(parent, now);
    unlinked(node, now);
    return List.of(parent, node);
  }

  private void unlinked(ModelNode node, Time now) {
    node.nlink = node.isDirectory() ? 0 : node.nlink - 1;
    node.ctime = now;
    dropIfGone(node);
  }

  private void dropIfGone(ModelNode node) {
    if (node.nlink == 0 && node.opens == 0) {
      nodes.remove(node.inode);
      allocated -= node.allocated();
    }
  }

  private List<ModelNode> release(ModelNode node) {
    node.opens--;
    dropIfGone(node);
    return List.of(node);
  }

  /// A restart: nobody has anything open, so what has no name is gone.
  void restarted() {
    for (ModelNode node : List.copyOf(nodes.values())) {
      node.opens = 0;
      dropIfGone(node);
    }
  }

  private List<ModelNode> rename(Op.Rename op, Time now) {
    ModelNode from = require(op.fromDirectory());
    ModelNode to = require(op.toDirectory());
    ModelNode source = Objects.requireNonNull(from.entries.get(op.from()), "the source");
    ModelNode target = to.entries.get(op.to());
    if (source == target) {
      return List.of(from, to, source);
    }
    List<ModelNode> touched = new ArrayList<>(List.of(from, to, source));
    if (target != null) {
      touched.add(target);
    }
    if (op.mode() == RenameMode.EXCHANGE) {
      ModelNode other = Objects.requireNonNull(target, "the other one");
      from.entries.put(op.from(), other);
      to.entries.put(op.to(), source);
      moved(other, to, from, now);
    } else {
      from.entries.remove(op.from());
      to.entries.put(op.to(), source);
      if (target != null) {
        to.nlink -= target.isDirectory() ? 1 : 0;
        unlinked(target, now);
      }
    }
    moved(source, from, to, now);
    changed(from, now);
    changed(to, now);
    return touched;
  }

  private static void moved(ModelNode node, ModelNode from, ModelNode to, Time now) {
    node.ctime = now;
    if (node.isDirectory()) {
      from.nlink--;
      to.nlink++;
      node.parent = to;
    }
  }

  /// Takes over an access time that a check of the whole tree may have moved.
  static void adoptAtime(ModelNode node, Attributes seen) {
    node.atime = new Time(seen.atimeSeconds(), seen.atimeNanos());
  }

  /// Names of a directory in the order of a listing.
  Map<Name, ModelNode> listing(long directory) {
    return new LinkedHashMap<>(require(directory).entries);
  }

  /// The root of an empty volume.
  static ModelNode root(Time now) {
    ModelNode root = new ModelNode(Filesystem.ROOT, FileType.DIRECTORY, now);
    root.mode = 0755;
    root.nlink = 2;
    return root;
  }

  /// What an engine told, with what is its own replaced.
  static Attributes comparable(Attributes it, long change, long allocated) {
    return new Attributes(
        it.inode(),
        it.type(),
        it.mode(),
        it.nlink(),
        it.uid(),
        it.gid(),
        it.size(),
        allocated,
        it.major(),
        it.minor(),
        it.atimeSeconds(),
        it.atimeNanos(),
        it.mtimeSeconds(),
        it.mtimeNanos(),
        it.ctimeSeconds(),
        it.ctimeNanos(),
        it.btimeSeconds(),
        it.btimeNanos(),
        change,
        it.parent());
  }
}
