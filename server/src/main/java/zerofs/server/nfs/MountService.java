package zerofs.server.nfs;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.rpc.RpcReply;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// MOUNT version 3 (RFC 1813 §5): one export, `/`, and any directory below it. No list of mounts is
/// kept: it would be wrong whenever a client disappears.
final class MountService {
  static final int PROGRAM = 100005;

  private static final int VERSION = 3;
  private static final int PATH_BYTES_MAX = 1024;
  private static final int NULL = 0;
  private static final int MNT = 1;
  private static final int DUMP = 2;
  private static final int UMNT = 3;
  private static final int UMNTALL = 4;
  private static final int EXPORT = 5;
  private static final int AUTH_SYS = 1;

  private final Filesystem fs;

  MountService(Filesystem fs) {
    this.fs = fs;
  }

  XdrWriter serve(RpcCall call, XdrReader in, Caller caller, boolean mayWait, ByteBuffer out)
      throws XdrException, FsException {
    if (call.version() != VERSION) {
      return RpcReply.accepted(out, call.xid(), RpcReply.PROG_MISMATCH)
          .int32(VERSION)
          .int32(VERSION);
    }
    XdrWriter reply = RpcReply.accepted(out, call.xid(), RpcReply.SUCCESS);
    return switch (call.procedure()) {
      case NULL, UMNT, UMNTALL -> reply;
      case MNT -> mnt(in.opaque(PATH_BYTES_MAX), caller, mayWait, reply);
      case DUMP -> reply.bool(false);
      case EXPORT ->
          reply.bool(true).opaque("/".getBytes(StandardCharsets.US_ASCII)).bool(false).bool(false);
      default -> RpcReply.accepted(out, call.xid(), RpcReply.PROC_UNAVAIL);
    };
  }

  private XdrWriter mnt(byte[] path, Caller caller, boolean mayWait, XdrWriter reply)
      throws FsException {
    Call call = mayWait ? Call.waiting(caller) : Call.attempt(caller);
    try {
      Attributes at = fs.getattr(call, Filesystem.ROOT);
      for (String part : new String(path, StandardCharsets.ISO_8859_1).split("/", -1)) {
        if (!part.isEmpty()) {
          Name name = Name.of(part.getBytes(StandardCharsets.ISO_8859_1));
          at = fs.lookup(call, at.inode(), name);
        }
      }
      if (at.type() != FileType.DIRECTORY) {
        return reply.int32(NfsStatus.NFS3ERR_NOTDIR.code());
      }
      reply.int32(NfsStatus.NFS3_OK.code());
      new FileHandle(fs.volumeId(), at.inode()).encode(reply);
      return reply.int32(1).int32(AUTH_SYS);
    } catch (FsException e) {
      if (e.error() == FsError.CLOSED || e.error() == FsError.UNAVAILABLE) {
        throw e;
      }
      return reply.int32(status(e.error()).code());
    }
  }

  /// mountstat3 (RFC 1813 §5.1.5) has fewer values than nfsstat3.
  private static NfsStatus status(FsError error) {
    return switch (error) {
      case STALE -> NfsStatus.NFS3ERR_NOENT; // Removed while its path was walked.
      case NOT_PERMITTED, NOT_FOUND, IO, ACCESS_DENIED, NOT_DIRECTORY, INVALID, NAME_TOO_LONG ->
          NfsErrors.status(error);
      default -> NfsStatus.NFS3ERR_SERVERFAULT;
    };
  }
}
