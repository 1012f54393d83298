package zerofs.server.nfs;

import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import zerofs.base.Histogram;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.nfs3.NfsStatus;

/// What became of NFS requests so far. Any thread; to count takes no lock and allocates nothing.
public final class NfsCounters {
  private final Map<NfsProcedure, Histogram> durations = new EnumMap<>(NfsProcedure.class);
  private final Map<NfsStatus, LongAdder> errors = new EnumMap<>(NfsStatus.class);
  private final LongAdder repeated = new LongAdder();
  private final LongAdder unanswered = new LongAdder();
  private final LongAdder readBytes = new LongAdder();
  private final LongAdder writtenBytes = new LongAdder();

  NfsCounters() {
    for (NfsProcedure each : NfsProcedure.values()) {
      durations.put(each, new Histogram());
    }
    for (NfsStatus each : NfsStatus.values()) {
      errors.put(each, new LongAdder());
    }
  }

  /// A request was answered: `nanos` after it was read, waits for the store among them.
  void answered(NfsProcedure procedure, long nanos) {
    Objects.requireNonNull(durations.get(procedure)).record(nanos);
  }

  /// The answer says that it failed.
  void failed(NfsStatus status) {
    Objects.requireNonNull(errors.get(status)).increment();
  }

  /// A request that was sent again was not done again.
  void repeated() {
    repeated.increment();
  }

  /// A request got no answer, its connection was closed.
  void unanswered() {
    unanswered.increment();
  }

  void read(int bytes) {
    readBytes.add(bytes);
  }

  void written(int bytes) {
    writtenBytes.add(bytes);
  }

  /// How long the answers of a procedure took.
  public Histogram.Snapshot durations(NfsProcedure procedure) {
    return Objects.requireNonNull(durations.get(procedure)).snapshot();
  }

  public long errors(NfsStatus status) {
    return Objects.requireNonNull(errors.get(status)).sum();
  }

  /// Requests that were sent again and were not done again.
  public long repeatedRequests() {
    return repeated.sum();
  }

  /// Requests without an answer: the volume was gone, or a bug was met.
  public long unansweredRequests() {
    return unanswered.sum();
  }

  public long bytesRead() {
    return readBytes.sum();
  }

  public long bytesWritten() {
    return writtenBytes.sum();
  }
}
