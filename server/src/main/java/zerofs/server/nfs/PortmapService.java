package zerofs.server.nfs;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.rpc.RpcReply;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// Portmapper version 2 and rpcbind versions 3 and 4 (RFC 1833), as far as clients ask: where NFS
/// and MOUNT are. Served on the NFS port itself, and by [PortmapServer] where configured. Nobody
/// may register anything, and no calls are forwarded.
final class PortmapService {
  static final int PROGRAM = 100000;

  private static final int VERSION_MIN = 2;
  private static final int VERSION_MAX = 4;
  private static final int NULL = 0;

  /// PMAPPROC_GETPORT, RPCBPROC_GETADDR.
  private static final int GET = 3;

  private static final int DUMP = 4;

  /// RPCBPROC_GETVERSADDR, of version 4: GETADDR for the version asked only, as ours always is.
  private static final int GET_VERSION = 9;

  private static final int TCP = 6;
  private static final int TEXT_BYTES_MAX = 256;

  private final int port;

  /// @param port where NFS and MOUNT are served
  PortmapService(int port) {
    this.port = port;
  }

  /// @param local the address that the client asked
  XdrWriter serve(RpcCall call, XdrReader in, InetAddress local, ByteBuffer out)
      throws XdrException {
    int version = call.version();
    if (version < VERSION_MIN || version > VERSION_MAX) {
      return RpcReply.accepted(out, call.xid(), RpcReply.PROG_MISMATCH)
          .int32(VERSION_MIN)
          .int32(VERSION_MAX);
    }
    XdrWriter reply = RpcReply.accepted(out, call.xid(), RpcReply.SUCCESS);
    boolean isOld = version == VERSION_MIN;
    return switch (call.procedure()) {
      case NULL -> reply;
      case GET -> isOld ? getPort(in, reply) : getAddress(in, local, reply);
      case DUMP -> isOld ? mappings(reply) : addresses(local, reply);
      case GET_VERSION ->
          version == VERSION_MAX ? getAddress(in, local, reply) : unavailable(call, out);
      default -> unavailable(call, out);
    };
  }

  private static XdrWriter unavailable(RpcCall call, ByteBuffer out) {
    return RpcReply.accepted(out, call.xid(), RpcReply.PROC_UNAVAIL);
  }

  private static boolean isServed(int program, int version) {
    return (program == NfsProcedure.PROGRAM || program == MountService.PROGRAM)
        && version == NfsProcedure.VERSION;
  }

  private XdrWriter getPort(XdrReader in, XdrWriter reply) throws XdrException {
    boolean served = isServed(in.int32(), in.int32());
    return reply.int32(served && in.int32() == TCP ? port : 0);
  }

  private XdrWriter mappings(XdrWriter reply) {
    for (int program : new int[] {NfsProcedure.PROGRAM, MountService.PROGRAM}) {
      reply.bool(true).int32(program).int32(NfsProcedure.VERSION).int32(TCP).int32(port);
    }
    return reply.bool(false);
  }

  private XdrWriter getAddress(XdrReader in, InetAddress local, XdrWriter reply)
      throws XdrException {
    boolean served = isServed(in.int32(), in.int32());
    byte[] network = in.opaque(TEXT_BYTES_MAX);
    boolean isTcp = new String(network, StandardCharsets.ISO_8859_1).startsWith("tcp");
    return reply.opaque(ascii(served && isTcp ? universalAddress(local) : ""));
  }

  private XdrWriter addresses(InetAddress local, XdrWriter reply) {
    for (int program : new int[] {NfsProcedure.PROGRAM, MountService.PROGRAM}) {
      reply.bool(true).int32(program).int32(NfsProcedure.VERSION);
      reply.opaque(ascii(local.getAddress().length == 4 ? "tcp" : "tcp6"));
      reply.opaque(ascii(universalAddress(local))).opaque(ascii("superuser"));
    }
    return reply.bool(false);
  }

  /// `127.0.0.1.8.1`: the address, then both bytes of the port (RFC 5665 §5.2.3).
  private String universalAddress(InetAddress local) {
    String host = new InetSocketAddress(local, port).getAddress().getHostAddress();
    int zone = host.indexOf('%');
    return (zone < 0 ? host : host.substring(0, zone)) + "." + (port >> 8) + "." + (port & 0xff);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
