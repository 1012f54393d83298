package zerofs.objectstore;

import java.nio.ByteBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Immutable objects under names, as every S3-compatible store has them. Of the store only *create
/// if absent* is needed; no object is ever rewritten.
///
/// Keys are relative to the store's prefix: `/`-separated, of `[a-z0-9/._-]`, no empty part. Calls
/// block; any thread may call. Every call names its [Cause], by which requests are counted.
public interface ObjectStore extends AutoCloseable {
  /// Bytes `[offset, offset + length)` of an object, clipped to its end; possibly empty.
  ///
  /// @return null exactly when the store said "no such key" (a missing bucket or a refusal is an
  ///   exception, never absence)
  @Nullable Fetched get(String key, long offset, int length, Cause cause) throws StorageException;

  /// The last `length` bytes of an object, or all of it when it is shorter, and its total size.
  ///
  /// @return null exactly when the store said "no such key"
  @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException;

  /// Creates the object unless the key exists, whole or not at all, durable once this returns.
  ///
  /// @return CREATED or EXISTS; EXISTS says nothing about who created it
  /// @throws StorageException.OutcomeUnknown when it may or may not have been applied
  PutOutcome put(String key, Body body, Cause cause) throws StorageException;

  /// Deletes the object; a missing one is no error.
  void delete(String key, Cause cause) throws StorageException;

  /// Keys that start with `prefix` and are greater than `startAfter` (exclusive; "" = from the
  /// start), ascending by their bytes, at most `limit` (1 to 1000).
  List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException;

  /// Why the store wants no new data just now, though it still takes what frees space: a sentence
  /// for people. Null when it has room, or nobody knows. From memory.
  default @Nullable String shortage() {
    return null;
  }

  /// Bytes `[from, to)` of an object were not what they must be: what is kept of them on this side
  /// of the store is dropped, so that the next read asks the store itself. Waits at most for a
  /// local disk.
  default void forget(String key, long from, long to) {
    // Nothing is kept here.
  }

  @Override
  void close();

  /// Why a request is made; what it is counted under.
  enum Cause {
    STARTUP,
    RECOVERY,
    BARRIER,
    BULK,
    FLUSH,
    COMPACTION,
    READ,
    METADATA,
    WARMUP,
    PROBE,
    SWEEP,
    ADMIN
  }

  /// What a PUT did.
  enum PutOutcome {
    CREATED,
    EXISTS
  }

  /// Bytes of an object (position 0, limit = number of bytes; the caller owns them) and the total
  /// size of the object.
  record Fetched(ByteBuffer bytes, long objectBytes) {}

  /// A key and the size of its object.
  record Listed(String key, long objectBytes) {}

  /// The bytes of a PUT, in order; may be sent more than once, so positions are never changed
  /// (implementations work on duplicates). The caller keeps them unchanged until the call returns,
  /// or until he takes them back: so a store reads them between [#begin] and [#end].
  ///
  /// @param loan by which they can be taken back; null when they can't
  record Body(List<ByteBuffer> parts, @Nullable BodyLoan loan) {
    public Body {
      parts = List.copyOf(parts);
    }

    public Body(List<ByteBuffer> parts) {
      this(parts, null);
    }

    public static Body of(byte[] bytes) {
      return new Body(List.of(ByteBuffer.wrap(bytes)));
    }

    public long bytes() {
      long sum = 0;
      for (ByteBuffer part : parts) {
        sum += part.remaining();
      }
      return sum;
    }

    /// Begins to read a stretch of the bytes; false when they were taken back, and are no longer
    /// what they were.
    boolean begin() {
      return loan == null || loan.begin();
    }

    void end() {
      if (loan != null) {
        loan.end();
      }
    }

    /// Whether they were taken back before the store had read all it wanted.
    boolean wasMissed() {
      return loan != null && loan.wasMissed();
    }

    /// A copy, which nobody takes back.
    Body copied(String key) {
      if (!begin()) {
        throw new BodyLoan.TakenBack(key);
      }
      try {
        byte[] all = new byte[Math.toIntExact(bytes())];
        ByteBuffer out = ByteBuffer.wrap(all);
        parts.forEach(part -> out.put(part.duplicate()));
        return of(all);
      } finally {
        end();
      }
    }
  }
}
