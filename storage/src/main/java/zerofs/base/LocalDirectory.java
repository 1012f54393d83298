package zerofs.base;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A directory of this machine: the seam through which the engine keeps files on a local disk or in
/// shared memory. Two implementations: [SystemDirectory], and [SimulatedDirectory], which forgets
/// at a power cut what was not synced. Any thread may call.
public interface LocalDirectory {
  /// Names of the files in it, sorted.
  List<String> list() throws IOException;

  /// Opens a file, and makes it, empty, if it is not there.
  LocalFile open(String name) throws IOException;

  /// Maps a file of `bytes` bytes into memory, and makes it, zero, if it is not there; what is put
  /// there outlives the process. Null when a file of another size is there.
  @Nullable ByteBuffer map(String name, int bytes) throws IOException;

  void rename(String from, String to) throws IOException;

  /// Deletes a file; nothing happens when it is not there.
  void delete(String name) throws IOException;

  /// Makes names durable: of files that were made, renamed or deleted.
  void sync() throws IOException;

  /// A directory in it, made if need be.
  LocalDirectory subdirectory(String name) throws IOException;

  /// Locks a file against other processes until the lock is closed or the process ends; null when
  /// another process has it.
  @Nullable Lock tryLock(String name) throws IOException;

  /// For messages.
  String path();

  /// A lock that is held.
  interface Lock extends AutoCloseable {
    @Override
    void close();
  }

  /// An open file. Durable is what a completed [#sync] followed.
  interface LocalFile extends AutoCloseable {
    long size() throws IOException;

    /// Reads at a position until `target` is full or the file ends.
    ///
    /// @return bytes read
    int read(ByteBuffer target, long position) throws IOException;

    /// Writes all of `source` at a position.
    void write(ByteBuffer source, long position) throws IOException;

    void truncate(long size) throws IOException;

    /// Makes the data durable (fdatasync). After an error nobody knows what is: never tried again.
    void sync() throws IOException;

    @Override
    void close() throws IOException;
  }
}
