package zerofs.fs.engine;

/// How the memory for file data is divided, in bytes; and, on the heap beside it, what is read from
/// the store and not decoded yet.
///
/// @param generation size at which a generation is sealed; it grows to twice that at most
/// @param drain what sealed generations are encoded into: more than the largest one. One is as
///   large as its pages until it is encoded, so with less than this the next one would wait until
///   the objects before it are sent, instead of being encoded meanwhile
/// @param pages the slab
/// @param reads for bytes as they lie in the store; readers hold half as much again
record MemoryShares(int generation, int drain, long pages, long reads) {
  static MemoryShares of(long bytes) {
    int generation = (int) Math.clamp(bytes / 16, 1L << 20, 16L << 20);
    int drain = 4 * generation;
    long reads = Math.clamp(bytes / 15, 2L << 20, 32L << 20);
    return new MemoryShares(generation, drain, Math.max(bytes - drain, bytes / 2), reads);
  }
}
