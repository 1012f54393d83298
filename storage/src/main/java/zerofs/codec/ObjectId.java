package zerofs.codec;

import org.jspecify.annotations.Nullable;
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

  /// What a stored code, epoch and number name.
  ///
  /// @throws IllegalArgumentException when they name nothing
  public static ObjectId of(int code, int epoch, long number) {
    for (Kind each : Kind.values()) {
      if (each.code() == code && epoch > 0 && epoch < 1 << 24 && number > 0 && number < 1L << 40) {
        return new ObjectId(each, epoch, number);
      }
    }
    throw new IllegalArgumentException("kind " + code + ", epoch " + epoch + ", number " + number);
  }

  /// The object of a key; null when no object has that key.
  public static @Nullable ObjectId ofKey(String key) {
    String[] parts = key.split("/");
    try {
      ObjectId id =
          switch (parts.length == 0 ? "" : parts[0]) {
            case "log" -> of(Kind.LOG.code, (int) parsed(parts, 1, 3), parsed(parts, 2, 3));
            case "sst" -> of(Kind.SST.code, (int) parsed(parts, 1, 3), parsed(parts, 2, 3));
            case "data" -> of(Kind.DATA.code, (int) parsed(parts, 2, 4), parsed(parts, 3, 4));
            default -> null;
          };
      return id == null || !id.key().equals(key) ? null : id;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static long parsed(String[] parts, int part, int count) {
    return parts.length == count ? Long.parseLong(parts[part], 16) : 0;
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
