package zerofs.server.nfs;

import zerofs.fs.Attributes;
import zerofs.fs.Filesystem.DirectoryVisitor;
import zerofs.fs.FsException;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// READDIR, READDIRPLUS (RFC 1813 §3.3.16, 17). Cookies never change, so the cookie verifier is
/// always 0.
final class DirectoryProcedures {
  private static final int REPLY_BYTES_MAX = 256 << 10;
  private static final int ATTRIBUTES_BYTES = 84;

  /// status, attributes, verifier, end of list, eof.
  private static final int FIXED_BYTES = 4 + 4 + ATTRIBUTES_BYTES + 8 + 4 + 4;

  /// Follows, file id, name length, cookie.
  private static final int ENTRY_BYTES = 4 + 8 + 4 + 8;

  /// attributes_follow, attributes, handle_follows, handle.
  private static final int PLUS_BYTES = 4 + ATTRIBUTES_BYTES + 4 + 4 + FileHandle.BYTES;

  private DirectoryProcedures() {}

  /// Bytes of entries that the arguments allow; 0 when they are none.
  static int replyBytes(XdrReader arguments, boolean plus) {
    try {
      arguments.opaqueView(FileHandle.BYTES_MAX);
      arguments.int64();
      arguments.int64();
      if (plus) {
        arguments.int32();
      }
      return clamped(arguments.int32());
    } catch (XdrException e) {
      return 0;
    }
  }

  static void readdir(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    XdrReader in = request.arguments();
    long cookie = in.int64();
    in.int64();
    int count = in.int32();
    list(request, out, directory, cookie, count, count, false);
  }

  static void readdirplus(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    XdrReader in = request.arguments();
    long cookie = in.int64();
    in.int64();
    int dirCount = in.int32();
    int maxCount = in.int32();
    list(request, out, directory, cookie, dirCount, maxCount, true);
  }

  private static void list(
      NfsRequest request,
      XdrWriter out,
      long directory,
      long cookie,
      int nameBudget,
      int replyBudget,
      boolean plus)
      throws NfsFailure, FsException {
    if (cookie < 0 || cookie == Long.MAX_VALUE) {
      throw new NfsFailure(NfsStatus.NFS3ERR_BAD_COOKIE); // No entry ever had it.
    }
    Attributes attributes = request.fs().getattr(request.call(), directory);
    String volume = request.fs().volumeId();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, volume, attributes);
    out.int64(0);
    Budget budget = new Budget(clamped(nameBudget), clamped(replyBudget) - FIXED_BYTES);
    DirectoryVisitor visitor =
        (at, name, inode, type, entry) -> {
          byte[] raw = name.raw();
          int bytes = ENTRY_BYTES + ((raw.length + 3) & ~3);
          if (!budget.take(bytes, plus ? PLUS_BYTES : 0)) {
            return false;
          }
          out.bool(true).int64(inode).opaque(raw).int64(at);
          if (plus) {
            NfsEncoding.postOp(out, volume, entry);
            NfsEncoding.postOpHandle(out, volume, inode);
          }
          return true;
        };
    boolean ended = request.fs().readdir(request.call(), directory, cookie, visitor);
    if (!ended && budget.isUntouched()) {
      throw new NfsFailure(NfsStatus.NFS3ERR_TOOSMALL);
    }
    out.bool(false).bool(ended);
  }

  private static int clamped(int wanted) {
    return wanted < 0 ? REPLY_BYTES_MAX : Math.min(wanted, REPLY_BYTES_MAX);
  }

  /// What may still be written: names and cookies against dircount, all against maxcount.
  private static final class Budget {
    private int names;
    private int all;
    private boolean untouched = true;

    Budget(int names, int all) {
      this.names = names;
      this.all = all;
    }

    boolean take(int bytes, int plusBytes) {
      // At least one entry, whatever dircount says: else a client could never get on.
      if (bytes + plusBytes > all || (bytes > names && !untouched)) {
        return false;
      }
      names -= bytes;
      all -= bytes + plusBytes;
      untouched = false;
      return true;
    }

    boolean isUntouched() {
      return untouched;
    }
  }
}
