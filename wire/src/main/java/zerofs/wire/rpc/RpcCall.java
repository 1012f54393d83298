package zerofs.wire.rpc;

import java.util.ArrayList;
import java.util.List;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;

/// Header of a call (RFC 5531 §9); the arguments follow it in the reader.
///
/// @param rpcVersion 2, else the call is refused
public record RpcCall(
    int xid, int rpcVersion, int program, int version, int procedure, Credentials credentials) {
  public static final int RPC_VERSION = 2;

  private static final int CALL = 0;
  private static final int AUTH_BYTES_MAX = 400;
  private static final int MACHINE_NAME_BYTES_MAX = 255;
  private static final int GROUPS_MAX = 16;

  /// Who calls.
  public sealed interface Credentials {
    /// AUTH_NONE, RFC 5531 §10.1.
    record None() implements Credentials {}

    /// AUTH_SYS, RFC 5531 appendix A.
    record Sys(int uid, int gid, List<Integer> groups) implements Credentials {
      public Sys {
        groups = List.copyOf(groups);
      }
    }

    /// A flavor that is not served.
    record Unsupported(int flavor) implements Credentials {}

    /// Credentials, or a verifier, that are not what they say they are. The arguments were not
    /// reached.
    record Malformed() implements Credentials {}
  }

  /// Reads a call header.
  ///
  /// @throws XdrException when it is none: the stream can't be trusted any more
  public static RpcCall decode(XdrReader in) throws XdrException {
    int xid = in.int32();
    int type = in.int32();
    if (type != CALL) {
      throw new XdrException("message type " + type + " is no call");
    }
    int rpcVersion = in.int32();
    if (rpcVersion != RPC_VERSION) {
      return new RpcCall(xid, rpcVersion, 0, 0, 0, new Credentials.None());
    }
    int program = in.int32();
    int version = in.int32();
    int procedure = in.int32();
    return new RpcCall(xid, rpcVersion, program, version, procedure, authentication(in));
  }

  /// Credentials and verifier. The record's own length keeps the stream readable whatever is in
  /// them, so that a client with bad ones gets an answer.
  private static Credentials authentication(XdrReader in) {
    try {
      Credentials credentials = credentials(in);
      in.int32();
      in.opaqueView(AUTH_BYTES_MAX); // The verifier, which AUTH_SYS does not use.
      return credentials;
    } catch (XdrException e) {
      return new Credentials.Malformed();
    }
  }

  private static Credentials credentials(XdrReader in) throws XdrException {
    int flavor = in.int32();
    XdrReader body = new XdrReader(in.opaqueView(AUTH_BYTES_MAX));
    return switch (flavor) {
      case 0 -> new Credentials.None();
      case 1 -> {
        body.int32();
        body.opaqueView(MACHINE_NAME_BYTES_MAX);
        int uid = body.int32();
        int gid = body.int32();
        int count = body.int32();
        if (count < 0 || count > GROUPS_MAX) {
          throw new XdrException(count + " groups");
        }
        List<Integer> groups = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          groups.add(body.int32());
        }
        yield new Credentials.Sys(uid, gid, groups);
      }
      default -> new Credentials.Unsupported(flavor);
    };
  }
}
