package zerofs.base;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/// A few longs, each alone in its cache lines: processors that change different ones do not wait
/// for each other. All accesses are volatile.
public final class SpacedLongs {
  /// In longs: two lines of 64 bytes, because processors fetch lines in pairs.
  private static final int SPACING = 16;

  private static final VarHandle ELEMENTS = MethodHandles.arrayElementVarHandle(long[].class);

  private final long[] elements;
  private final int size;

  /// @param size how many; all zero
  public SpacedLongs(int size) {
    this.size = size;
    this.elements = new long[(size + 2) * SPACING]; // Nothing else lies near the first and last.
  }

  public int size() {
    return size;
  }

  public long get(int at) {
    return (long) ELEMENTS.getVolatile(elements, place(at));
  }

  public void set(int at, long value) {
    ELEMENTS.setVolatile(elements, place(at), value);
  }

  /// Adds `delta`.
  ///
  /// @return what it was before
  public long getAndAdd(int at, long delta) {
    return (long) ELEMENTS.getAndAdd(elements, place(at), delta);
  }

  public long getAndSet(int at, long value) {
    return (long) ELEMENTS.getAndSet(elements, place(at), value);
  }

  public boolean compareAndSet(int at, long expected, long value) {
    return ELEMENTS.compareAndSet(elements, place(at), expected, value);
  }

  private static int place(int at) {
    return (at + 1) * SPACING;
  }
}
