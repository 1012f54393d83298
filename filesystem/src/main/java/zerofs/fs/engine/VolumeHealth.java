package zerofs.fs.engine;

import org.jspecify.annotations.Nullable;

/// How an open volume is doing.
///
/// @param trouble why nothing is being stored just now; null when all is well
/// @param committedSequence last commit
/// @param storedSequence last commit in the bucket
/// @param slabBytes memory for file data
/// @param slabFreeBytes how much of it is free
/// @param unflushedBytes metadata rows in memory that no SST holds yet
/// @param blockCacheBytes blocks of SSTs in memory
/// @param inodes inodes in memory
/// @param runs sorted runs that a lookup may ask
public record VolumeHealth(
    @Nullable String trouble,
    long committedSequence,
    long storedSequence,
    long slabBytes,
    long slabFreeBytes,
    long unflushedBytes,
    long blockCacheBytes,
    int inodes,
    int runs) {}
