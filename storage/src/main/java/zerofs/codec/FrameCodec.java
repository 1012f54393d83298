package zerofs.codec;

import java.nio.ByteBuffer;
import zerofs.objectstore.StorageException;

/// Compresses and seals one frame (an extent, a patch, an LSM block, a section), and the reverse.
///
/// ```text
/// frame   = XChaCha20-Poly1305(object key, nonce, AAD; payload) | tag (16 bytes)
/// payload = algorithm (1 byte: 0 raw, 1 zstd, 2 lz4) | data; raw when compression saves < 5 %
/// nonce   = 16 bytes of the object | frame number (8 bytes, little-endian)
/// ```
///
/// Spec: docs/FORMAT.md. One instance serves one volume. Any thread may call; contexts come from a
/// bounded pool. Buffers may be direct or heap, direct ones are faster; positions of `source` are
/// left alone.
public interface FrameCodec {
  /// Bytes that a frame can be longer than what it holds.
  int OVERHEAD_BYTES = 17;

  /// Frame numbers from here on are sections of an object (delta, directory, index, ...), below it
  /// are its data frames or blocks.
  long SECTION_FRAMES_START = 1L << 32;

  /// The key of one object, derived once and reused for its frames. Holds a secret: never logged.
  interface ObjectKey {}

  /// HKDF-SHA256(data key; salt = `epochSalt`; info = volume, kind, epoch, number).
  ///
  /// @param epochSalt 16 random bytes of the epoch that made the object; they stand in every
  ///   manifest and in every object's footer, and make keys unique between writers that race
  ObjectKey objectKey(ObjectId object, byte[] epochSalt);

  /// Encodes the remaining bytes of `source` at the position of `target`, which advances. `target`
  /// must have `source.remaining() + OVERHEAD_BYTES` left. `aad` binds further bytes (may be
  /// empty).
  ///
  /// @return bytes written
  int encode(
      ObjectKey key,
      long frame,
      byte[] aad,
      ByteBuffer source,
      Compression compression,
      ByteBuffer target);

  /// Decodes the remaining bytes of `frame` (consumed not) at the position of `target`, which
  /// advances; at most `target.remaining()` bytes of plain data.
  ///
  /// @return bytes of plain data
  /// @throws StorageException.Corrupt when the tag does not fit or the data does not decode
  int decode(ObjectKey key, long frame, byte[] aad, ByteBuffer source, ByteBuffer target)
      throws StorageException.Corrupt;
}
