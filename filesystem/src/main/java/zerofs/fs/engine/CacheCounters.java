package zerofs.fs.engine;

import zerofs.base.CacheCounter;

/// What was in memory when it was needed.
///
/// @param data reads of files that found all their bytes; a miss is a fetch that one waited for
/// @param inodes inodes that operations named
/// @param blocks blocks of metadata tables
public record CacheCounters(CacheCounter data, CacheCounter inodes, CacheCounter blocks) {}
