package zerofs.fs.engine;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.Miss;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.SetTime;
import zerofs.fs.row.Inode;

/// chmod, chown, truncate, utimensat as one atomic change (RFC 1813 §3.3.2, Linux notify_change).
final class Setattr {
  private final Tasks tasks;
  private final Generations generations;
  private final InodeTable inodes;
  private final Files files;
  private final Recounter recounter;
  private final SpaceUsage usage;
  private final Attempts attempts;

  Setattr(
      Tasks tasks,
      Generations generations,
      InodeTable inodes,
      Files files,
      Recounter recounter,
      SpaceUsage usage,
      Attempts attempts) {
    this.tasks = tasks;
    this.generations = generations;
    this.inodes = inodes;
    this.files = files;
    this.recounter = recounter;
    this.usage = usage;
    this.attempts = attempts;
  }

  Attributes set(Call call, long inode, SetAttributes changes) throws FsException {
    InodeNode node = inodes.pin(inode, false);
    try {
      return set(call, node, changes);
    } finally {
      node.unpin();
    }
  }

  /// The same for an inode that is pinned.
  Attributes set(Call call, InodeNode node, SetAttributes changes) throws FsException {
    try (Files.WriteMemory memory = files.reserveForCut(call, changes.size() != null)) {
      try (LockSet _ = LockSet.exclusive(node)) {
        return setLocked(call, node, changes, memory);
      }
    }
  }

  private Attributes setLocked(
      Call call, InodeNode node, SetAttributes changes, Files.WriteMemory memory)
      throws FsException {
    Inode row = Namespace.requireLiving(node);
    if (!isAsGuarded(row, changes)) {
      throw new FsException(FsError.NOT_SYNC);
    }
    if (changes.isEmpty()) {
      return row.attributes();
    }
    long now = tasks.wallNanos();
    Inode.Draft draft = row.edit();
    checkTimes(call, row, changes);
    applyOwner(call.caller(), row, draft, changes);
    applyMode(call.caller(), row, draft, changes);
    applyTimes(draft, changes, now);
    Files.@Nullable Resize resize = null;
    Long size = changes.size();
    if (size != null) {
      requireResizable(call, row, size);
      if (files.reachable(node, row, size) > size) {
        throw new Miss(() -> shorten(node, changes));
      }
      resize = files.planResize(node, row, size, memory);
      draft.size = size;
      draft.units = resize.after().count();
      draft.guessed = resize.after().guessed();
      if (!call.caller().isSuperuser()) {
        draft.mode = Permissions.withoutPrivileges(draft.mode);
      }
      if (changes.mtime() == null) {
        draft.mtime(now);
      }
    }
    draft.change++;
    draft.ctime(now);
    return commit(call, node, row, draft.build(), resize);
  }

  private static boolean isAsGuarded(Inode row, SetAttributes changes) {
    SetAttributes.Time guard = changes.guardCtime();
    return guard == null || (guard.seconds() == row.ctime && guard.nanos() == row.ctimeNanos);
  }

  /// Cuts a file with very many chunks in steps, until one commit can do the rest (docs/adr/0007).
  /// Times stay: they and the guard belong to the change as a whole.
  private void shorten(InodeNode node, SetAttributes changes) throws FsException {
    if (!node.pin()) {
      return;
    }
    try {
      Call call = Call.waiting(Caller.ROOT);
      boolean more = true;
      while (more) {
        more = attempts.run(call, () -> shortenOnce(call, node, changes));
      }
    } finally {
      node.unpin();
    }
  }

  private boolean shortenOnce(Call call, InodeNode node, SetAttributes changes) throws FsException {
    try (Files.WriteMemory memory = files.reserveForCut(call, true);
        LockSet _ = LockSet.exclusive(node)) {
      Inode row = Namespace.requireLiving(node);
      long size = Objects.requireNonNull(changes.size());
      long step = files.reachable(node, row, size);
      if (step <= size || step >= row.size || !isAsGuarded(row, changes)) {
        return false;
      }
      Files.Resize resize = files.planResize(node, row, step, memory);
      Inode.Draft draft = row.edit();
      draft.size = step;
      draft.units = resize.after().count();
      draft.guessed = resize.after().guessed();
      draft.change++;
      commit(call, node, row, draft.build(), resize);
      return true;
    }
  }

  private Attributes commit(
      Call call, InodeNode node, Inode row, Inode changed, Files.@Nullable Resize resize)
      throws FsException {
    long growth = changed.allocatedBytes() - row.allocatedBytes();
    if (!usage.tryCharge(growth)) {
      throw recounter.noSpace();
    }
    long sequence =
        generations.commit(
            call,
            commit -> {
              if (resize != null) {
                resize.apply(commit);
              }
              commit.put(row, changed);
              commit.usage(growth, 0);
            });
    node.changed(sequence, changed);
    call.reached(sequence);
    return changed.attributes();
  }

