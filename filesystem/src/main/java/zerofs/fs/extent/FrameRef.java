package zerofs.fs.extent;

import zerofs.codec.ObjectId;

/// Where a frame lies.
///
/// @param object the segment that holds it
/// @param frame its number in that segment: part of its nonce
/// @param offset where it begins, bytes
/// @param storedBytes its length there, bytes
public record FrameRef(ObjectId object, int frame, int offset, int storedBytes) {}
