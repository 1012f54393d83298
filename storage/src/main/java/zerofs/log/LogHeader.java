package zerofs.log;

import zerofs.codec.ObjectId;

/// What a log object says of itself, and a data segment, which has neither predecessor nor
/// sequences.
///
/// @param epoch epoch of its writer
/// @param position its place in the log; of a data segment its number
/// @param salt salt of the epoch, 16 bytes in hexadecimal
/// @param nonce random, 16 bytes in hexadecimal: whose object this is
/// @param predecessor nonce of the object at the position before, in the same epoch; zeros at its
///   start
/// @param knownStored highest position that its writer knew stored when it was made
/// @param firstSequence first commit sequence in it; a fence: 0
/// @param lastSequence last commit sequence that the log holds up to it
public record LogHeader(
    Kind kind,
    int epoch,
    long position,
    String salt,
    String nonce,
    String predecessor,
    long knownStored,
    long firstSequence,
    long lastSequence) {
  /// Kinds of log object. Codes are stored.
  public enum Kind {
    SEGMENT(1),
    /// Planted by a takeover: the old writer's next PUT is refused.
    FENCE(2),
    /// Planted by the epoch's own writer at a clean stop (Rule CLEAN_IS_OWN).
    CLEAN_FENCE(3),
    /// Bulk: frames that a later delta names. Not in the log: its position is its number.
    DATA(4);

    private final int code;

    Kind(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /// The predecessor of an epoch's first object.
  public static final String NO_NONCE = "0".repeat(32);

  public boolean isFence() {
    return kind == Kind.FENCE || kind == Kind.CLEAN_FENCE;
  }

  /// The object that it is the header of.
  public ObjectId id() {
    ObjectId.Kind is = kind == Kind.DATA ? ObjectId.Kind.DATA : ObjectId.Kind.LOG;
    return new ObjectId(is, epoch, position);
  }
}
