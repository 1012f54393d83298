package zerofs.fs.engine;

import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;

/// Operations that make and remove names, except rename ([Renames]).
final class Namespace {
  /// As ext4 has it; a bound that applications know (LINK_MAX).
  static final int LINKS_MAX = 65_000;

  private static final int DIRECTORY_FIRST_COOKIE = 3;

  private final Tasks tasks;
  private final Generations generations;
  private final InodeTable inodes;
  private final Directories directories;
  private final Files files;
  private final Setattr setattr;
  private final SpaceUsage usage;
  private final AtomicLong nextInode;
  private final Reaper reaper;

  Namespace(Core core) {
    tasks = core.tasks();
    generations = core.generations();
    inodes = core.inodes();
    directories = core.directories();
    files = core.files();
    setattr = core.setattr();
    usage = core.usage();
    nextInode = core.nextInode();
    reaper = core.reaper();
  }

  Attributes lookup(Call call, long directory, Name name) throws FsException {
    InodeNode parent = inodes.pin(directory, false);
    try {
      long child;
      parent.lock().lockShared();
      try {
        Inode row = parent.loadedRow();
        Permissions.requireDirectory(row);
        Permissions.require(row, call.caller(), Permissions.EXECUTE);
        if (name.isDot()) {
          child = directory;
        } else if (name.isDotDot()) {
          child = row.parent;
        } else {
          Permissions.requireValid(name);
          child = directories.require(parent, name).inode();
        }
      } finally {
        parent.lock().unlockShared();
      }
      call.reached(parent.lastSequence());
      return attributesOfEntry(call, child);
    } finally {
      parent.unpin();
    }
  }

  private Attributes attributesOfEntry(Call call, long child) throws FsException {
    try {
      return attributes(call, child);
    } catch (FsException e) {
      // Removed between the two looks: the name does not exist any more.
      throw e.error() == FsError.STALE ? new FsException(FsError.NOT_FOUND) : e;
    }
  }

  private Attributes attributes(Call call, long inode) throws FsException {
    InodeNode node = inodes.pin(inode, false);
    try {
      Inode row = node.loadedRow();
      call.reached(node.lastSequence());
      return requireLiving(row).attributes();
    } finally {
      node.unpin();
    }
  }

  /// What a new inode is, besides its owner.
  record Birth(
      FileType type, int mode, int major, int minor, long verifier, byte @Nullable [] target) {
    static Birth of(FileType type, int mode) {
      return new Birth(type, mode, 0, 0, 0, null);
    }
  }

  Attributes create(
      Call call, long directory, Name name, int mode, boolean exclusive, SetAttributes initial)
      throws FsException {
    files.requireRoom();
    InodeNode parent = inodes.pin(directory, false);
    try {
      while (true) {
        DirectoryEntry existing;
        try (LockSet _ = LockSet.exclusive(parent)) {
          existing = existing(call, parent, name);
          if (existing == NameCache.ABSENT) {
            Birth birth = Birth.of(FileType.REGULAR, mode);
            return make(call, parent, name, birth, initial);
          }
        }
        if (exclusive) {
          throw new FsException(FsError.EXISTS);
        }
        try {
          return openExisting(call, existing, initial);
        } catch (FsException e) {
          requireStale(e);
          requireGone(parent, name, existing.inode());
        }
      }
    } finally {
      parent.unpin();
    }
  }

  /// Removed between the look at the name and the look at its inode: the caller looks again.
  private static void requireStale(FsException e) throws FsException {
    if (e.error() != FsError.STALE) {
      throw e;
    }
  }

  private Attributes openExisting(Call call, DirectoryEntry existing, SetAttributes initial)
      throws FsException {
    if (existing.type() == FileType.DIRECTORY) {
      throw new FsException(FsError.IS_DIRECTORY);
    }
    if (existing.type() != FileType.REGULAR) {
      throw new FsException(FsError.EXISTS);
    }
    Long size = initial.size();
    return size == null
        ? attributes(call, existing.inode())
        : setattr.set(call, existing.inode(), SetAttributes.ofSize(size));
  }

  Attributes createExclusive(Call call, long directory, Name name, long verifier)
      throws FsException {
    files.requireRoom();
    InodeNode parent = inodes.pin(directory, false);
    try {
      while (true) {
        DirectoryEntry existing;
        try (LockSet _ = LockSet.exclusive(parent)) {
          existing = existing(call, parent, name);
          if (existing == NameCache.ABSENT) {
            Birth birth = new Birth(FileType.REGULAR, 0, 0, 0, verifier, null);
            return make(call, parent, name, birth, SetAttributes.NONE);
          }
        }
        try {
          return madeBefore(call, existing.inode(), verifier);
        } catch (FsException e) {
          requireStale(e);
          requireGone(parent, name, existing.inode());
        }
      }
    } finally {
      parent.unpin();
    }
  }

