package zerofs.wire.xdr;

import java.io.Serial;

/// Bytes that are not what their position says: GARBAGE_ARGS to an RPC client.
public final class XdrException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  public XdrException(String message) {
    super(message, null, false, false);
  }
}
