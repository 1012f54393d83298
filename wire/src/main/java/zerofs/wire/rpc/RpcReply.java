package zerofs.wire.rpc;

import java.nio.ByteBuffer;
import zerofs.wire.xdr.XdrWriter;

/// Reply headers (RFC 5531 §9), each after 4 bytes for the record mark (§11).
public final class RpcReply {
  /// accept_stat.
  public static final int SUCCESS = 0;

  public static final int PROG_UNAVAIL = 1;
  public static final int PROG_MISMATCH = 2;
  public static final int PROC_UNAVAIL = 3;
  public static final int GARBAGE_ARGS = 4;
  public static final int SYSTEM_ERR = 5;

  /// auth_stat: the credentials are malformed.
  public static final int AUTH_BADCRED = 1;

  /// auth_stat: they are not accepted, whoever they name.
  public static final int AUTH_REJECTEDCRED = 2;

  private static final int REPLY = 1;
  private static final int ACCEPTED = 0;
  private static final int DENIED = 1;
  private static final int RPC_MISMATCH = 0;
  private static final int AUTH_ERROR = 1;
  private static final int LAST_FRAGMENT = 0x80000000;

  private RpcReply() {}

  /// Starts an accepted reply; the results, or mismatch_info, follow.
  public static XdrWriter accepted(ByteBuffer out, int xid, int status) {
    XdrWriter writer = new XdrWriter(out.clear().position(4));
    return writer.int32(xid).int32(REPLY).int32(ACCEPTED).int32(0).int32(0).int32(status);
  }

  /// A reply that this RPC version is not served.
  public static XdrWriter rpcMismatch(ByteBuffer out, int xid) {
    XdrWriter writer = new XdrWriter(out.clear().position(4));
    writer.int32(xid).int32(REPLY).int32(DENIED).int32(RPC_MISMATCH);
    return writer.int32(RpcCall.RPC_VERSION).int32(RpcCall.RPC_VERSION);
  }

  /// A reply that these credentials are not served.
  ///
  /// @param reason auth_stat
  public static XdrWriter authError(ByteBuffer out, int xid, int reason) {
    XdrWriter writer = new XdrWriter(out.clear().position(4));
    return writer.int32(xid).int32(REPLY).int32(DENIED).int32(AUTH_ERROR).int32(reason);
  }

  /// Sets the record mark and makes the reply ready to be sent.
  public static ByteBuffer finish(ByteBuffer out) {
    out.flip();
    return out.putInt(0, LAST_FRAGMENT | (out.limit() - 4));
  }
}