  private Attributes madeBefore(Call call, long inode, long verifier) throws FsException {
    InodeNode child = inodes.pin(inode, false);
    try {
      Inode row = requireLiving(child);
      if (!row.isFile() || row.verifier != verifier) {
        throw new FsException(FsError.EXISTS);
      }
      call.reached(child.lastSequence());
      return row.attributes();
    } finally {
      child.unpin();
    }
  }

  /// Makes a directory, symlink or special file, whose name must be free.
  Attributes makeNew(Call call, long directory, Name name, Birth birth, SetAttributes initial)
      throws FsException {
    files.requireRoom();
    byte[] target = birth.target();
    if (target != null && (target.length == 0 || target.length > Filesystem.SYMLINK_BYTES_MAX)) {
      throw new FsException(target.length == 0 ? FsError.NOT_FOUND : FsError.NAME_TOO_LONG);
    }
    InodeNode parent = inodes.pin(directory, false);
    try (LockSet _ = LockSet.exclusive(parent)) {
      if (existing(call, parent, name) != NameCache.ABSENT) {
        throw new FsException(FsError.EXISTS);
      }
      return make(call, parent, name, birth, initial);
    } finally {
      parent.unpin();
    }
  }

  private DirectoryEntry existing(Call call, InodeNode parent, Name name) throws FsException {
    Inode row = requireLiving(parent);
    Permissions.requireDirectory(row);
    Permissions.require(row, call.caller(), Permissions.EXECUTE);
    if (name.isDot() || name.isDotDot()) {
      throw new FsException(FsError.EXISTS);
    }
    Permissions.requireValid(name);
    return directories.find(parent, name);
  }

  private Attributes make(
      Call call, InodeNode parent, Name name, Birth birth, SetAttributes initial)
      throws FsException {
    Inode parentRow = parent.loadedRow();
    Permissions.require(parentRow, call.caller(), Permissions.WRITE);
    if (parentRow.nlink == 0) {
      throw new FsException(FsError.NOT_FOUND);
    }
    boolean isDirectory = birth.type() == FileType.DIRECTORY;
    if (isDirectory && parentRow.nlink >= LINKS_MAX) {
      throw new FsException(FsError.TOO_MANY_LINKS);
    }
    usage.requireStoreRoom();
    long now = tasks.wallNanos();
    Inode child = newborn(call.caller(), parentRow, birth, now);
    child = setattr.initial(call.caller(), child, initial, now);
    Directories.Slot slot = directories.slot(parent, name);
    long space = child.allocatedBytes();
    if (!usage.tryCharge(space)) {
      throw new FsException(FsError.NO_SPACE);
    }
    DirectoryEntry entry = new DirectoryEntry(parentRow.nextCookie, child.type, child.inode, name);
    Inode.Draft changed = entriesChanged(parentRow, 1, isDirectory ? 1 : 0, now);
    changed.nextCookie++;
    Inode changedParent = changed.build();
    Inode born = child;
    InodeNode node = inodes.pinNew(born);
    files.born(node); // Before readdir, which takes no lock, can show it to anybody.
    if (isDirectory) {
      node.setNames(NameCache.ofNewDirectory());
    }
    long sequence =
        generations.commit(
            call,
            commit -> {
              commit.put(born);
              commit.put(changedParent);
              directories.insert(commit, parent, entry, slot);
              commit.usage(space, 1);
            });
    node.changed(sequence, born);
    parent.changed(sequence, changedParent);
    call.reached(sequence);
    node.unpin();
    return born.attributes();
  }

  private Inode newborn(Caller caller, Inode parent, Birth birth, long now) {
    Inode.Draft draft = Inode.create(nextInode.getAndIncrement(), birth.type());
    boolean isDirectory = birth.type() == FileType.DIRECTORY;
    boolean inherits = (parent.mode & Permissions.SETGID) != 0;
    draft.uid = caller.uid();
    draft.gid = inherits ? parent.gid : caller.gid();
    draft.mode = birth.mode() & 07777;
    if (inherits && isDirectory) {
      draft.mode |= Permissions.SETGID;
    } else if (inherits && !caller.isSuperuser() && !caller.inGroup(draft.gid)) {
      // Linux inode_init_owner: nobody makes a setgid program of a group he is not in.
      draft.mode = (draft.mode & 010) != 0 ? draft.mode & ~Permissions.SETGID : draft.mode;
    }
    draft.nlink = isDirectory ? 2 : 1;
    draft.parent = isDirectory ? parent.inode : 0;
    draft.nextCookie = isDirectory ? DIRECTORY_FIRST_COOKIE : 0;
    draft.major = birth.major();
    draft.minor = birth.minor();
    draft.verifier = birth.verifier();
    byte[] target = birth.target();
    if (target != null) {
      draft.target = target.clone();
      draft.size = target.length;
    }
    draft.change = 1;
    draft.atime(now).mtime(now).ctime(now).btime(now);
    return draft.build();
  }

