package zerofs.codec;

/// How frames are compressed. A frame says itself how it was compressed, so this can change at any
/// time.
public sealed interface Compression {
  /// Zstandard.
  ///
  /// @param level 1 to 22
  record Zstd(int level) implements Compression {
    public Zstd {
      if (level < 1 || level > 22) {
        throw new IllegalArgumentException("zstd level " + level + " is not in 1 to 22");
      }
    }
  }

  /// LZ4 block format.
  record Lz4() implements Compression {}

  /// No compression.
  record None() implements Compression {}

  /// Whoever writes chooses, for each object anew; a codec that is not told takes zstd-3.
  record Auto() implements Compression {}

  /// Parses `auto`, `zstd-1` to `zstd-22`, `lz4`, `none`.
  static Compression parse(String text) {
    return switch (text) {
      case "auto" -> new Auto();
      case "lz4" -> new Lz4();
      case "none" -> new None();
      default -> {
        if (text.matches("zstd-\\d{1,2}")) {
          yield new Zstd(Integer.parseInt(text.substring(5)));
        }
        throw new IllegalArgumentException(
            "compression '" + text + "' is not one of auto, zstd-1 to zstd-22, lz4, none");
      }
    };
  }
}
