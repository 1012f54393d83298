package zerofs.simulation;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsError;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.SetTime;

/// Which errors an operation may end with, by POSIX.1-2024 and, where that leaves it open, Linux:
/// all that apply, because POSIX does not order them. None applies = it must succeed.
final class ModelErrors {
  private static final int READ = 4;
  private static final int WRITE = 2;
  private static final int EXECUTE = 1;
  private static final int LINKS_MAX = 65_000;
  private static final int NAME_BYTES_MAX = 255;
  private static final int SYMLINK_BYTES_MAX = 4095;

  private final PosixModel model;

  ModelErrors(PosixModel model) {
    this.model = model;
  }

  private static Set<FsError> none() {
    return EnumSet.noneOf(FsError.class);
  }

  Set<FsError> of(Op op) {
    return switch (op) {
      case Op.Lookup it -> lookup(it);
      case Op.Getattr it -> stale(it.inode());
      case Op.Setattr it -> setattr(it);
      case Op.Access it -> stale(it.inode());
      case Op.Readlink it -> readlink(it);
      case Op.Read it -> read(it);
      case Op.Write it -> write(it);
      case Op.Create it -> create(it);
      case Op.CreateExclusive it -> createExclusive(it);
      case Op.Mkdir it -> makeNew(it.caller(), it.directory(), it.name());
      case Op.Symlink it -> symlink(it);
      case Op.Mknod it -> mknod(it);
      case Op.Link it -> link(it);
      case Op.Unlink it -> remove(it.caller(), it.directory(), it.name(), false);
      case Op.Rmdir it -> remove(it.caller(), it.directory(), it.name(), true);
      case Op.Rename it -> rename(it);
      case Op.Readdir it -> readdir(it);
      case Op.Open it -> open(it);
      case Op.Release _, Op.Statfs _, Op.Barrier _ -> none();
    };
  }

  /// Whether the caller has all of the bits of `mask` (path_resolution(7); root may all but execute
  /// what nobody may).
  static boolean may(ModelNode node, Caller caller, int mask) {
    return granted(node, caller, mask) == mask;
  }

  static int granted(ModelNode node, Caller caller, int mask) {
    if (caller.isSuperuser()) {
      boolean nobodyMayExecute = !node.isDirectory() && (node.mode & 0111) == 0;
      return nobodyMayExecute ? mask & ~EXECUTE : mask;
    }
    if (caller.uid() == node.uid) {
      return node.mode >> 6 & mask;
    }
    return (caller.inGroup(node.gid) ? node.mode >> 3 : node.mode) & mask;
  }

  private Set<FsError> stale(long inode) {
    return model.node(inode) == null ? EnumSet.of(FsError.STALE) : none();
  }

  /// Errors of using an inode as a directory to search: nothing else shows then.
  private Set<FsError> search(Caller caller, long directory) {
    ModelNode node = model.node(directory);
    if (node == null) {
      return EnumSet.of(FsError.STALE);
    }
    if (!node.isDirectory()) {
      return EnumSet.of(FsError.NOT_DIRECTORY);
    }
    return may(node, caller, EXECUTE) ? none() : EnumSet.of(FsError.ACCESS_DENIED);
  }

  private static Set<FsError> invalid(Name name) {
    byte[] bytes = name.toBytes();
    Set<FsError> errors = none();
    if (bytes.length == 0) {
      errors.add(FsError.NOT_FOUND);
    }
    if (bytes.length > NAME_BYTES_MAX) {
      errors.add(FsError.NAME_TOO_LONG);
    }
    for (byte each : bytes) {
      if (each == '/' || each == 0) {
        errors.add(FsError.INVALID);
      }
    }
    return errors;
  }

  private Set<FsError> lookup(Op.Lookup op) {
    Set<FsError> errors = search(op.caller(), op.directory());
    if (!errors.isEmpty() || op.name().isDot() || op.name().isDotDot()) {
      return errors;
    }
    errors = invalid(op.name());
    if (errors.isEmpty() && model.child(op.directory(), op.name()) == null) {
      errors.add(FsError.NOT_FOUND);
    }
    return errors;
  }

