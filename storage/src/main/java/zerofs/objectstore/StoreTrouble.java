package zerofs.objectstore;

/// What is wrong with a store that failed a request: few kinds, for metrics and for whoever looks
/// for the cause. The sentence that goes with it is the exception's message.
public enum StoreTrouble {
  /// No connection, none of the name, or no answer in time.
  NO_ANSWER,
  /// It asks for fewer requests (503 SlowDown, 429).
  THROTTLED,
  /// Its own failure (5xx).
  SERVER_ERROR,
  /// Keys or policies do not allow it (401, 403).
  DENIED,
  /// Keys were valid once.
  CREDENTIALS_EXPIRED,
  /// This machine's clock is too far off for signed requests.
  CLOCK,
  NO_BUCKET,
  /// A quota or a disk is full.
  NO_SPACE,
  /// An answer that is none of these.
  OTHER
}
