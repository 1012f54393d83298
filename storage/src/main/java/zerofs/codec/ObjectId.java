package zerofs.codec;

import zerofs.base.Checks;

/// Names one immutable object that holds frames or sections: unique for ever within a volume.
///
/// @param kind what it is
/// @param epoch the epoch of the writer that made it, 1 to 2^24-1
/// @param number its position (LOG) or its number within the epoch (others), 1 to 2^40-1
public record ObjectId(Kind kind, int epoch, long number) {
  /// Codes are stored; they never change.
  public enum Kind {
    LOG(1),
    DATA(2),
    SST(3);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    public int code() {
      return code;
    }
  }

  public ObjectId {
    Checks.invariant(epoch > 0 && epoch < 1 << 24, "epoch out of range");
    Checks.invariant(number > 0 && number < 1L << 40, "object number out of range");
  }

  /// Its key in the store: `log/<epoch>/<position>`, `data/<shard>/<epoch>/<id>`,
  /// `sst/<epoch>/<id>`; fixed-width hexadecimal, so that keys sort as numbers do.
  public String key() {
    return switch (kind) {
      case LOG -> "log/" + hex(epoch, 6) + "/" + hex(number, 10);
      case DATA -> "data/" + hex(number & 0xff, 2) + "/" + hex(epoch, 6) + "/" + hex(number, 10);
      case SST -> "sst/" + hex(epoch, 6) + "/" + hex(number, 10);
    };
  }

  private static String hex(long value, int digits) {
    String hex = Long.toHexString(value);
    return "0".repeat(digits - hex.length()) + hex;
  }
}
