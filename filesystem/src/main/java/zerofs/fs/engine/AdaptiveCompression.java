package zerofs.fs.engine;

import zerofs.codec.Compression;

/// Which compression each generation gets. A fixed one is what it says; `auto` is zstd-3, and lz4
/// while writers wait and it is the processor that keeps them waiting.
///
/// Encoding takes the processors one generation after the other; PUTs are under way side by side.
/// So with `inFlightMax` of them the processor is what limits when it takes longer for a generation
/// than such a share of what the store takes.
///
/// [#now] may be called by any thread, the others under one lock, their owner's.
final class AdaptiveCompression {
  private static final Compression THOROUGH = new Compression.Zstd(3);
  private static final Compression FAST = new Compression.Lz4();

  /// How much longer THOROUGH takes than FAST, cipher and copies included (docs/BENCHMARKS.md).
  private static final int SLOWNESS = 2;

  /// So many generations without a writer who waited, and there is time again.
  private static final int CALM = 8;

  private final boolean adapts;
  private final int inFlightMax;
  private volatile Compression now;
  private boolean someoneWaited;
  private int calm;

  AdaptiveCompression(Compression wanted, int inFlightMax) {
    this.adapts = wanted instanceof Compression.Auto;
    this.inFlightMax = inFlightMax;
    this.now = adapts ? THOROUGH : wanted;
  }

  Compression now() {
    return now;
  }

  /// A writer has to wait until something is stored.
  void writerWaits() {
    someoneWaited = true;
  }

  /// A generation is stored.
  ///
  /// @param encodeNanos what encoding took
  /// @param putNanos from then on until it was stored
  void stored(long encodeNanos, long putNanos) {
    if (!adapts) {
      return;
    }
    boolean isFast = now.equals(FAST);
    if (someoneWaited) {
      long thorough = isFast ? SLOWNESS * encodeNanos : encodeNanos;
      now = thorough * inFlightMax > putNanos ? FAST : THOROUGH;
      calm = 0;
    } else if (isFast && ++calm >= CALM) {
      now = THOROUGH;
    }
    someoneWaited = false;
  }
}
