package zerofs.server.nfs;

import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.rpc.RpcReply;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// Answers calls of NFSv3, MOUNT and PORTMAP. Any thread.
final class NfsService {
  private final Filesystem fs;
  private final NfsSettings settings;
  private final MountService mount;
  private final PortmapService portmap;
  private final Map<NfsProcedure, Procedure> procedures = new EnumMap<>(NfsProcedure.class);
  private final Map<NfsProcedure, LongAdder> counts = new EnumMap<>(NfsProcedure.class);

  /// Decodes the arguments, does the work, encodes the results.
  @FunctionalInterface
  private interface Procedure {
    void serve(NfsRequest request, XdrWriter out) throws XdrException, NfsFailure, FsException;
  }

  /// What became of a call.
  ///
  /// @param reply ready to be sent
  /// @param stableSequence must be stable before it is sent; 0 = nothing
  record Served(ByteBuffer reply, long stableSequence) {}

  /// @param port where it is served, for the portmapper
  NfsService(Filesystem fs, NfsSettings settings, int port) {
    this.fs = fs;
    this.settings = settings;
    this.mount = new MountService(fs);
    this.portmap = new PortmapService(port);
    procedures.put(NfsProcedure.GETATTR, AttributeProcedures::getattr);
    procedures.put(NfsProcedure.SETATTR, AttributeProcedures::setattr);
    procedures.put(NfsProcedure.LOOKUP, NameProcedures::lookup);
    procedures.put(NfsProcedure.ACCESS, AttributeProcedures::access);
    procedures.put(NfsProcedure.READLINK, AttributeProcedures::readlink);
    procedures.put(NfsProcedure.READ, DataProcedures::read);
    procedures.put(NfsProcedure.WRITE, DataProcedures::write);
    procedures.put(NfsProcedure.CREATE, NameProcedures::create);
    procedures.put(NfsProcedure.MKDIR, NameProcedures::mkdir);
    procedures.put(NfsProcedure.SYMLINK, NameProcedures::symlink);
    procedures.put(NfsProcedure.MKNOD, NameProcedures::mknod);
    procedures.put(NfsProcedure.REMOVE, NameProcedures::remove);
    procedures.put(NfsProcedure.RMDIR, NameProcedures::rmdir);
    procedures.put(NfsProcedure.RENAME, NameProcedures::rename);
    procedures.put(NfsProcedure.LINK, NameProcedures::link);
    procedures.put(NfsProcedure.READDIR, DirectoryProcedures::readdir);
    procedures.put(NfsProcedure.READDIRPLUS, DirectoryProcedures::readdirplus);
    procedures.put(NfsProcedure.FSSTAT, AttributeProcedures::fsstat);
    procedures.put(NfsProcedure.FSINFO, AttributeProcedures::fsinfo);
    procedures.put(NfsProcedure.PATHCONF, AttributeProcedures::pathconf);
    procedures.put(NfsProcedure.COMMIT, DataProcedures::commit);
    for (NfsProcedure each : NfsProcedure.values()) {
      counts.put(each, new LongAdder());
    }
  }

  /// Calls so far, by procedure.
  Map<NfsProcedure, Long> counts() {
    Map<NfsProcedure, Long> snapshot = new EnumMap<>(NfsProcedure.class);
    counts.forEach((procedure, count) -> snapshot.put(procedure, count.sum()));
    return snapshot;
  }

  /// The NFS procedure of a call; null when it is of another program or none.
  static @Nullable NfsProcedure procedure(RpcCall call) {
    boolean isNfs =
        call.program() == NfsProcedure.PROGRAM && call.version() == NfsProcedure.VERSION;
    return isNfs ? NfsProcedure.ofNumber(call.procedure()) : null;
  }

