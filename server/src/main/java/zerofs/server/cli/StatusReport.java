package zerofs.server.cli;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import zerofs.fs.engine.Volume;
import zerofs.fs.engine.VolumeHealth;
import zerofs.objectstore.CachedObjectStore;
import zerofs.objectstore.HedgedObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.TracedObjectStore;
import zerofs.server.nfs.NfsServer;
import zerofs.server.nfs.NfsSettings;
import zerofs.wire.nfs3.NfsProcedure;

/// What `zerofs status` shows.
final class StatusReport {
  private StatusReport() {}

  static String text(ServerState state) {
    StringBuilder out = new StringBuilder();
    values(state).forEach((name, value) -> out.append(String.format("%-28s %s%n", name, value)));
    return out.toString();
  }

  static String json(ServerState state) {
    return Json.of(values(state)) + "\n";
  }

  private static Map<String, Object> values(ServerState state) {
    Map<String, Object> values = new LinkedHashMap<>();
    String trouble = state.trouble();
    values.put("health", trouble == null ? "ok" : trouble);
    Volume volume = state.volume();
    TracedObjectStore store = state.store();
    if (volume == null || store == null) {
      return values;
    }
    VolumeHealth health = volume.health();
    values.put("volume", volume.volumeId());
    values.put("epoch", volume.epoch());
    values.put("durability.nfs", meaning(state, health));
    values.put("sequence.committed", health.committedSequence());
    values.put("sequence.stored", health.storedSequence());
    values.put("pending.dirty_bytes", health.dirtyBytes());
    values.put("pending.bytes", health.pendingBytes());
    values.put("pending.seconds", health.waitingNanos() / 1_000_000_000L);
    String failed = health.journalFailure();
    values.put("journal", health.journal() ? failed == null ? "on" : "failed: " + failed : "off");
    values.put("journal.bytes", health.journalBytes());
    values.put("memory.slab_bytes", health.slabBytes());
    values.put("memory.slab_free_bytes", health.slabFreeBytes());
    values.put("memory.unflushed_rows_bytes", health.unflushedBytes());
    values.put("memory.block_cache_bytes", health.blockCacheBytes());
    values.put("memory.inodes", health.inodes());
    values.put("memory.heap_bytes", Runtime.getRuntime().totalMemory());
    for (NfsServer server : state.servers()) {
      NfsServer.Memory memory = server.memory();
      add(values, "memory.wire_records_bytes", memory.records());
      add(values, "memory.wire_records_limit_bytes", memory.recordsMax());
      add(values, "memory.wire_requests_bytes", memory.requests());
      add(values, "memory.wire_requests_limit_bytes", memory.requestsMax());
    }
    values.put("lsm.runs", health.runs());
    CachedObjectStore cache = state.cache();
    if (cache != null) {
      values.put("cache.hits", cache.counters().hits());
      values.put("cache.misses", cache.counters().misses());
      values.put("cache.bytes", cache.counters().bytes());
    }
    StoreCounters counters = store.counters();
    for (Cause cause : Cause.values()) {
      for (StoreCounters.Request request : StoreCounters.Request.values()) {
        long count = counters.of(cause, request);
        if (count > 0) {
          values.put("store." + lower(cause) + "." + lower(request), count);
        }
      }
    }
    values.put("store.bytes_put", counters.bytesPut());
    values.put("store.bytes_got", counters.bytesGot());
    values.put("store.errors", counters.errors());
    HedgedObjectStore hedged = state.hedged();
    if (hedged != null) {
      values.put("store.hedges.get", hedged.sent(StoreCounters.Request.GET));
      values.put("store.hedges.put", hedged.sent(StoreCounters.Request.PUT));
    }
    for (NfsServer server : state.servers()) {
      for (NfsProcedure procedure : NfsProcedure.values()) {
        long count = server.counters().durations(procedure).count();
        if (count > 0) {
          add(values, "nfs." + lower(procedure), count);
        }
      }
    }
    return values;
  }

  /// What a stable answer of the NFS export means just now, in words.
  private static String meaning(ServerState state, VolumeHealth health) {
    NfsSettings.Durability durability =
        state.servers().isEmpty() ? null : state.servers().getFirst().settings().durability();
    return switch (durability) {
      case null -> "not served";
      case STORE -> "store: it is in the bucket";
      case JOURNAL ->
          health.journalFailure() == null
              ? "journal: it is on this machine's disk, and soon in the bucket"
              : "journal, but its disk failed: it is in the bucket";
      case MEMORY ->
          health.journal()
              ? "memory: it is lost with this machine's power, until it is in the bucket"
              : "memory: it is lost with this process, until it is in the bucket";
    };
  }

  private static void add(Map<String, Object> values, String name, long number) {
    values.merge(
        name, number, (one, other) -> ((Number) one).longValue() + ((Number) other).longValue());
  }

  private static String lower(Enum<?> name) {
    return name.name().toLowerCase(Locale.ROOT);
  }
}