  Attributes link(Call call, long inode, long directory, Name name) throws FsException {
    files.requireRoom();
    InodeNode parent = inodes.pin(directory, false);
    try {
      InodeNode child = inodes.pin(inode, false);
      try (LockSet _ = LockSet.exclusive(parent, child)) {
        return linkLocked(call, parent, child, name);
      } finally {
        child.unpin();
      }
    } finally {
      parent.unpin();
    }
  }

  private Attributes linkLocked(Call call, InodeNode parent, InodeNode child, Name name)
      throws FsException {
    Inode row = requireLiving(child);
    if (existing(call, parent, name) != NameCache.ABSENT) {
      throw new FsException(FsError.EXISTS);
    }
    Inode parentRow = parent.loadedRow();
    Permissions.require(parentRow, call.caller(), Permissions.WRITE);
    if (row.isDirectory()) {
      throw new FsException(FsError.NOT_PERMITTED);
    }
    if (parentRow.nlink == 0 || row.nlink == 0) {
      throw new FsException(FsError.NOT_FOUND);
    }
    if (row.nlink >= LINKS_MAX) {
      throw new FsException(FsError.TOO_MANY_LINKS);
    }
    usage.requireStoreRoom();
    long now = tasks.wallNanos();
    Directories.Slot slot = directories.slot(parent, name);
    DirectoryEntry entry = new DirectoryEntry(parentRow.nextCookie, row.type, row.inode, name);
    Inode.Draft draft = entriesChanged(parentRow, 1, 0, now);
    draft.nextCookie++;
    Inode changedParent = draft.build();
    Inode changedChild = linksChanged(row, 1, now);
    long sequence =
        generations.commit(
            call,
            commit -> {
              commit.put(changedChild);
              commit.put(changedParent);
              directories.insert(commit, parent, entry, slot);
            });
    parent.changed(sequence, changedParent);
    child.changed(sequence, changedChild);
    call.reached(sequence);
    return changedChild.attributes();
  }

  void unlink(Call call, long directory, Name name) throws FsException {
    remove(call, directory, name, false);
  }

  void rmdir(Call call, long directory, Name name) throws FsException {
    if (name.isDot()) {
      throw new FsException(FsError.INVALID);
    }
    if (name.isDotDot()) {
      throw new FsException(FsError.NOT_EMPTY);
    }
    remove(call, directory, name, true);
  }

  private void remove(Call call, long directory, Name name, boolean wantsDirectory)
      throws FsException {
    files.requireRoom();
    InodeNode parent = inodes.pin(directory, false);
    try {
      while (true) {
        InodeNode child = pinChild(call, parent, name);
        try (LockSet _ = LockSet.exclusive(parent, child)) {
          DirectoryEntry entry = directories.find(parent, name);
          if (entry.inode() == child.inode()) {
            removeLocked(call, parent, child, entry, wantsDirectory);
            return;
          }
        } finally {
          child.unpin();
        }
      }
    } finally {
      parent.unpin();
    }
  }

  /// Pins the inode that a name stands for just now; the locks that a removal needs can be taken
  /// only once it is known, so the caller looks again under them.
  InodeNode pinChild(Call call, InodeNode parent, Name name) throws FsException {
    while (true) {
      long child;
      parent.lock().lockShared();
      try {
        Inode row = parent.loadedRow();
        Permissions.requireDirectory(requireLiving(parent));
        Permissions.require(row, call.caller(), Permissions.EXECUTE);
        if (name.isDot() || name.isDotDot()) {
          throw new FsException(FsError.INVALID);
        }
        Permissions.requireValid(name);
        child = directories.require(parent, name).inode();
      } finally {
        parent.lock().unlockShared();
      }
      try {
        return inodes.pin(child, false);
      } catch (FsException e) {
        if (e.error() != FsError.STALE) {
          throw e;
        }
        requireGone(parent, name, child);
      }
    }
  }

