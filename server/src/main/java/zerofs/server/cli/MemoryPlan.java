package zerofs.server.cli;

/// How the budget of a process is divided, in bytes. What the JVM and its libraries take themselves
/// hardly depends on it, so shares are of what is left beyond that. The launcher sizes the heap by
/// the same rule (`zerofs`, heap_mib), and what is in it here is about a third of it; as much again
/// is what requests make and let go, the rest is room for the collector.
///
/// ```text
/// budget             256 MiB   1 GiB
/// JVM, libraries         100     150   code, classes, stacks, direct buffers, the collector's own
/// heap, at most           88     256
/// slab, at most           66     474   file data, and what it is encoded into
/// ```
///
/// @param slab file data, and what it is encoded into
/// @param blocks blocks of metadata; as much again for their filters and indexes
/// @param inodes a number, not bytes
/// @param flush rows in memory after which they are flushed
/// @param wire of each kind of the NFS servers' memory
/// @param cacheWaiting of the disk cache: what waits for the disk
/// @param cacheIndex of the disk cache: what is where
record MemoryPlan(
    long slab, long blocks, int inodes, long flush, long wire, long cacheWaiting, long cacheIndex) {
  private static final long MIB = 1 << 20;
  private static final long GIB = 1 << 30;

  /// What a share of a large budget does not leave to the JVM.
  private static final long FIXED = 96 * MIB;

  /// Of the whole, what an inode in memory is charged: it takes about 500 bytes.
  private static final long BYTES_PER_INODE = 10 << 10;

  static MemoryPlan of(long budget) {
    // As if of a whole budget: at 1 GiB they are what they would be without the fixed part.
    long shared = (budget - FIXED) / ((GIB - FIXED) / MIB) * (GIB / MIB);
    return new MemoryPlan(
        budget * 17 / 32 - 70 * MIB,
        shared * 3 / 100,
        Math.clamp(shared / BYTES_PER_INODE, 4096, 1 << 20),
        Math.min(16 * MIB, shared / 64),
        shared / 32,
        shared / 32,
        shared / 64);
  }
}
