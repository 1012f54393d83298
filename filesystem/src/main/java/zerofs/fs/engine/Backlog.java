package zerofs.fs.engine;

/// How much may wait to be stored. A barrier waits for all that lies before it, so while barriers
/// come, writers of bulk are paused when what waits would take [#QUEUE_NANOS] longer than the store
/// takes for a lone small generation; a generation is then a fifth of that, and bulk costs more
/// PUTs. Without barriers memory alone bounds it.
///
/// As in BBR (Cardwell et al., "BBR: congestion-based congestion control", 2016) the bound is the
/// product of two things that are measured: the rate at which bytes were stored while writers had
/// to wait, over stretches of time in which the order in which answers come evens out; and the
/// shortest time that a generation took. At [#BYTES_MIN] that is the store's own, which waiting for
/// less would not make shorter. A bound too low makes itself felt by no more waiting than the
/// store's own time, so it grows.
///
/// Changed under one lock, its owner's; any thread asks it.
final class Backlog {
  /// For so long after a barrier more of them are expected.
  static final long BARRIERS_NANOS = 10_000_000_000L;

  /// What waiting in line may add to a barrier: less than the 150 ms that are promised, as a
  /// barrier may also wait for its turn, and what comes after it shares the link with it.
  static final long QUEUE_NANOS = 70_000_000L;

  /// A store that takes longer than this to store anything is away, or slow beyond what pacing
  /// writers would mend: then memory alone bounds them.
  static final long AWAY_NANOS = 1_000_000_000L;

  private static final long STARVED_NANOS = 1_000_000_000L;
  private static final long STARVED_END_NANOS = 5_000_000_000L;

  static final long BYTES_MIN = 256 << 10;

  /// Before anything was measured.
  private static final long BYTES_FIRST = 4 << 20;

  /// Generations of one backlog: as many as are under way at a time, and the open one.
  private static final int GENERATIONS = 5;

  /// A stretch over which the rate is measured: so often the shortest time.
  private static final int STRETCH = 4;

  private final long sealBytesMax;
  private final long bytesMin;
  private final long bytesMax;
  private volatile boolean barriersCome;
  private volatile long bytes;
  private volatile long lastBarrier;
  private volatile long lastProgress;

  /// When bulk began to wait, of which none was let in since; 0 when none waits.
  private volatile long bulkWaits;

  private volatile boolean paused;

  /// Whether writers are paused now and then: else what is written is stored as late as ever, by
  /// when some of it may be gone again.
  private volatile boolean isBusy;

  private boolean pausedInStretch;
  private long stretchStart;
  private long stretchBytes;

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
    return barriersCome && isBusy ? bytes / GENERATIONS : sealBytesMax;
  }

  /// Whether a writer should wait for the sake of barriers. Small writes may go twice as far: who
  /// syncs what he wrote is not kept out by bulk.
  ///
  /// @param waiting bytes that are not stored
  boolean isTooMuch(long waiting, boolean isSmall, long now) {
    long most = isSmall && !isBulkStarved(now) ? 2 * bytes : bytes;
    boolean isTooMuch = expectsBarriers(now) && waiting > most && now - lastProgress < AWAY_NANOS;
    if (isTooMuch && !paused) {
      paused = true;
      isBusy = true;
    }
    if (!isSmall) {
      noteBulk(isTooMuch, now);
    }
    return isTooMuch;
  }

  private void noteBulk(boolean isTooMuch, long now) {
    if (!isTooMuch) {
      bulkWaits = 0;
    } else if (bulkWaits == 0 || now - bulkWaits > STARVED_END_NANOS) {
      bulkWaits = now;
    }
  }

  /// Whether small writes alone have kept the backlog full for so long that they are to wait like
  /// others. Not for ever, as bulk may be gone.
  private boolean isBulkStarved(long now) {
    long since = bulkWaits;
    long waited = now - since;
    return since != 0 && waited > STARVED_NANOS && waited <= STARVED_END_NANOS;
  }

  /// Whether barriers come: one did a short while ago.
  boolean expectsBarriers(long now) {
    return barriersCome && now - lastBarrier <= BARRIERS_NANOS;
  }

  /// Nothing is under way, or something was stored just now.
  void progress(long now) {
    lastProgress = now;
  }

  /// When the store is away, if nothing is stored before.
  long awayAt() {
    return lastProgress + AWAY_NANOS;
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
  /// @param stored its bytes
  /// @param nanos since it was sealed
  void stored(long stored, long nanos, long now) {
    progress(now);
    usual = Math.min(usual, Math.max(1, nanos));
    stretchBytes += stored;
    pausedInStretch |= paused;
    long stretch = now - stretchStart;
    if (stretch >= STRETCH * usual) {
      if (pausedInStretch) { // Else it says how much was written, not how much could be.
        measured((double) stretchBytes / stretch, nanos);
      }
      stretchStart = now;
      stretchBytes = 0;
      isBusy = pausedInStretch;
      pausedInStretch = false;
      paused = false;
    }
    expire(now);
  }

  private void expire(long now) {
    if (barriersCome && now - lastBarrier > BARRIERS_NANOS) {
      barriersCome = false;
    }
  }

  private void measured(double rate, long nanos) {
    if (bytes == bytesMin && nanos > usual + QUEUE_NANOS) {
      usual = nanos;
    }
    long wanted = (long) (rate * (usual + QUEUE_NANOS));
    bytes = Math.clamp((bytes + wanted) / 2, bytesMin, bytesMax);
  }
}
