package zerofs.fs.engine;

import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.Inode;

/// rename(2) and renameat2(2).
///
/// A directory that changes its parent must not end below itself, under any race: such renames hold
/// one mutex of the volume, before any inode's lock, so that no other one changes the chain of
/// parents while it is walked. All other renames need only the locks of the inodes they change.
final class Renames {
  private final Tasks tasks;
  private final Generations generations;
  private final InodeTable inodes;
  private final Directories directories;
  private final Namespace namespace;
  private final Files files;
  private final Tasks.Mutex directoryMoves;

  Renames(Core core, Namespace namespace) {
    this.tasks = core.tasks();
    this.generations = core.generations();
    this.inodes = core.inodes();
    this.directories = core.directories();
    this.namespace = namespace;
    this.files = core.files();
    this.directoryMoves = core.tasks().newMutex("directory moves");
  }

  /// Names the inodes of one rename; `target` is null when the new name does not exist.
  private record Parties(
      Call call,
      InodeNode fromParent,
      Name fromName,
      InodeNode toParent,
      Name toName,
      RenameMode mode,
      InodeNode source,
      @Nullable InodeNode target) {
    boolean sameParent() {
      return fromParent == toParent;
    }

    boolean movesDirectory() {
      InodeNode replaced = target;
      boolean exchangesDirectory =
          mode == RenameMode.EXCHANGE && replaced != null && replaced.loadedRow().isDirectory();
      return !sameParent() && (source.loadedRow().isDirectory() || exchangesDirectory);
    }
  }

  void rename(Call call, long fromDirectory, Name from, long toDirectory, Name to, RenameMode mode)
      throws FsException {
    files.requireRoom();
    if (from.isDot() || from.isDotDot() || to.isDot() || to.isDotDot()) {
      throw new FsException(FsError.INVALID);
    }
    Permissions.requireValid(from);
    Permissions.requireValid(to); // Here: below, "no such name" of the target means it is free.
    InodeNode fromParent = inodes.pin(fromDirectory, false);
    try {
      InodeNode toParent = inodes.pin(toDirectory, false);
      try {
        while (!tryRename(call, fromParent, from, toParent, to, mode)) {
          tasks.yieldPoint();
        }
      } finally {
        toParent.unpin();
      }
    } finally {
      fromParent.unpin();
    }
  }

  /// @return false when the names changed between the look and the locks
  private boolean tryRename(
      Call call, InodeNode fromParent, Name from, InodeNode toParent, Name to, RenameMode mode)
      throws FsException {
    InodeNode source = namespace.pinChild(call, fromParent, from);
    InodeNode target = null;
    try {
      target = pinTarget(call, toParent, to);
      Parties parties = new Parties(call, fromParent, from, toParent, to, mode, source, target);
      if (!parties.movesDirectory()) {
        return lockAndMove(parties);
      }
      directoryMoves.lock();
      try {
        requireNoCycle(parties);
        return lockAndMove(parties);
      } finally {
        directoryMoves.unlock();
      }
    } finally {
      source.unpin();
      if (target != null) {
        target.unpin();
      }
    }
  }

  private @Nullable InodeNode pinTarget(Call call, InodeNode parent, Name name) throws FsException {
    try {
      return namespace.pinChild(call, parent, name);
    } catch (FsException e) {
      if (e.error() == FsError.NOT_FOUND) {
        return null;
      }
      throw e;
    }
  }

  private boolean lockAndMove(Parties parties) throws FsException {
    InodeNode target = parties.target();
    LockSet locks =
        target == null
            ? LockSet.exclusive(parties.fromParent(), parties.toParent(), parties.source())
            : LockSet.exclusive(parties.fromParent(), parties.toParent(), parties.source(), target);
    try (locks) {
      DirectoryEntry from = directories.find(parties.fromParent(), parties.fromName());
      DirectoryEntry to = directories.find(parties.toParent(), parties.toName());
      boolean targetUnchanged =
          target == null ? to == NameCache.ABSENT : to.inode() == target.inode();
      if (from.inode() != parties.source().inode() || !targetUnchanged) {
        return false;
      }
      if (target == parties.source() && parties.mode() != RenameMode.NOREPLACE) {
        return true; // Two names of one inode: nothing happens, whoever asks (Linux vfs_rename).
      }
      checkLocked(parties);
      if (parties.mode() == RenameMode.EXCHANGE) {
        exchange(parties, from, to);
      } else {
        move(parties, from, to);
      }
      return true;
    }
  }

