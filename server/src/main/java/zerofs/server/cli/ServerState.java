package zerofs.server.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.fs.engine.Volume;
import zerofs.fs.engine.VolumeHealth;
import zerofs.objectstore.CachedObjectStore;
import zerofs.objectstore.HedgedObjectStore;
import zerofs.objectstore.TracedObjectStore;
import zerofs.server.nfs.NfsServer;

/// A server as `zerofs status`, metrics and probes see it.
///
/// @param trouble why it is not ready: one sentence; null when it is
/// @param volume null while it is not open
/// @param store null before it is reached
/// @param hedged null before the store is reached, and where its requests are not hedged
/// @param cache null where there is none on disk
record ServerState(
    @Nullable String trouble,
    @Nullable Volume volume,
    @Nullable TracedObjectStore store,
    @Nullable HedgedObjectStore hedged,
    @Nullable CachedObjectStore cache,
    List<NfsServer> servers) {
  /// When writers wait and nothing was stored for so long, they are not just being paced.
  private static final long BLOCKED_NANOS = 10_000_000_000L;

  /// Of a volume that is served.
  static ServerState serving(
      Volume volume,
      TracedObjectStore store,
      @Nullable HedgedObjectStore hedged,
      @Nullable CachedObjectStore cache,
      List<NfsServer> servers) {
    return new ServerState(trouble(volume.health(), store), volume, store, hedged, cache, servers);
  }

  /// What is wrong with storing; null when nothing is.
  static @Nullable String trouble(VolumeHealth health, TracedObjectStore store) {
    String stalled = health.trouble();
    if (stalled != null) {
      return "storing is stalled: " + stalled;
    }
    String shortage = store.shortage();
    if (shortage != null) {
      return "short of space: " + shortage;
    }
    String failed = store.trouble();
    if (failed != null) {
      return "the store does not answer: " + failed;
    }
    boolean blocked = health.writersWait() && health.waitingNanos() > BLOCKED_NANOS;
    return blocked
        ? "writers wait: nothing was stored for " + HealthWatch.duration(health.waitingNanos())
        : null;
  }
}
