package zerofs.wire.nfs3;

import org.jspecify.annotations.Nullable;

/// Procedures of NFS version 3 (RFC 1813 §3.3), in order of their numbers.
public enum NfsProcedure {
  NULL(false),
  GETATTR(false),
  SETATTR(true),
  LOOKUP(false),
  ACCESS(false),
  READLINK(false),
  READ(false),
  WRITE(false),
  CREATE(true),
  MKDIR(true),
  SYMLINK(true),
  MKNOD(true),
  REMOVE(true),
  RMDIR(true),
  RENAME(true),
  LINK(true),
  READDIR(false),
  READDIRPLUS(false),
  FSSTAT(false),
  FSINFO(false),
  PATHCONF(false),
  COMMIT(false);

  public static final int PROGRAM = 100003;
  public static final int VERSION = 3;

  private static final NfsProcedure[] ALL = values();

  private final boolean changesNames;

  NfsProcedure(boolean changesNames) {
    this.changesNames = changesNames;
  }

  /// Whether doing it twice differs from doing it once: its replies are kept for retransmissions.
  /// These are also the procedures whose effects must be stable before the reply (RFC 1813 §1.7).
  public boolean changesNames() {
    return changesNames;
  }

  public static @Nullable NfsProcedure ofNumber(int number) {
    return number >= 0 && number < ALL.length ? ALL[number] : null;
  }
}