  private Set<FsError> setattr(Op.Setattr op) {
    ModelNode node = model.node(op.inode());
    if (node == null) {
      return EnumSet.of(FsError.STALE);
    }
    SetAttributes changes = op.changes();
    Set<FsError> errors = none();
    if (changes.guardCtime() != null && !changes.guardCtime().equals(node.ctime)) {
      errors.add(FsError.NOT_SYNC);
    }
    if (changes.isEmpty()) {
      return errors;
    }
    owner(op.caller(), node, changes, errors);
    times(op.caller(), node, changes, errors);
    Long size = changes.size();
    if (size != null) {
      resize(op.caller(), node, size, errors);
    }
    return errors;
  }

  private static void owner(
      Caller caller, ModelNode node, SetAttributes changes, Set<FsError> errors) {
    if (caller.isSuperuser()) {
      return;
    }
    boolean isOwner = caller.uid() == node.uid;
    if (changes.mode() != null && !isOwner) {
      errors.add(FsError.NOT_PERMITTED);
    }
    Integer uid = changes.uid();
    if (uid != null && !(isOwner && uid == node.uid)) {
      errors.add(FsError.NOT_PERMITTED);
    }
    Integer gid = changes.gid();
    if (gid != null && !(isOwner && (gid == node.gid || caller.inGroup(gid)))) {
      errors.add(FsError.NOT_PERMITTED);
    }
  }

  /// utimensat(2): anything but "now, both" is the owner's.
  private static void times(
      Caller caller, ModelNode node, SetAttributes changes, Set<FsError> errors) {
    boolean none = changes.atime() == null && changes.mtime() == null;
    if (none || caller.isSuperuser() || caller.uid() == node.uid) {
      return;
    }
    boolean touches =
        changes.atime() instanceof SetTime.Now && changes.mtime() instanceof SetTime.Now;
    if (!touches) {
      errors.add(FsError.NOT_PERMITTED);
    } else if (!may(node, caller, WRITE)) {
      errors.add(FsError.ACCESS_DENIED);
    }
  }

  private void resize(Caller caller, ModelNode node, long size, Set<FsError> errors) {
    if (node.isDirectory()) {
      errors.add(FsError.IS_DIRECTORY);
    } else if (!node.isFile() || size < 0) {
      errors.add(FsError.INVALID);
    } else if (!model.hasRoom(node.allocatedAfterResize(size) - node.allocated())) {
      errors.add(FsError.NO_SPACE);
    }
    if (!may(node, caller, WRITE)) {
      errors.add(FsError.ACCESS_DENIED);
    }
  }

  private Set<FsError> readlink(Op.Readlink op) {
    ModelNode node = model.node(op.inode());
    if (node == null) {
      return EnumSet.of(FsError.STALE);
    }
    return node.type == FileType.SYMLINK ? none() : EnumSet.of(FsError.INVALID);
  }

  private Set<FsError> file(Caller caller, long inode, int mask) {
    ModelNode node = model.node(inode);
    if (node == null) {
      return EnumSet.of(FsError.STALE);
    }
    Set<FsError> errors = none();
    if (node.isDirectory()) {
      errors.add(FsError.IS_DIRECTORY);
    } else if (!node.isFile()) {
      errors.add(FsError.INVALID);
    }
    if (!may(node, caller, mask)) {
      errors.add(FsError.ACCESS_DENIED);
    }
    return errors;
  }

  private Set<FsError> read(Op.Read op) {
    return file(op.caller(), op.inode(), READ);
  }

  private Set<FsError> write(Op.Write op) {
    Set<FsError> errors = file(op.caller(), op.inode(), WRITE);
    if (op.offset() > Long.MAX_VALUE - op.length()) {
      errors.add(FsError.FILE_TOO_LARGE);
      return errors;
    }
    ModelNode node = model.node(op.inode());
    if (node != null
        && node.isFile()
        && !model.hasRoom(node.allocatedAfterWrite(op.offset(), op.length()) - node.allocated())) {
      errors.add(FsError.NO_SPACE);
    }
    return errors;
  }

  private Set<FsError> create(Op.Create op) {
    Set<FsError> errors = entry(op.caller(), op.directory(), op.name());
    if (!errors.isEmpty()) {
      return errors;
    }
    ModelNode existing = model.child(op.directory(), op.name());
    SetAttributes initial = op.initial();
    if (existing == null) {
      errors = intoDirectory(op.caller(), op.directory());
      owner(op.caller(), PosixModel.owned(op.caller(), model, op.directory()), initial, errors);
      return errors;
    }
    if (op.exclusive()) {
      return EnumSet.of(FsError.EXISTS);
    }
    if (!existing.isFile()) {
      return EnumSet.of(existing.isDirectory() ? FsError.IS_DIRECTORY : FsError.EXISTS);
    }
    Long size = initial.size();
    if (size != null) {
      resize(op.caller(), existing, size, errors);
    }
    return errors;
  }

