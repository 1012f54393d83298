package zerofs.fs.page;

import java.nio.ByteBuffer;
import java.util.Arrays;
import zerofs.base.Checks;
import zerofs.base.StripedBudget;
import zerofs.base.Tasks;

/// Memory for the decoded bytes of extents: a fixed number of blocks of 32 KiB, each whole or cut
/// into equal pieces of a smaller size class (2, 4, 8, 16 KiB). All payload lives here and nowhere
/// else, so the configured size is a bound.
///
/// An operation *reserves* blocks before it takes locks ([#tryReserve]) and allocates against that
/// reservation inside them, where nothing may fail: an allocation takes a free piece of its class,
/// or one of the reserved blocks.
///
/// Invariants: (1) free blocks ≥ sum of reservations. (2) a block is free, or belongs to one class;
/// it is on that class's list exactly when some but not all of its pieces are used.
///
/// Any thread may call; a mutex held for a few instructions guards the lists.
public final class Slab {
  /// Bytes of a block and of the largest piece.
  public static final int BLOCK_BYTES = 32 << 10;

  static final int PIECE_BYTES_MIN = 2 << 10;
  private static final int CLASSES = 5;
  private static final int NONE = -1;
  private static final int BLOCKS_PER_REGION = 1 << 14;

  private final ByteBuffer[] regions;
  private final int blocks;
  private final Tasks.Mutex mutex;

  private final int[] freeMask;
  private final byte[] classOf;
  private final int[] next;
  private final int[] previous;
  private final int[] partial = new int[CLASSES];
  private final int[] freeStack;
  private int freeCount;

  /// Free blocks that are not reserved. Reservations change it without the mutex: every write makes
  /// one, and most need no block.
  private final StripedBudget available;

  /// @param bytes how much; rounded down to blocks
  /// @param memory where it comes from, in regions of at most 512 MiB
  public Slab(long bytes, SlabMemory memory, Tasks tasks) {
    blocks = Math.toIntExact(bytes / BLOCK_BYTES);
    Checks.invariant(blocks > 0, "slab of " + bytes + " bytes");
    regions = new ByteBuffer[(blocks + BLOCKS_PER_REGION - 1) / BLOCKS_PER_REGION];
    for (int i = 0; i < regions.length; i++) {
      int count = Math.min(BLOCKS_PER_REGION, blocks - i * BLOCKS_PER_REGION);
      regions[i] = memory.map(count * BLOCK_BYTES);
    }
    mutex = tasks.newMutex("slab");
    freeMask = new int[blocks];
    classOf = new byte[blocks];
    next = new int[blocks];
    previous = new int[blocks];
    freeStack = new int[blocks];
    Arrays.fill(partial, NONE);
    for (int i = 0; i < blocks; i++) {
      freeStack[i] = blocks - 1 - i;
    }
    freeCount = blocks;
    available = new StripedBudget(blocks, tasks);
  }

  public int blocks() {
    return blocks;
  }

  /// Blocks that a reservation could still get.
  public int availableBlocks() {
    return (int) available.left();
  }

  /// Sets `count` blocks aside; false when there are not as many.
  public boolean tryReserve(int count) {
    return available.tryTake(count);
  }

  /// Gives back what is left of a reservation.
  public void unreserve(int count) {
    available.give(count);
  }

  /// Allocates a piece of at least `bytes`. The caller holds a reservation of at least one block.
  ///
  /// @return its address; negative (`~address`) when it used up one reserved block
  int allocate(int bytes) {
    int sizeClass = sizeClass(bytes);
    mutex.lock();
    try {
      int block = partial[sizeClass];
      if (block != NONE) {
        return takePiece(block, sizeClass);
      }
      Checks.invariant(freeCount > 0, "allocation without a reservation");
      block = freeStack[--freeCount];
      classOf[block] = (byte) sizeClass;
      freeMask[block] = (int) ((1L << piecesOf(sizeClass)) - 1);
      if (piecesOf(sizeClass) > 1) {
        link(block, sizeClass);
      }
      return ~takePiece(block, sizeClass);
    } finally {
      mutex.unlock();
    }
  }

  /// Frees the piece at `address`.
  void free(int address) {
    int block = address >>> 4;
    mutex.lock();
    try {
      int sizeClass = classOf[block];
      int all = (int) ((1L << piecesOf(sizeClass)) - 1);
      int piece = 1 << (address & 15);
      Checks.invariant((freeMask[block] & piece) == 0, "piece freed twice");
      boolean wasFull = freeMask[block] == 0;
      freeMask[block] |= piece;
      if (freeMask[block] == all) {
        if (!wasFull) {
          unlink(block, sizeClass);
        }
        freeStack[freeCount++] = block;
        available.giveShared(1);
      } else if (wasFull) {
        link(block, sizeClass);
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Size in bytes of the piece at `address`.
  int capacity(int address) {
    return PIECE_BYTES_MIN << classOf[address >>> 4];
  }

  /// A view of the piece at `address`.
  ByteBuffer view(int address) {
    int block = address >>> 4;
    int bytes = capacity(address);
    int offset = (block % BLOCKS_PER_REGION) * BLOCK_BYTES + (address & 15) * bytes;
    return regions[block / BLOCKS_PER_REGION].slice(offset, bytes);
  }

  /// Copies `length` bytes at `from` of the piece to `target`, whose position advances.
  void read(int address, int from, int length, ByteBuffer target) {
    int at = target.position();
    target.put(at, region(address), offset(address) + from, length);
    target.position(at + length);
  }

  /// Copies `length` bytes from `source`, whose position advances, to `to` of the piece.
  void write(int address, int to, int length, ByteBuffer source) {
    int at = source.position();
    region(address).put(offset(address) + to, source, at, length);
    source.position(at + length);
  }

  void copy(int fromAddress, int toAddress, int from, int to) {
    region(toAddress)
        .put(offset(toAddress) + from, region(fromAddress), offset(fromAddress) + from, to - from);
  }

  private ByteBuffer region(int address) {
    return regions[(address >>> 4) / BLOCKS_PER_REGION];
  }

  private int offset(int address) {
    int block = address >>> 4;
    return (block % BLOCKS_PER_REGION) * BLOCK_BYTES + (address & 15) * capacity(address);
  }

  private int takePiece(int block, int sizeClass) {
    int piece = Integer.numberOfTrailingZeros(freeMask[block]);
    freeMask[block] &= ~(1 << piece);
    if (freeMask[block] == 0 && piecesOf(sizeClass) > 1) {
      unlink(block, sizeClass);
    }
    return block << 4 | piece;
  }

  private void link(int block, int sizeClass) {
    int head = partial[sizeClass];
    next[block] = head;
    previous[block] = NONE;
    if (head != NONE) {
      previous[head] = block;
    }
    partial[sizeClass] = block;
  }

  private void unlink(int block, int sizeClass) {
    if (previous[block] == NONE) {
      partial[sizeClass] = next[block];
    } else {
      next[previous[block]] = next[block];
    }
    if (next[block] != NONE) {
      previous[next[block]] = previous[block];
    }
  }

  private static int piecesOf(int sizeClass) {
    return 1 << (CLASSES - 1 - sizeClass);
  }

  private static int sizeClass(int bytes) {
    Checks.invariant(bytes <= BLOCK_BYTES, "piece of " + bytes + " bytes");
    int sizeClass = 0;
    while (PIECE_BYTES_MIN << sizeClass < bytes) {
      sizeClass++;
    }
    return sizeClass;
  }
}