  private static void checkLocked(Parties parties) throws FsException {
    Caller caller = parties.call().caller();
    Inode fromParent = Namespace.requireLiving(parties.fromParent());
    Inode toParent = Namespace.requireLiving(parties.toParent());
    Inode source = parties.source().loadedRow();
    InodeNode target = parties.target();
    if (target != null && parties.mode() == RenameMode.NOREPLACE) {
      throw new FsException(FsError.EXISTS);
    }
    if (target == null && parties.mode() == RenameMode.EXCHANGE) {
      throw new FsException(FsError.NOT_FOUND);
    }
    Permissions.requireRemovable(fromParent, source, caller);
    if (target == null) {
      Permissions.require(toParent, caller, Permissions.WRITE | Permissions.EXECUTE);
      if (toParent.nlink == 0) {
        throw new FsException(FsError.NOT_FOUND);
      }
    } else {
      Permissions.requireRemovable(toParent, target.loadedRow(), caller);
      if (parties.mode() == RenameMode.REPLACE && target != parties.source()) {
        requireReplaceable(source, target.loadedRow());
      }
    }
    requireParentChangeable(parties, source, target, caller);
  }

  private static void requireReplaceable(Inode source, Inode target) throws FsException {
    if (source.isDirectory() && !target.isDirectory()) {
      throw new FsException(FsError.NOT_DIRECTORY);
    }
    if (!source.isDirectory() && target.isDirectory()) {
      throw new FsException(FsError.IS_DIRECTORY);
    }
    if (target.isDirectory() && target.units > 0) {
      throw new FsException(FsError.NOT_EMPTY);
    }
  }

  /// A directory that gets another parent has its ".." rewritten: that takes write permission on it
  /// (Linux vfs_rename).
  private static void requireParentChangeable(
      Parties parties, Inode source, @Nullable InodeNode target, Caller caller) throws FsException {
    if (parties.sameParent()) {
      return;
    }
    boolean growsTo = source.isDirectory() && parties.mode() != RenameMode.EXCHANGE;
    if (growsTo && target == null && parties.toParent().loadedRow().nlink >= Namespace.LINKS_MAX) {
      throw new FsException(FsError.TOO_MANY_LINKS);
    }
    if (source.isDirectory()) {
      Permissions.require(source, caller, Permissions.WRITE);
    }
    if (parties.mode() == RenameMode.EXCHANGE
        && target != null
        && target.loadedRow().isDirectory()) {
      Permissions.require(target.loadedRow(), caller, Permissions.WRITE);
    }
  }

  /// The mutex for directory moves is held. A directory may not come to lie below itself; nor may a
  /// target be replaced that the source lies below (it is not empty).
  private void requireNoCycle(Parties parties) throws FsException {
    long source = parties.source().inode();
    if (parties.source().loadedRow().isDirectory() && isBelow(parties.toParent(), source)) {
      throw new FsException(FsError.INVALID);
    }
    InodeNode target = parties.target();
    if (target != null
        && target.loadedRow().isDirectory()
        && isBelow(parties.fromParent(), target.inode())) {
      throw new FsException(
          parties.mode() == RenameMode.EXCHANGE ? FsError.INVALID : FsError.NOT_EMPTY);
    }
  }

  private boolean isBelow(InodeNode start, long ancestor) throws FsException {
    long at = start.inode();
    while (at != Filesystem.ROOT) {
      if (at == ancestor) {
        return true;
      }
      InodeNode node;
      try {
        node = inodes.pin(at, false);
      } catch (FsException e) {
        if (e.error() == FsError.STALE) {
          return false; // Removed meanwhile; the locked part finds that out.
        }
        throw e;
      }
      try {
        at = node.loadedRow().parent;
      } finally {
        node.unpin();
      }
    }
    return ancestor == Filesystem.ROOT;
  }

