package zerofs.fs.engine;

import org.jspecify.annotations.Nullable;

/// How an open volume is doing.
///
/// @param trouble why nothing is being stored just now; null when all is well
/// @param committedSequence last commit
/// @param storedSequence last commit in the bucket
/// @param dirtyBytes file data and rows of the open generation, which nobody has asked to store yet
/// @param pendingBytes those of sealed generations, which are on their way
/// @param waitingNanos how long the oldest of these has been; 0 when none is
/// @param writersWait whether so much waits to be stored that writers do
/// @param slabBytes memory for file data
/// @param slabFreeBytes how much of it is free
/// @param journal whether changes are kept in a local journal
/// @param journalFailure why it makes nothing durable any more; null when it does, or there is none
/// @param journalBytes of its records that the store does not have yet
/// @param unflushedBytes metadata rows in memory that no SST holds yet
/// @param blockCacheBytes blocks, filters and indexes of SSTs in memory
/// @param inodes inodes in memory
/// @param runs sorted runs that a lookup may ask
public record VolumeHealth(
    @Nullable String trouble,
    long committedSequence,
    long storedSequence,
    long dirtyBytes,
    long pendingBytes,
    long waitingNanos,
    boolean writersWait,
    long slabBytes,
    long slabFreeBytes,
    boolean journal,
    @Nullable String journalFailure,
    long journalBytes,
    long unflushedBytes,
    long blockCacheBytes,
    int inodes,
    int runs) {}
