package zerofs.fs.engine;

import zerofs.base.Histogram;

/// Where the time of storing goes.
///
/// @param seal until the open generation is swapped: who is inside the gate leaves it first
/// @param encode of a sealed generation into the bytes of its object, waiting for memory to do it
///   in
/// @param put until the encoded object counts as stored: its PUT, retries, and objects before it
/// @param waiting of those who asked for what was not stored yet
public record BarrierTimes(Histogram seal, Histogram encode, Histogram put, Histogram waiting) {
  static BarrierTimes none() {
    return new BarrierTimes(new Histogram(), new Histogram(), new Histogram(), new Histogram());
  }
}
