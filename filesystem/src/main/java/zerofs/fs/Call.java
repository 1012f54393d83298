package zerofs.fs;

import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;

/// Who asks, and how: one per request of a client. Not thread-safe; one thread at a time.
public final class Call {
  private final Caller caller;
  private final boolean mayWait;
  private final boolean opened;
  private long sequence;
  private @Nullable Runnable owed;
  private @Nullable Runnable kept;

  private Call(Caller caller, boolean mayWait, boolean opened) {
    this.caller = caller;
    this.mayWait = mayWait;
    this.opened = opened;
  }

  /// A call that answers from memory or throws Miss.
  public static Call attempt(Caller caller) {
    return new Call(caller, false, false);
  }

  /// A call that blocks for what is not in memory.
  public static Call waiting(Caller caller) {
    return new Call(caller, true, false);
  }

  /// The same call, with or without waiting.
  public Call withMayWait(boolean wait) {
    return new Call(caller, wait, opened);
  }

  /// The same call on behalf of an open file, whose permissions were checked when it was opened.
  public Call asOpened() {
    return new Call(caller, mayWait, true);
  }

  public Caller caller() {
    return caller;
  }

  public boolean mayWait() {
    return mayWait;
  }

  public boolean opened() {
    return opened;
  }

  /// The commit sequence that covers all this call has changed or was told; 0 when nothing needs to
  /// be stored for it.
  public long sequence() {
    return sequence;
  }

  /// Says what is still to be done for this call before it is answered, once all locks are let go:
  /// the volume's own.
  public void owe(Runnable what) {
    Runnable before = owed;
    owed =
        before == null
            ? what
            : () -> {
              before.run();
              what.run();
            };
  }

  /// Does what is owed.
  public void settle() {
    Runnable due = owed;
    owed = null;
    if (due != null) {
      due.run();
    }
  }

  /// Keeps in memory what was fetched for this call until it has looked again: the volume's own.
  ///
  /// @param letGo what ends it
  public void keep(Runnable letGo) {
    Checks.invariant(kept == null, "a call keeps what it missed one miss at a time");
    kept = letGo;
  }

  /// Lets go of what is kept.
  public void letGo() {
    Runnable held = kept;
    kept = null;
    if (held != null) {
      held.run();
    }
  }

  /// Raises [#sequence].
  public void reached(long commitSequence) {
    sequence = Math.max(sequence, commitSequence);
  }
}
