package zerofs.fs;

/// Type of an inode. Codes are stored and are those of `S_IFMT >> 12` (POSIX sys/stat.h values of
/// Linux).
public enum FileType {
  FIFO(1),
  CHARACTER_DEVICE(2),
  DIRECTORY(4),
  BLOCK_DEVICE(6),
  REGULAR(8),
  SYMLINK(10),
  SOCKET(12);

  private final int code;

  FileType(int code) {
    this.code = code;
  }

  public int code() {
    return code;
  }

  /// The type with a stored code; an unknown code is a bug or damage: IllegalArgumentException.
  public static FileType ofCode(int code) {
    return switch (code) {
      case 1 -> FIFO;
      case 2 -> CHARACTER_DEVICE;
      case 4 -> DIRECTORY;
      case 6 -> BLOCK_DEVICE;
      case 8 -> REGULAR;
      case 10 -> SYMLINK;
      case 12 -> SOCKET;
      default -> throw new IllegalArgumentException("file type code " + code);
    };
  }
}