  /// A name whose inode is gone: fine when the name is gone by now as well; damage otherwise, which
  /// must not make us look for ever.
  private void requireGone(InodeNode parent, Name name, long child) throws FsException {
    parent.lock().lockShared();
    try {
      if (directories.find(parent, name).inode() == child) {
        throw new FsException(
            FsError.IO, "entry of a directory names inode " + child + ", which is gone", null);
      }
    } finally {
      parent.lock().unlockShared();
    }
  }

  private void removeLocked(
      Call call, InodeNode parent, InodeNode child, DirectoryEntry entry, boolean wantsDirectory)
      throws FsException {
    Inode parentRow = parent.loadedRow();
    Inode row = child.loadedRow();
    Permissions.requireRemovable(parentRow, row, call.caller());
    if (wantsDirectory && !row.isDirectory()) {
      throw new FsException(FsError.NOT_DIRECTORY);
    }
    if (!wantsDirectory && row.isDirectory()) {
      throw new FsException(FsError.IS_DIRECTORY);
    }
    if (row.isDirectory() && row.units > 0) {
      throw new FsException(FsError.NOT_EMPTY);
    }
    long now = tasks.wallNanos();
    Directories.Slot slot = directories.slot(parent, entry.name());
    Inode changedParent = entriesChanged(parentRow, -1, row.isDirectory() ? -1 : 0, now).build();
    Unlinked unlinked = unlinked(child, row, now);
    long sequence =
        generations.commit(
            call,
            commit -> {
              directories.remove(commit, parent, entry, slot);
              commit.put(changedParent);
              unlinked.apply(commit);
            });
    parent.changed(sequence, changedParent);
    unlinked.publish(sequence);
    call.reached(sequence);
  }

  /// What happens to an inode that loses one name (all of them, if a directory): it stays, or
  /// becomes an orphan while it is open, or goes with its data.
  Unlinked unlinked(InodeNode node, Inode row, long now) throws FsException {
    Inode after = linksChanged(row, row.isDirectory() ? -row.nlink : -1, now);
    boolean gone = after.nlink == 0 && node.opens() == 0 && !Files.isHuge(row);
    Files.DataChange removal = gone ? files.planRemoval(node, row) : null;
    return new Unlinked(node, after, gone, removal);
  }

  /// See [#unlinked].
  final class Unlinked {
    private final InodeNode node;
    private final Inode after;
    private final boolean gone;
    private final Files.@Nullable DataChange removal;

    private Unlinked(
        InodeNode node, Inode after, boolean gone, Files.@Nullable DataChange removal) {
      this.node = node;
      this.after = after;
      this.gone = gone;
      this.removal = removal;
    }

    /// Inside the gate.
    void apply(Commit commit) {
      if (!gone) {
        commit.put(after);
        if (after.nlink == 0) {
          commit.put(RowKeys.orphan(after.inode), new byte[] {1});
        }
        return;
      }
      commit.remove(after);
      if (removal != null) {
        removal.apply(commit);
      }
      commit.usage(-after.allocatedBytes(), -1);
    }

    /// After the commit, locks still held.
    void publish(long sequence) {
      if (gone) {
        node.changed(sequence, Generation.REMOVED);
        Checks.invariant(usage.tryCharge(-after.allocatedBytes()), "giving space back fails");
      } else {
        node.changed(sequence, after);
        if (after.nlink == 0 && node.opens() == 0) {
          reaper.add(after.inode);
        }
      }
    }
  }

  /// Removes an orphan whose last opener has gone. The lock is held exclusively.
  long removeOrphan(Call call, InodeNode node) throws FsException {
    Inode row = node.loadedRow();
    Unlinked unlinked = new Unlinked(node, row, true, files.planRemoval(node, row));
    long sequence =
        generations.commit(
            call,
            commit -> {
              unlinked.apply(commit);
              commit.put(RowKeys.orphan(row.inode), new byte[0]);
            });
    unlinked.publish(sequence);
    return sequence;
  }

  static Inode requireLiving(InodeNode node) throws FsException {
    return requireLiving(node.loadedRow());
  }

  static Inode requireLiving(Inode row) throws FsException {
    if (row == Generation.REMOVED) {
      throw new FsException(FsError.STALE);
    }
    return row;
  }

  /// A directory that gained or lost names.
  static Inode.Draft entriesChanged(Inode directory, int entries, int subdirectories, long now) {
    Inode.Draft draft = directory.edit();
    draft.units += entries;
    draft.nlink += subdirectories;
    draft.change++;
    draft.mtime(now).ctime(now);
    return draft;
  }

  private static Inode linksChanged(Inode inode, int links, long now) {
    Inode.Draft draft = inode.edit();
    draft.nlink += links;
    draft.change++;
    draft.ctime(now);
    return draft.build();
  }
}
