package zerofs.fs;

/// Why an operation failed, as POSIX errors. Each protocol maps them in one exhaustive switch;
/// docs/ERRORS.md has the table.
public enum FsError {
  /// EPERM: not owner, or not permitted to anyone.
  NOT_PERMITTED,
  /// ENOENT.
  NOT_FOUND,
  /// EIO: the data is damaged or missing in the bucket.
  IO,
  /// EAGAIN: the store does not answer, or refuses, just now; nothing was changed. Ask again later.
  UNAVAILABLE,
  /// EACCES.
  ACCESS_DENIED,
  /// EEXIST.
  EXISTS,
  /// ENOTDIR.
  NOT_DIRECTORY,
  /// EISDIR.
  IS_DIRECTORY,
  /// EINVAL.
  INVALID,
  /// EFBIG.
  FILE_TOO_LARGE,
  /// ENOSPC.
  NO_SPACE,
  /// EROFS.
  READ_ONLY,
  /// EMLINK.
  TOO_MANY_LINKS,
  /// ENAMETOOLONG.
  NAME_TOO_LONG,
  /// ENOTEMPTY.
  NOT_EMPTY,
  /// ESTALE: the inode is gone.
  STALE,
  /// The guard of a setattr did not match (NFS3ERR_NOT_SYNC).
  NOT_SYNC,
  /// The volume is closed or deposed: clients must go elsewhere or come again.
  CLOSED
}
