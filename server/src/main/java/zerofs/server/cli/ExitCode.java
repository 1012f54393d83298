package zerofs.server.cli;

import zerofs.objectstore.StorageException;

/// Exit codes (docs/CONFIG.md). A service manager restarts on DEPOSED, and on nothing below it but
/// UNEXPECTED and STORE.
final class ExitCode {
  static final int OK = 0;
  static final int UNEXPECTED = 1;
  static final int USAGE = 2;
  static final int STORE = 3;
  static final int PASSWORD = 4;
  static final int NOT_A_VOLUME = 5;
  static final int DEPOSED = 6;
  static final int UNCLOSED_EPOCH = 7;
  static final int CORRUPT = 8;
  static final int ADDRESS = 9;

  private ExitCode() {}

  static int of(StorageException e) {
    return switch (e) {
      case StorageException.Unavailable _, StorageException.OutcomeUnknown _ -> STORE;
      case StorageException.Refused _, StorageException.Closed _ -> STORE;
      case StorageException.Corrupt _ -> CORRUPT;
      case StorageException.Fenced _ -> DEPOSED;
      case StorageException.Invalid invalid ->
          switch (invalid.reason()) {
            case WRONG_PASSWORD -> PASSWORD;
            case NOT_A_VOLUME, FOREIGN_OBJECTS, FORMAT_TOO_NEW, FORMAT_TOO_OLD -> NOT_A_VOLUME;
            case UNCLOSED_EPOCH -> UNCLOSED_EPOCH;
            case NO_CREATE_ONLY -> STORE;
            case SETTING -> USAGE;
          };
    };
  }
}
