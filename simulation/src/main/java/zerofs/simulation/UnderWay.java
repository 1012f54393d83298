package zerofs.simulation;

import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes.Time;

/// An operation that was not answered before a crash: it was done wholly, or not at all. What it
/// changes gets the time of the change, and nothing else was changed meanwhile.
///
/// @param began wall clock, in nanoseconds
/// @param sequence last commit before it
record UnderWay(Op op, long began, long sequence) {

  /// What it did.
  ///
  /// @param inode that it made or changed, if that is part of its answer; else 0
  record Outcome(long inode, Time now) {}

  /// @param fs as it is after the crash
  /// @param ended wall clock at the crash
  /// @return null when it was not done, or changes nothing but access times
  @Nullable Outcome outcome(Filesystem fs, long ended) throws FsException {
    return switch (op) {
      case Op.Create it -> entry(fs, it.directory(), it.name(), ended);
      case Op.CreateExclusive it -> entry(fs, it.directory(), it.name(), ended);
      case Op.Mkdir it -> entry(fs, it.directory(), it.name(), ended);
      case Op.Symlink it -> entry(fs, it.directory(), it.name(), ended);
      case Op.Mknod it -> entry(fs, it.directory(), it.name(), ended);
      case Op.Link it -> entry(fs, it.directory(), it.name(), ended);
      case Op.Setattr it -> changed(attributes(fs, it.inode()), ended);
      case Op.Write it -> changed(attributes(fs, it.inode()), ended);
      case Op.Unlink it -> changed(attributes(fs, it.directory()), ended);
      case Op.Rmdir it -> changed(attributes(fs, it.directory()), ended);
      case Op.Rename it -> changed(attributes(fs, it.fromDirectory()), ended);
      default -> null;
    };
  }

  /// The inode whose access time it may have changed; 0 = none.
  long read() {
    return switch (op) {
      case Op.Read it -> it.inode();
      case Op.Readlink it -> it.inode();
      case Op.Readdir it -> it.directory();
      default -> 0;
    };
  }

  private @Nullable Outcome entry(Filesystem fs, long directory, Name name, long ended)
      throws FsException {
    try {
      return changed(fs.lookup(Call.waiting(Caller.ROOT), directory, name), ended);
    } catch (FsException e) {
      if (e.error() == FsError.UNAVAILABLE || e.error() == FsError.IO) {
        throw e;
      }
      return null; // It is not there, or can't be.
    }
  }

  private static @Nullable Attributes attributes(Filesystem fs, long inode) throws FsException {
    try {
      return fs.getattr(Call.waiting(Caller.ROOT), inode);
    } catch (FsException e) {
      if (e.error() == FsError.STALE) {
        return null; // It was gone before.
      }
      throw e;
    }
  }

  private @Nullable Outcome changed(@Nullable Attributes after, long ended) {
    if (after == null) {
      return null;
    }
    long nanos = after.ctimeSeconds() * 1_000_000_000L + after.ctimeNanos();
    boolean within = nanos >= began && nanos <= ended;
    return within
        ? new Outcome(after.inode(), new Time(after.ctimeSeconds(), after.ctimeNanos()))
        : null;
  }
}