  private Set<FsError> createExclusive(Op.CreateExclusive op) {
    Set<FsError> errors = entry(op.caller(), op.directory(), op.name());
    if (!errors.isEmpty()) {
      return errors;
    }
    ModelNode existing = model.child(op.directory(), op.name());
    if (existing == null) {
      return intoDirectory(op.caller(), op.directory());
    }
    boolean same = existing.isFile() && existing.verifier == op.verifier();
    return same ? none() : EnumSet.of(FsError.EXISTS);
  }

  /// Errors of a name that is to be made: of its directory, or of itself.
  private Set<FsError> entry(Caller caller, long directory, Name name) {
    Set<FsError> errors = search(caller, directory);
    if (!errors.isEmpty()) {
      return errors;
    }
    if (name.isDot() || name.isDotDot()) {
      return EnumSet.of(FsError.EXISTS, FsError.IS_DIRECTORY);
    }
    return invalid(name);
  }

  private Set<FsError> intoDirectory(Caller caller, long directory) {
    Set<FsError> errors = none();
    ModelNode node = model.require(directory);
    if (!may(node, caller, WRITE)) {
      errors.add(FsError.ACCESS_DENIED);
    }
    if (node.nlink == 0) {
      errors.add(FsError.NOT_FOUND);
    }
    return errors;
  }

  private Set<FsError> makeNew(Caller caller, long directory, Name name) {
    Set<FsError> errors = entry(caller, directory, name);
    if (!errors.isEmpty()) {
      return errors;
    }
    return model.child(directory, name) == null
        ? intoDirectory(caller, directory)
        : EnumSet.of(FsError.EXISTS);
  }

  private Set<FsError> symlink(Op.Symlink op) {
    Set<FsError> errors = makeNew(op.caller(), op.directory(), op.name());
    if (op.target().isEmpty()) {
      errors.add(FsError.NOT_FOUND);
    }
    if (op.target().length() > SYMLINK_BYTES_MAX) {
      errors.add(FsError.NAME_TOO_LONG);
    }
    return errors;
  }

  private Set<FsError> mknod(Op.Mknod op) {
    Set<FsError> errors = makeNew(op.caller(), op.directory(), op.name());
    boolean isDevice = op.type() == FileType.CHARACTER_DEVICE || op.type() == FileType.BLOCK_DEVICE;
    if (isDevice && !op.caller().isSuperuser()) {
      errors.add(FsError.NOT_PERMITTED);
    }
    if (!isDevice && op.type() != FileType.FIFO && op.type() != FileType.SOCKET) {
      errors.add(FsError.INVALID);
    }
    return errors;
  }

  private Set<FsError> link(Op.Link op) {
    Set<FsError> errors = makeNew(op.caller(), op.directory(), op.name());
    ModelNode node = model.node(op.inode());
    if (node == null) {
      errors.add(FsError.STALE);
      return errors;
    }
    if (node.isDirectory()) {
      errors.add(FsError.NOT_PERMITTED);
    }
    if (node.nlink == 0) {
      errors.add(FsError.NOT_FOUND);
    }
    if (node.nlink >= LINKS_MAX) {
      errors.add(FsError.TOO_MANY_LINKS);
    }
    return errors;
  }

  private Set<FsError> remove(Caller caller, long directory, Name name, boolean isRmdir) {
    Set<FsError> errors = search(caller, directory);
    if (name.isDot() || name.isDotDot()) {
      errors.add(isRmdir && name.isDotDot() ? FsError.NOT_EMPTY : FsError.INVALID);
      return errors;
    }
    if (!errors.isEmpty()) {
      return errors;
    }
    errors = invalid(name);
    if (!errors.isEmpty()) {
      return errors;
    }
    ModelNode child = model.child(directory, name);
    if (child == null) {
      return EnumSet.of(FsError.NOT_FOUND);
    }
    removable(caller, model.require(directory), child, errors);
    if (isRmdir && !child.isDirectory()) {
      errors.add(FsError.NOT_DIRECTORY);
    }
    if (!isRmdir && child.isDirectory()) {
      errors.add(FsError.IS_DIRECTORY);
    }
    if (isRmdir && !child.entries.isEmpty()) {
      errors.add(FsError.NOT_EMPTY);
    }
    return errors;
  }

