package zerofs.fs;

import org.jspecify.annotations.Nullable;

/// Changes of a setattr; null = leave as is.
///
/// @param guardCtime when given, the change is made only if the inode's ctime equals it, else
///   FsError.NOT_SYNC (RFC 1813 §3.3.2)
public record SetAttributes(
    @Nullable Integer mode,
    @Nullable Integer uid,
    @Nullable Integer gid,
    @Nullable Long size,
    @Nullable SetTime atime,
    @Nullable SetTime mtime,
    @Nullable Time guardCtime) {
  public static final SetAttributes NONE =
      new SetAttributes(null, null, null, null, null, null, null);

  public static SetAttributes ofMode(int mode) {
    return new SetAttributes(mode, null, null, null, null, null, null);
  }

  public static SetAttributes ofOwner(@Nullable Integer uid, @Nullable Integer gid) {
    return new SetAttributes(null, uid, gid, null, null, null, null);
  }

  public static SetAttributes ofSize(long size) {
    return new SetAttributes(null, null, null, size, null, null, null);
  }

  public static SetAttributes ofTimes(@Nullable SetTime atime, @Nullable SetTime mtime) {
    return new SetAttributes(null, null, null, null, atime, mtime, null);
  }

  public boolean isEmpty() {
    return mode == null
        && uid == null
        && gid == null
        && size == null
        && atime == null
        && mtime == null;
  }

  /// A point in time; nanoseconds 0 to 999,999,999.
  public record Time(long seconds, int nanos) {}

  /// A time to set: the server's now, or the client's.
  public sealed interface SetTime {
    record Now() implements SetTime {}

    record At(Time time) implements SetTime {}
  }
}
