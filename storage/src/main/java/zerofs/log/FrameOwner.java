package zerofs.log;

/// Entry of a segment's directory: whose bytes a frame holds, for repacking and salvage.
///
/// @param frame its number in the segment: part of its nonce. Numbers ascend, with gaps where what
///   was encoded needed no frame
/// @param storedBytes length of the frame in the segment
/// @param owner opaque to storage: the inode
/// @param index opaque to storage: the extent
/// @param isPatch whether the frame holds some ranges of the extent or all of it
public record FrameOwner(int frame, int storedBytes, long owner, long index, boolean isPatch) {}