  private static void removable(
      Caller caller, ModelNode directory, ModelNode child, Set<FsError> errors) {
    if (!may(directory, caller, WRITE | EXECUTE)) {
      errors.add(FsError.ACCESS_DENIED);
    }
    boolean isSticky = (directory.mode & 01000) != 0;
    boolean mayIgnoreSticky =
        caller.isSuperuser() || caller.uid() == child.uid || caller.uid() == directory.uid;
    if (isSticky && !mayIgnoreSticky) {
      errors.add(FsError.NOT_PERMITTED);
    }
  }

  private Set<FsError> rename(Op.Rename op) {
    Set<FsError> errors = search(op.caller(), op.fromDirectory());
    if (errors.isEmpty() && model.child(op.fromDirectory(), op.from()) == null) {
      errors.add(FsError.NOT_FOUND);
    }
    errors.addAll(search(op.caller(), op.toDirectory()));
    for (Name each : Arrays.asList(op.from(), op.to())) {
      if (each.isDot() || each.isDotDot()) {
        errors.add(FsError.INVALID);
      } else {
        errors.addAll(invalid(each));
      }
    }
    if (!errors.isEmpty()) {
      return errors;
    }
    ModelNode source = Objects.requireNonNull(model.child(op.fromDirectory(), op.from()));
    ModelNode target = model.child(op.toDirectory(), op.to());
    if (target != null && op.mode() == RenameMode.NOREPLACE) {
      errors.add(FsError.EXISTS);
    } else if (target == null && op.mode() == RenameMode.EXCHANGE) {
      errors.add(FsError.NOT_FOUND);
    } else if (source == target) {
      return errors; // Nothing happens, whoever asks (rename(2)).
    }
    renameFound(op, source, target, errors);
    return errors;
  }

  private void renameFound(
      Op.Rename op, ModelNode source, @Nullable ModelNode target, Set<FsError> errors) {
    ModelNode from = model.require(op.fromDirectory());
    ModelNode to = model.require(op.toDirectory());
    Caller caller = op.caller();
    boolean exchange = op.mode() == RenameMode.EXCHANGE;
    removable(caller, from, source, errors);
    if (target == null) {
      errors.addAll(intoDirectory(caller, op.toDirectory()));
    } else {
      removable(caller, to, target, errors);
      if (!exchange) {
        replaceable(source, target, errors);
      }
      if (target.isDirectory() && PosixModel.isBelow(from, target)) {
        errors.add(exchange ? FsError.INVALID : FsError.NOT_EMPTY);
      }
    }
    if (source.isDirectory() && PosixModel.isBelow(to, source)) {
      errors.add(FsError.INVALID);
    }
    if (from != to) {
      // Its ".." is rewritten.
      boolean sourceLocked = source.isDirectory() && !may(source, caller, WRITE);
      boolean targetLocked =
          exchange && target != null && target.isDirectory() && !may(target, caller, WRITE);
      if (sourceLocked || targetLocked) {
        errors.add(FsError.ACCESS_DENIED);
      }
    }
  }

  private static void replaceable(ModelNode source, ModelNode target, Set<FsError> errors) {
    if (source.isDirectory() && !target.isDirectory()) {
      errors.add(FsError.NOT_DIRECTORY);
    }
    if (!source.isDirectory() && target.isDirectory()) {
      errors.add(FsError.IS_DIRECTORY);
    }
    if (target.isDirectory() && !target.entries.isEmpty()) {
      errors.add(FsError.NOT_EMPTY);
    }
  }

  private Set<FsError> readdir(Op.Readdir op) {
    ModelNode node = model.node(op.directory());
    if (node == null) {
      return EnumSet.of(FsError.STALE);
    }
    if (!node.isDirectory()) {
      return EnumSet.of(FsError.NOT_DIRECTORY);
    }
    return may(node, op.caller(), READ) ? none() : EnumSet.of(FsError.ACCESS_DENIED);
  }

  private Set<FsError> open(Op.Open op) {
    ModelNode node = model.node(op.inode());
    if (node == null) {
      return EnumSet.of(FsError.STALE);
    }
    return may(node, op.caller(), op.mask()) ? none() : EnumSet.of(FsError.ACCESS_DENIED);
  }
}
