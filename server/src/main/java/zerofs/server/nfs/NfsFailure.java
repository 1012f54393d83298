package zerofs.server.nfs;

import java.io.Serial;
import zerofs.wire.nfs3.NfsStatus;

/// A request that fails with a status of the protocol itself.
final class NfsFailure extends Exception {
  @Serial private static final long serialVersionUID = 1;

  private final NfsStatus status;

  NfsFailure(NfsStatus status) {
    super(status.name(), null, false, false);
    this.status = status;
  }

  NfsStatus status() {
    return status;
  }
}
