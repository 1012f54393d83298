package zerofs.server.nfs;

import zerofs.fs.FsError;
import zerofs.wire.nfs3.NfsStatus;

/// The one place where filesystem errors become nfsstat3 (docs/ERRORS.md).
final class NfsErrors {
  private NfsErrors() {}

  static NfsStatus status(FsError error) {
    return switch (error) {
      case NOT_PERMITTED -> NfsStatus.NFS3ERR_PERM;
      case NOT_FOUND -> NfsStatus.NFS3ERR_NOENT;
      case IO -> NfsStatus.NFS3ERR_IO;
      case ACCESS_DENIED -> NfsStatus.NFS3ERR_ACCES;
      case EXISTS -> NfsStatus.NFS3ERR_EXIST;
      case NOT_DIRECTORY -> NfsStatus.NFS3ERR_NOTDIR;
      case IS_DIRECTORY -> NfsStatus.NFS3ERR_ISDIR;
      case INVALID -> NfsStatus.NFS3ERR_INVAL;
      case FILE_TOO_LARGE -> NfsStatus.NFS3ERR_FBIG;
      case NO_SPACE -> NfsStatus.NFS3ERR_NOSPC;
      case READ_ONLY -> NfsStatus.NFS3ERR_ROFS;
      case TOO_MANY_LINKS -> NfsStatus.NFS3ERR_MLINK;
      case NAME_TOO_LONG -> NfsStatus.NFS3ERR_NAMETOOLONG;
      case NOT_EMPTY -> NfsStatus.NFS3ERR_NOTEMPTY;
      case STALE -> NfsStatus.NFS3ERR_STALE;
      case NOT_SYNC -> NfsStatus.NFS3ERR_NOT_SYNC;
      case UNAVAILABLE, CLOSED -> NfsStatus.NFS3ERR_JUKEBOX;
    };
  }
}
