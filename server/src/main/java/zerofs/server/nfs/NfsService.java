package zerofs.server.nfs;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;
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
  /// What a reply has besides data or entries.
  private static final int HEADER_BYTES_MAX = 512;

  private final Filesystem fs;
  private final NfsSettings settings;
  private final InetSocketAddress served;
  private final MountService mount;
  private final PortmapService portmap;
  private final Map<NfsProcedure, Procedure> procedures = new EnumMap<>(NfsProcedure.class);
  private final NfsCounters counters;

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

  /// Blocks until what a reply says is as stable as the export promises.
  void awaitStable(long sequence) throws FsException {
    if (settings.durability() == NfsSettings.Durability.JOURNAL) {
      fs.journalBarrier(sequence);
    } else {
      fs.barrier(sequence);
    }
  }

  /// @param served where it is served, for the portmapper
  NfsService(Filesystem fs, NfsSettings settings, InetSocketAddress served, NfsCounters counters) {
    this.fs = fs;
    this.counters = counters;
    this.settings = settings;
    this.mount = new MountService(fs);
    this.portmap = new PortmapService(served.getPort());
    this.served = served;
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
  }

  /// The NFS procedure of a call; null when it is of another program or none.
  static @Nullable NfsProcedure procedure(RpcCall call) {
    boolean isNfs =
        call.program() == NfsProcedure.PROGRAM && call.version() == NfsProcedure.VERSION;
    return isNfs ? NfsProcedure.ofNumber(call.procedure()) : null;
  }

  /// Room that the reply of a call needs, at most, as a buffer is taken for it.
  ///
  /// @param arguments is not moved
  static int replyBytes(@Nullable NfsProcedure procedure, XdrReader arguments) {
    long asked =
        switch (procedure) {
          case READ -> DataProcedures.replyBytes(arguments.rest());
          case READDIR -> DirectoryProcedures.replyBytes(arguments.rest(), false);
          case READDIRPLUS -> DirectoryProcedures.replyBytes(arguments.rest(), true);
          case null, default -> 0;
        };
    long bytes = HEADER_BYTES_MAX + asked;
    return bytes <= ReplyOutput.SMALL_BYTES
        ? ReplyOutput.SMALL_BYTES
        : ReplyBuffers.capacity((int) bytes);
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
    switch (call.credentials()) {
      case RpcCall.Credentials.Malformed _ -> {
        return finished(RpcReply.authError(out, call.xid(), RpcReply.AUTH_BADCRED));
      }
      case RpcCall.Credentials.Unsupported _ -> {
        return finished(RpcReply.authError(out, call.xid(), RpcReply.AUTH_REJECTEDCRED));
      }
      case RpcCall.Credentials.Sys _, RpcCall.Credentials.None _ -> {}
    }
    try {
      return switch (call.program()) {
        case NfsProcedure.PROGRAM -> nfs(call, arguments, mayWait, out);
        case MountService.PROGRAM ->
            finished(mount.serve(call, arguments, caller(call), mayWait, out));
        case PortmapService.PROGRAM ->
            finished(portmap.serve(call, arguments, served.getAddress(), out));
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
            counters,
            arguments,
            mayWait ? Call.waiting(caller(call)) : Call.attempt(caller(call)));
    int start = reply.position();
    fs.keepWatch();
    if (procedure != null) {
      try {
        procedure.serve(request, reply);
      } catch (NfsFailure e) {
        failed(reply, start, number, e.status(), request);
      } catch (FsException e) {
        if (e.error() == FsError.CLOSED) {
          throw e;
        }
        failed(reply, start, number, NfsErrors.status(e.error()), request);
      }
    }
    return new Served(RpcReply.finish(reply.buffer()), request.stableSequence());
  }

  /// Results of a failed procedure: a status, and what the objects that it named are like now, as
  /// far as that is in memory. A client whose cache led it into the failure puts it right by them.
  private void failed(
      XdrWriter out, int start, NfsProcedure procedure, NfsStatus status, NfsRequest request) {
    counters.failed(status);
    out.rewindTo(start);
    out.int32(status.code());
    switch (procedure) {
      case NULL, GETATTR -> {}
      case LOOKUP, ACCESS, READLINK, READ, READDIR, READDIRPLUS, FSSTAT, FSINFO, PATHCONF ->
          request.postOp(out, 0);
      case SETATTR, WRITE, CREATE, MKDIR, SYMLINK, MKNOD, REMOVE, RMDIR, COMMIT ->
          request.postOp(out.bool(false), 0);
      case LINK -> {
        request.postOp(out, 0);
        request.postOp(out.bool(false), 1);
      }
      case RENAME -> {
        request.postOp(out.bool(false), 0);
        request.postOp(out.bool(false), 1);
      }
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
                sys.uid(), group(sys.gid()), sys.groups().stream().mapToInt(this::group).toArray());
      }
      case RpcCall.Credentials.None _,
          RpcCall.Credentials.Unsupported _,
          RpcCall.Credentials.Malformed _ ->
          anonymous();
    };
  }

  /// Root squash takes root's group from everybody: who may say any group may say that one.
  private int group(int gid) {
    return settings.rootSquash() && gid == 0 ? settings.anonGid() : gid;
  }

  private Caller anonymous() {
    return new Caller(settings.anonUid(), settings.anonGid());
  }
}
