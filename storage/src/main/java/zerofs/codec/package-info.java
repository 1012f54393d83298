/// Bytes on their way to the bucket: compression, encryption, keys, checksums. Read [FrameCodec]
/// first.
@org.jspecify.annotations.NullMarked
package zerofs.codec;
