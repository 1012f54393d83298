package zerofs.fs;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/// One mounted volume, as its front ends see it: POSIX semantics over inode numbers.
///
/// **Attempt or wait.** Every operation takes a [Call]. With `Call.mayWait() == false` it answers
/// from memory or throws [zerofs.base.Miss] having changed nothing, so a connection's own thread
/// can try first and hand the same call to a thread that may wait. With `mayWait() == true` it
/// blocks.
///
/// **Durability.** Operations commit to memory, at once visible to all. [Call#sequence] is then the
/// commit sequence that covers what the caller saw or changed; [#barrier] returns once all commits
/// up to a sequence are stored in the bucket.
///
/// Names are 1–255 bytes, any byte but `/` and NUL, never `.` or `..` for a new entry; `lookup`
/// accepts both. All methods are thread-safe. Errors are POSIX's, see [FsException].
public interface Filesystem extends AutoCloseable {
  /// Inode number of the root directory.
  long ROOT = 1;

  /// Longest name, bytes.
  int NAME_BYTES_MAX = 255;

  /// Longest symlink target, bytes.
  int SYMLINK_BYTES_MAX = 4095;

  /// Most bytes of one read or write.
  int IO_BYTES_MAX = 1 << 20;

  /// Largest file size, bytes: 2^63 - 1.
  long FILE_BYTES_MAX = Long.MAX_VALUE;

  /// Identity of the volume, 16 bytes in hexadecimal.
  String volumeId();

  Attributes getattr(Call call, long inode) throws FsException;

  /// Changes what `changes` names, all or nothing.
  Attributes setattr(Call call, long inode, SetAttributes changes) throws FsException;

  /// The inode under `name` in `directory`.
  Attributes lookup(Call call, long directory, Name name) throws FsException;

  /// Which of the bits in `mask` (R=4, W=2, X=1) the caller has.
  int access(Call call, long inode, int mask) throws FsException;

  byte[] readlink(Call call, long inode) throws FsException;

  /// Reads up to `target.remaining()` bytes, whose position advances. Fewer bytes only at end of
  /// file. Checks read permission unless the call says that an open file does (`Call.opened()`).
  ///
  /// @return bytes read
  int read(Call call, long inode, long offset, ByteBuffer target) throws FsException;

  /// Writes all remaining bytes of `source`, whose position advances, as one atomic commit.
  ///
  /// @return attributes after the write
  Attributes write(Call call, long inode, long offset, ByteBuffer source) throws FsException;

  /// Makes a regular file. With `exclusive` an existing name is EEXIST; without, an existing
  /// regular file is returned (permission checked by the caller's later operations). `initial`
  /// applies to a new file only; of a file that exists only `size` applies, as O_TRUNC does.
  Attributes create(
      Call call, long directory, Name name, int mode, boolean exclusive, SetAttributes initial)
      throws FsException;

  /// NFSv3 EXCLUSIVE create: a new file remembers `verifier` (8 bytes); if the name exists and its
  /// file has the same verifier, that file is the answer, else EEXIST (RFC 1813 §3.3.8).
  Attributes createExclusive(Call call, long directory, Name name, long verifier)
      throws FsException;

  /// Makes a directory. `initial` as in [#create]; a size other than 0 is invalid here and below.
  Attributes mkdir(Call call, long directory, Name name, int mode, SetAttributes initial)
      throws FsException;

  /// Makes a symbolic link, of mode 0777 unless `initial` has another.
  Attributes symlink(Call call, long directory, Name name, byte[] target, SetAttributes initial)
      throws FsException;

  /// Makes a fifo, socket, character or block device.
  Attributes mknod(
      Call call,
      long directory,
      Name name,
      FileType type,
      int mode,
      int major,
      int minor,
      SetAttributes initial)
      throws FsException;

  /// Makes a further name for an inode that is not a directory.
  Attributes link(Call call, long inode, long directory, Name name) throws FsException;

  void unlink(Call call, long directory, Name name) throws FsException;

  void rmdir(Call call, long directory, Name name) throws FsException;

  void rename(Call call, long fromDirectory, Name from, long toDirectory, Name to, RenameMode mode)
      throws FsException;

  /// Entries of a directory whose cookie is greater than `cookie` (0 = from the start), in cookie
  /// order, each with attributes, until the visitor has enough. `.` (cookie 1) and `..` (cookie 2)
  /// come first. Entries that exist during the whole listing appear exactly once.
  ///
  /// @return whether the end of the directory was reached
  boolean readdir(Call call, long directory, long cookie, DirectoryVisitor visitor)
      throws FsException;

  /// Keeps an inode alive while open, also without a name. Checks permission for `mask` (R=4, W=2).
  Attributes open(Call call, long inode, int mask) throws FsException;

  /// Ends one [#open].
  void release(Call call, long inode) throws FsException;

  VolumeStatistics statfs(Call call) throws FsException;

  /// Highest commit sequence so far.
  long committedSequence();

  /// Highest commit sequence that is stored in the bucket.
  long storedSequence();

  /// Blocks until all commits up to `sequence` are stored in the bucket. What is stored already
  /// costs nothing; callers share requests (group commit).
  void barrier(long sequence) throws FsException;

  /// Blocks until all commits up to `sequence` outlive a power cut of this machine: durable in its
  /// journal, or stored in the bucket where there is none or it can't be.
  void journalBarrier(long sequence) throws FsException;

  /// Says that clients are asking: front ends call it for every request. A writer that has stored
  /// nothing for 10 seconds then looks whether another one has taken the volume over; without
  /// requests it asks the store for nothing.
  void keepWatch();

  @Override
  void close();

  /// What rename does about an existing target.
  enum RenameMode {
    REPLACE,
    NOREPLACE,
    EXCHANGE
  }

  /// Receives directory entries.
  @FunctionalInterface
  interface DirectoryVisitor {
    /// @param attributes of the entry's inode; null when that inode was removed meanwhile
    /// @return whether to go on; an entry answered with false was not taken
    boolean entry(
        long cookie, Name name, long inode, FileType type, @Nullable Attributes attributes);
  }

  /// @param bytesTotal capacity, bytes: `max_size_gb`, or a large constant without one
  /// @param bytesUsed allocated bytes
  /// @param inodesUsed inodes that exist
  /// @param inodesTotal bound on inodes
  record VolumeStatistics(long bytesTotal, long bytesUsed, long inodesTotal, long inodesUsed) {}
}
