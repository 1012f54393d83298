package zerofs.fs.engine;

import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.row.Inode;

/// Who may do what: POSIX.1-2024 §4.7 "File Access Permissions", path_resolution(7), and Linux's
/// rules for sticky, setuid and setgid bits.
final class Permissions {
  static final int READ = 4;
  static final int WRITE = 2;
  static final int EXECUTE = 1;

  static final int SETUID = 04000;
  static final int SETGID = 02000;
  static final int STICKY = 01000;
  private static final int GROUP_EXECUTE = 010;
  private static final int ANY_EXECUTE = 0111;

  private Permissions() {}

  /// Those of the bits in `mask` that the caller has.
  static int granted(Inode inode, Caller caller, int mask) {
    if (caller.isSuperuser()) {
      boolean executable = inode.isDirectory() || (inode.mode & ANY_EXECUTE) != 0;
      return executable ? mask : mask & ~EXECUTE;
    }
    int bits;
    if (caller.uid() == inode.uid) {
      bits = inode.mode >> 6;
    } else if (caller.inGroup(inode.gid)) {
      bits = inode.mode >> 3;
    } else {
      bits = inode.mode;
    }
    return bits & mask;
  }

  static void require(Inode inode, Caller caller, int mask) throws FsException {
    if (granted(inode, caller, mask) != mask) {
      throw new FsException(FsError.ACCESS_DENIED);
    }
  }

  /// For reads and writes: an open file was checked when it was opened.
  static void requireUnlessOpened(Inode inode, Call call, int mask) throws FsException {
    if (!call.opened()) {
      require(inode, call.caller(), mask);
    }
  }

  static void requireDirectory(Inode inode) throws FsException {
    if (!inode.isDirectory()) {
      throw new FsException(FsError.NOT_DIRECTORY);
    }
  }

  /// The rules for removing or moving `target` out of `directory` (Linux may_delete).
  static void requireRemovable(Inode directory, Inode target, Caller caller) throws FsException {
    require(directory, caller, WRITE | EXECUTE);
    boolean sticky = (directory.mode & STICKY) != 0;
    if (sticky
        && !caller.isSuperuser()
        && caller.uid() != target.uid
        && caller.uid() != directory.uid) {
      throw new FsException(FsError.NOT_PERMITTED);
    }
  }

  /// Validates a name of an entry to look up or make.
  static void requireValid(Name name) throws FsException {
    if (name.length() == 0) {
      throw new FsException(FsError.NOT_FOUND);
    }
    if (name.length() > Filesystem.NAME_BYTES_MAX) {
      throw new FsException(FsError.NAME_TOO_LONG);
    }
    for (byte each : name.raw()) {
      if (each == '/' || each == 0) {
        throw new FsException(FsError.INVALID);
      }
    }
  }

  /// A mode without setuid, and without setgid where it means "run as the group" (Linux
  /// file_remove_privs): what is left when someone else's change makes those bits untrustworthy.
  static int withoutPrivileges(int mode) {
    int kept = mode & ~SETUID;
    return (mode & GROUP_EXECUTE) != 0 ? kept & ~SETGID : kept;
  }
}
