package zerofs.objectstore;

import java.io.Serial;

/// What went wrong with storage, by what the caller must do about it. Messages name the key and the
/// values that matter, say what to do where a person can do something, and hold no secret.
public abstract sealed class StorageException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  private final StoreTrouble trouble;

  private StorageException(StoreTrouble trouble, String message, Throwable cause) {
    super(message, cause);
    this.trouble = trouble;
  }

  private StorageException(String message, Throwable cause) {
    this(StoreTrouble.OTHER, message, cause);
  }

  private StorageException(String message) {
    super(message);
    this.trouble = StoreTrouble.OTHER;
  }

  /// What is wrong with the store, where it is the store that failed.
  public StoreTrouble trouble() {
    return trouble;
  }

  /// The store did not answer, or said "later": nothing was applied. Try again.
  public static final class Unavailable extends StorageException {
    @Serial private static final long serialVersionUID = 1;

    public Unavailable(StoreTrouble trouble, String message, Throwable cause) {
      super(trouble, message, cause);
    }

    public Unavailable(String message, Throwable cause) {
      super(message, cause);
    }

    public Unavailable(String message) {
      super(message);
    }
  }

  /// A write was sent and no answer came: it may have been applied, or be applied later. Read the
  /// object before deciding anything.
  public static final class OutcomeUnknown extends StorageException {
    @Serial private static final long serialVersionUID = 1;

    public OutcomeUnknown(StoreTrouble trouble, String message, Throwable cause) {
      super(trouble, message, cause);
    }

    public OutcomeUnknown(String message, Throwable cause) {
      super(message, cause);
    }

    public OutcomeUnknown(String message) {
      super(message);
    }
  }

  /// The store refuses: wrong credentials, no such bucket, no permission, disk full, a feature it
  /// lacks. A person must act; trying again later may then succeed.
  public static final class Refused extends StorageException {
    @Serial private static final long serialVersionUID = 1;

    public Refused(StoreTrouble trouble, String message, Throwable cause) {
      super(trouble, message, cause);
    }

    public Refused(String message, Throwable cause) {
      super(message, cause);
    }

    public Refused(String message) {
      super(message);
    }
  }

  /// An object is damaged, missing where it must be, or not what its name says. Never retried.
  public static final class Corrupt extends StorageException {
    @Serial private static final long serialVersionUID = 1;

    public Corrupt(String message, Throwable cause) {
      super(message, cause);
    }

    public Corrupt(String message) {
      super(message);
    }
  }

  /// Another writer owns this volume now. Stop: acknowledge nothing more as durable.
  public static final class Fenced extends StorageException {
    @Serial private static final long serialVersionUID = 1;

    public Fenced(String message) {
      super(message);
    }
  }

  /// A start that must not go on without a person's word: wrong password, a foreign or newer
  /// bucket, an unclosed epoch of another host.
  public static final class Invalid extends StorageException {
    @Serial private static final long serialVersionUID = 1;

    /// What is invalid, for exit codes.
    public enum Reason {
      WRONG_PASSWORD,
      NOT_A_VOLUME,
      FOREIGN_OBJECTS,
      FORMAT_TOO_NEW,
      FORMAT_TOO_OLD,
      UNCLOSED_EPOCH,
      NO_CREATE_ONLY,
      SETTING
    }

    private final Reason reason;

    public Invalid(Reason reason, String message) {
      super(message);
      this.reason = reason;
    }

    public Reason reason() {
      return reason;
    }
  }

  /// The component was closed under the caller.
  public static final class Closed extends StorageException {
    @Serial private static final long serialVersionUID = 1;

    public Closed(String message) {
      super(message);
    }
  }
}