  private void move(Parties parties, DirectoryEntry from, DirectoryEntry to) throws FsException {
    long now = tasks.wallNanos();
    InodeNode target = parties.target();
    boolean sameParent = parties.sameParent();
    Inode source = parties.source().loadedRow();
    Directories.Slot fromSlot = directories.slot(parties.fromParent(), parties.fromName());
    Directories.Slot toSlot = directories.slot(parties.toParent(), parties.toName());
    Namespace.Unlinked replaced =
        target == null ? null : namespace.unlinked(target, target.loadedRow(), now);
    boolean replacesDirectory = target != null && target.loadedRow().isDirectory();
    int moved = source.isDirectory() ? 1 : 0;
    int lost = replacesDirectory ? 1 : 0;

    Inode.Draft toDraft =
        Namespace.entriesChanged(
            parties.toParent().loadedRow(),
            (target == null ? 1 : 0) - (sameParent ? 1 : 0),
            (sameParent ? 0 : moved) - lost,
            now);
    DirectoryEntry arrived =
        new DirectoryEntry(
            target == null ? toDraft.nextCookie++ : to.cookie(),
            source.type,
            source.inode,
            parties.toName());
    Inode toParent = toDraft.build();
    Inode fromParent =
        sameParent
            ? toParent
            : Namespace.entriesChanged(parties.fromParent().loadedRow(), -1, -moved, now).build();
    Inode changedSource = reparented(source, parties.toParent().inode(), now);
    long sequence =
        generations.commit(
            parties.call(),
            commit -> {
              directories.remove(commit, parties.fromParent(), from, fromSlot);
              if (target == null) {
                directories.insert(commit, parties.toParent(), arrived, toSlot);
              } else {
                directories.replace(commit, parties.toParent(), arrived);
              }
              commit.put(fromParent);
              commit.put(toParent);
              commit.put(changedSource);
              if (replaced != null) {
                replaced.apply(commit);
              }
            });
    parties.fromParent().changed(sequence, fromParent);
    parties.toParent().changed(sequence, toParent);
    parties.source().changed(sequence, changedSource);
    if (replaced != null) {
      replaced.publish(sequence);
    }
    parties.call().reached(sequence);
  }

  private void exchange(Parties parties, DirectoryEntry from, DirectoryEntry to) {
    long now = tasks.wallNanos();
    InodeNode target = java.util.Objects.requireNonNull(parties.target());
    Inode source = parties.source().loadedRow();
    Inode other = target.loadedRow();
    int delta = (other.isDirectory() ? 1 : 0) - (source.isDirectory() ? 1 : 0);
    boolean sameParent = parties.sameParent();
    Inode fromParent =
        Namespace.entriesChanged(parties.fromParent().loadedRow(), 0, sameParent ? 0 : delta, now)
            .build();
    Inode toParent =
        sameParent
            ? fromParent
            : Namespace.entriesChanged(parties.toParent().loadedRow(), 0, -delta, now).build();
    Inode changedSource = reparented(source, parties.toParent().inode(), now);
    Inode changedOther = reparented(other, parties.fromParent().inode(), now);
    DirectoryEntry newFrom =
        new DirectoryEntry(from.cookie(), other.type, other.inode, from.name());
    DirectoryEntry newTo = new DirectoryEntry(to.cookie(), source.type, source.inode, to.name());
    long sequence =
        generations.commit(
            parties.call(),
            commit -> {
              directories.replace(commit, parties.fromParent(), newFrom);
              directories.replace(commit, parties.toParent(), newTo);
              commit.put(fromParent);
              commit.put(toParent);
              commit.put(changedSource);
              commit.put(changedOther);
            });
    parties.fromParent().changed(sequence, fromParent);
    parties.toParent().changed(sequence, toParent);
    parties.source().changed(sequence, changedSource);
    target.changed(sequence, changedOther);
    parties.call().reached(sequence);
  }

  private static Inode reparented(Inode inode, long parent, long now) {
    Inode.Draft draft = inode.edit();
    draft.parent = inode.isDirectory() ? parent : 0;
    draft.change++;
    draft.ctime(now);
    return draft.build();
  }
}