  /// Serves one call. Without permission to wait it throws Miss, having changed nothing.
  ///
  /// @param out large enough for any reply
  /// @throws FsException CLOSED when the volume is gone: the client is not answered
  Served serve(RpcCall call, XdrReader arguments, boolean mayWait, ByteBuffer out)
      throws FsException {
    if (call.rpcVersion() != RpcCall.RPC_VERSION) {
      return finished(RpcReply.rpcMismatch(out, call.xid()));
    }
    if (call.credentials() instanceof RpcCall.Credentials.Unsupported) {
      return finished(RpcReply.authError(out, call.xid()));
    }
    try {
      return switch (call.program()) {
        case NfsProcedure.PROGRAM -> nfs(call, arguments, mayWait, out);
        case MountService.PROGRAM ->
            finished(mount.serve(call, arguments, caller(call), mayWait, out));
        case PortmapService.PROGRAM -> finished(portmap.serve(call, arguments, out));
        default -> finished(RpcReply.accepted(out, call.xid(), RpcReply.PROG_UNAVAIL));
      };
    } catch (XdrException e) {
      return finished(RpcReply.accepted(out, call.xid(), RpcReply.GARBAGE_ARGS));
    }
  }

  private static Served finished(XdrWriter reply) {
    return new Served(RpcReply.finish(reply.buffer()), 0);
  }

  private Served nfs(RpcCall call, XdrReader arguments, boolean mayWait, ByteBuffer out)
      throws XdrException, FsException {
    if (call.version() != NfsProcedure.VERSION) {
      XdrWriter reply = RpcReply.accepted(out, call.xid(), RpcReply.PROG_MISMATCH);
      return finished(reply.int32(NfsProcedure.VERSION).int32(NfsProcedure.VERSION));
    }
    NfsProcedure number = NfsProcedure.ofNumber(call.procedure());
    if (number == null) {
      return finished(RpcReply.accepted(out, call.xid(), RpcReply.PROC_UNAVAIL));
    }
    XdrWriter reply = RpcReply.accepted(out, call.xid(), RpcReply.SUCCESS);
    Procedure procedure = procedures.get(number);
    NfsRequest request =
        new NfsRequest(
            fs,
            settings,
            arguments,
            mayWait ? Call.waiting(caller(call)) : Call.attempt(caller(call)));
    int start = reply.position();
    fs.keepWatch();
    if (procedure != null) {
      try {
        procedure.serve(request, reply);
      } catch (NfsFailure e) {
        failed(reply, start, number, e.status());
      } catch (FsException e) {
        if (e.error() == FsError.CLOSED) {
          throw e;
        }
        failed(reply, start, number, NfsErrors.status(e.error()));
      }
    }
    counted(number);
    return new Served(RpcReply.finish(reply.buffer()), request.stableSequence());
  }

  private void counted(NfsProcedure procedure) {
    LongAdder count = counts.get(procedure);
    if (count != null) {
      count.increment();
    }
  }

  /// Results of a failed procedure: a status, and no attributes (RFC 1813 lets them be absent).
  private static void failed(XdrWriter out, int start, NfsProcedure procedure, NfsStatus status) {
    out.rewindTo(start);
    out.int32(status.code());
    switch (procedure) {
      case NULL, GETATTR -> {}
      case LOOKUP, ACCESS, READLINK, READ, READDIR, READDIRPLUS, FSSTAT, FSINFO, PATHCONF ->
          out.bool(false);
      case SETATTR, WRITE, CREATE, MKDIR, SYMLINK, MKNOD, REMOVE, RMDIR, COMMIT ->
          out.bool(false).bool(false);
      case LINK -> out.bool(false).bool(false).bool(false);
      case RENAME -> out.bool(false).bool(false).bool(false).bool(false);
    }
  }

  /// The client's identity under the export's rules.
  private Caller caller(RpcCall call) {
    return switch (call.credentials()) {
      case RpcCall.Credentials.Sys sys -> {
        boolean squashed = settings.allSquash() || (settings.rootSquash() && sys.uid() == 0);
        yield squashed
            ? anonymous()
            : new Caller(
                sys.uid(),
                sys.gid(),
                sys.groups().stream().mapToInt(Integer::intValue).toArray());
      }
      case RpcCall.Credentials.None _, RpcCall.Credentials.Unsupported _ -> anonymous();
    };
  }

  private Caller anonymous() {
    return new Caller(settings.anonUid(), settings.anonGid());
  }
}
