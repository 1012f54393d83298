package zerofs.server.nfs;

import java.nio.ByteBuffer;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.rpc.RpcReply;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// Portmapper version 2 (RFC 1833 §3), served on the NFS port itself for clients that ask there.
final class PortmapService {
  static final int PROGRAM = 100000;

  private static final int VERSION = 2;
  private static final int NULL = 0;
  private static final int GETPORT = 3;
  private static final int DUMP = 4;
  private static final int TCP = 6;

  private final int port;

  /// @param port where NFS and MOUNT are served
  PortmapService(int port) {
    this.port = port;
  }

  XdrWriter serve(RpcCall call, XdrReader in, ByteBuffer out) throws XdrException {
    if (call.version() != VERSION) {
      return RpcReply.accepted(out, call.xid(), RpcReply.PROG_MISMATCH)
          .int32(VERSION)
          .int32(VERSION);
    }
    XdrWriter reply = RpcReply.accepted(out, call.xid(), RpcReply.SUCCESS);
    return switch (call.procedure()) {
      case NULL -> reply;
      case GETPORT -> {
        int program = in.int32();
        int version = in.int32();
        int protocol = in.int32();
        boolean served =
            (program == NfsProcedure.PROGRAM || program == MountService.PROGRAM)
                && version == NfsProcedure.VERSION
                && protocol == TCP;
        yield reply.int32(served ? port : 0);
      }
      case DUMP -> {
        mapping(reply, NfsProcedure.PROGRAM);
        mapping(reply, MountService.PROGRAM);
        yield reply.bool(false);
      }
      default -> RpcReply.accepted(out, call.xid(), RpcReply.PROC_UNAVAIL);
    };
  }

  private void mapping(XdrWriter out, int program) {
    out.bool(true).int32(program).int32(NfsProcedure.VERSION).int32(TCP).int32(port);
  }
}
