package zerofs.fs.engine;

/// How much may wait to be stored. A barrier waits for all that lies before it, so while barriers
/// come, writers of bulk are paused when what waits would take [#QUEUE_NANOS] longer than the store
/// takes for a lone small generation; a generation is then a quarter of that, and bulk costs more
/// PUTs. Without barriers memory alone bounds it.
///
/// The rate is measured: by how many bytes waited when a generation was sealed, its own included,
/// and how long it took from then until it was stored. At [#BYTES_MIN] that is the store's own
/// time, which waiting for less would not make shorter.
///
/// Changed under one lock, its owner's; any thread asks it.
final class Backlog {
  /// For so long after a barrier more of them are expected.
  static final long BARRIERS_NANOS = 10_000_000_000L;

  /// What waiting in line may add to a barrier: less than the 150 ms that are promised, as a
  /// barrier may also wait for its turn, and what comes after it shares the link with it.
  static final long QUEUE_NANOS = 60_000_000L;

  static final long BYTES_MIN = 1 << 20;

  /// Before anything was measured.
  private static final long BYTES_FIRST = 4 << 20;

  /// Generations of one backlog: as many as are under way at a time.
  private static final int GENERATIONS = 4;

  private final long sealBytesMax;
  private final long bytesMin;
  private final long bytesMax;
  private volatile boolean barriersCome;
  private volatile long bytes;
  private long lastBarrier;

  /// Shortest time that a generation took.
  private long usual = Long.MAX_VALUE;

  /// @param sealBytesMax of a generation, what memory allows
  Backlog(long sealBytesMax) {
    this.sealBytesMax = sealBytesMax;
    this.bytesMax = GENERATIONS * sealBytesMax;
    this.bytesMin = Math.min(BYTES_MIN, bytesMax);
    this.bytes = Math.min(BYTES_FIRST, bytesMax);
  }

  /// The size at which a generation is sealed.
  long sealBytes() {
    return barriersCome ? bytes / GENERATIONS : sealBytesMax;
  }

  /// Whether a writer should wait for the sake of barriers. Small writes may go a quarter further:
  /// who syncs what he wrote is not kept out by bulk.
  ///
  /// @param waiting bytes that are not stored
  boolean isTooMuch(long waiting, boolean isSmall) {
    long now = bytes;
    return barriersCome && waiting > (isSmall ? now + now / 4 : now);
  }

  /// Somebody waits until something is stored.
  void barrier(long now) {
    lastBarrier = now;
    if (!barriersCome) {
      barriersCome = true;
    }
  }

  /// A generation is stored.
  ///
  /// @param waited bytes that were not stored when it was sealed, its own included
  /// @param nanos since it was sealed
  void stored(long waited, long nanos, long now) {
    usual = Math.min(usual, Math.max(1, nanos));
    if (waited >= bytes / 2) { // What took less says nothing of how much is too much.
      measured(waited, nanos);
    }
    if (barriersCome && now - lastBarrier > BARRIERS_NANOS) {
      barriersCome = false;
    }
  }

  private void measured(long waited, long nanos) {
    long wanted = usual + QUEUE_NANOS;
    if (bytes == bytesMin && barriersCome && nanos > wanted) {
      usual = nanos;
    }
    double share = Math.min(2, (double) wanted / nanos);
    long next = (3 * bytes + (long) (waited * share)) / 4;
    bytes = Math.clamp(next, bytesMin, bytesMax);
  }
}
