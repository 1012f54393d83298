package zerofs.simulation;

import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// One operation of a generated history. Inodes are numbers as the engine gave them out.
sealed interface Op {
  record Lookup(Caller caller, long directory, Name name) implements Op {}

  record Getattr(Caller caller, long inode) implements Op {}

  record Setattr(Caller caller, long inode, SetAttributes changes) implements Op {}

  record Access(Caller caller, long inode, int mask) implements Op {}

  record Readlink(Caller caller, long inode) implements Op {}

  record Read(Caller caller, long inode, long offset, int length) implements Op {}

  /// @param seed what the bytes are made of
  record Write(Caller caller, long inode, long offset, int length, long seed) implements Op {}

  record Create(
      Caller caller, long directory, Name name, int mode, boolean exclusive, SetAttributes initial)
      implements Op {}

  record CreateExclusive(Caller caller, long directory, Name name, long verifier) implements Op {}

  record Mkdir(Caller caller, long directory, Name name, int mode) implements Op {}

  record Symlink(Caller caller, long directory, Name name, String target) implements Op {}

  record Mknod(
      Caller caller, long directory, Name name, FileType type, int mode, int major, int minor)
      implements Op {}

  record Link(Caller caller, long inode, long directory, Name name) implements Op {}

  record Unlink(Caller caller, long directory, Name name) implements Op {}

  record Rmdir(Caller caller, long directory, Name name) implements Op {}

  record Rename(
      Caller caller, long fromDirectory, Name from, long toDirectory, Name to, RenameMode mode)
      implements Op {}

  /// @param after entries of the listing that are skipped by cookie
  /// @param limit entries after which the visitor has enough
  record Readdir(Caller caller, long directory, int after, int limit) implements Op {}

  record Open(Caller caller, long inode, int mask) implements Op {}

  record Release(long inode) implements Op {}

  record Statfs() implements Op {}

  record Barrier() implements Op {}
}