  private static void requireResizable(Call call, Inode row, long size) throws FsException {
    if (row.isDirectory()) {
      throw new FsException(FsError.IS_DIRECTORY);
    }
    if (!row.isFile() || size < 0) {
      throw new FsException(FsError.INVALID);
    }
    Permissions.requireUnlessOpened(row, call, Permissions.WRITE);
  }

  /// Only root gives files away; the owner may change the group to one that he is in. Whoever
  /// changes them, programs lose their setuid and setgid bits (chown(2), Linux).
  private static void applyOwner(Caller caller, Inode row, Inode.Draft draft, SetAttributes changes)
      throws FsException {
    Integer uid = changes.uid();
    Integer gid = changes.gid();
    if (uid == null && gid == null) {
      return;
    }
    boolean isOwner = caller.uid() == row.uid;
    boolean uidAllowed = uid == null || (isOwner && uid == row.uid);
    boolean gidAllowed = gid == null || (isOwner && (gid == row.gid || caller.inGroup(gid)));
    if (!caller.isSuperuser() && !(uidAllowed && gidAllowed)) {
      throw new FsException(FsError.NOT_PERMITTED);
    }
    draft.uid = uid == null ? draft.uid : uid;
    draft.gid = gid == null ? draft.gid : gid;
    if (!row.isDirectory()) {
      draft.mode = Permissions.withoutPrivileges(draft.mode);
    }
  }

  private static void applyMode(Caller caller, Inode row, Inode.Draft draft, SetAttributes changes)
      throws FsException {
    Integer mode = changes.mode();
    if (mode == null) {
      return;
    }
    if (!caller.isSuperuser() && caller.uid() != row.uid) {
      throw new FsException(FsError.NOT_PERMITTED);
    }
    draft.mode = mode & 07777;
    if (!caller.isSuperuser() && !caller.inGroup(draft.gid)) {
      draft.mode &= ~Permissions.SETGID;
    }
  }

  private static void checkTimes(Call call, Inode row, SetAttributes changes) throws FsException {
    // A truncation sets mtime anyway: who may write may ask for both in one, as Linux's NFS client
    // does for O_TRUNC and ftruncate.
    boolean ofTruncation = changes.size() != null && changes.mtime() instanceof SetTime.Now;
    if (changes.atime() == null && (changes.mtime() == null || ofTruncation)) {
      return;
    }
    Caller caller = call.caller();
    if (caller.isSuperuser() || caller.uid() == row.uid) {
      return;
    }
    if (changes.atime() instanceof SetTime.At || changes.mtime() instanceof SetTime.At) {
      throw new FsException(FsError.NOT_PERMITTED);
    }
    boolean both = changes.atime() != null && changes.mtime() != null;
    if (!both) {
      throw new FsException(FsError.NOT_PERMITTED); // utimensat(2): "now" for both, or the owner.
    }
    Permissions.requireUnlessOpened(row, call, Permissions.WRITE);
  }

  private static void applyTimes(Inode.Draft draft, SetAttributes changes, long now) {
    SetTime atime = changes.atime();
    switch (atime) {
      case null -> {}
      case SetTime.Now() -> draft.atime(now);
      case SetTime.At(SetAttributes.Time(long seconds, int nanos)) -> {
        draft.atime = seconds;
        draft.atimeNanos = nanos;
      }
    }
    SetTime mtime = changes.mtime();
    switch (mtime) {
      case null -> {}
      case SetTime.Now() -> draft.mtime(now);
      case SetTime.At(SetAttributes.Time(long seconds, int nanos)) -> {
        draft.mtime = seconds;
        draft.mtimeNanos = nanos;
      }
    }
  }

  /// Applies the attributes given with a create to an inode that is not yet in the tree.
  Inode initial(Caller caller, Inode newborn, SetAttributes initial, long now) throws FsException {
    if (initial.isEmpty()) {
      return newborn;
    }
    Inode.Draft draft = newborn.edit();
    applyOwner(caller, newborn, draft, initial);
    applyMode(caller, newborn, draft, initial);
    applyTimes(draft, initial, now);
    Long size = initial.size();
    if (size != null && newborn.isFile() && size >= 0) {
      draft.size = size;
    } else if (size != null && size != 0) {
      throw new FsException(FsError.INVALID);
    }
    Inode built = draft.build();
    Checks.invariant(built.inode == newborn.inode, "initial attributes keep the inode");
    return built;
  }
}
