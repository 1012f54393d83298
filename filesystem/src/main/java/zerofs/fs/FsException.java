package zerofs.fs;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/// Carries an [FsError]. Expected kinds have no stack trace; IO and CLOSED keep their cause.
public final class FsException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  private final FsError error;

  public FsException(FsError error) {
    super(error.name(), null, false, false);
    this.error = error;
  }

  public FsException(FsError error, String message, @Nullable Throwable cause) {
    super(message, cause, false, true);
    this.error = error;
  }

  public FsError error() {
    return error;
  }
}
