package zerofs.base;

/// Checks that stay on in production. A broken invariant means that memory and bucket may disagree.
public final class Checks {
  private Checks() {}

  /// Thrown when the program contradicts itself: the process stops and recovers from the bucket.
  public static final class InvariantBroken extends RuntimeException {
    private static final long serialVersionUID = 1;

    public InvariantBroken(String message) {
      super(message);
    }
  }

  public static void invariant(boolean holds, String what) {
    if (!holds) {
      throw new InvariantBroken(what);
    }
  }
}
