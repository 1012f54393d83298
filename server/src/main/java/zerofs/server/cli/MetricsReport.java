package zerofs.server.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.function.ToLongFunction;
import zerofs.base.CacheCounter;
import zerofs.base.Histogram;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem.VolumeStatistics;
import zerofs.fs.engine.BarrierTimes;
import zerofs.fs.engine.CacheCounters;
import zerofs.fs.engine.Volume;
import zerofs.fs.engine.VolumeHealth;
import zerofs.objectstore.HedgedObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.StoreCounters.Request;
import zerofs.objectstore.StoreTrouble;
import zerofs.objectstore.TracedObjectStore;
import zerofs.server.metrics.MetricsText;
import zerofs.server.nfs.NfsCounters;
import zerofs.server.nfs.NfsServer;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.nfs3.NfsStatus;

/// What `/metrics` shows (docs/METRICS.md): the counters of engine, store and front ends, put into
/// words when somebody asks.
final class MetricsReport {
  private static final long NANOS_PER_SECOND = 1_000_000_000L;

  private final ServerState state;
  private final MetricsText out = new MetricsText();

  private MetricsReport(ServerState state) {
    this.state = state;
  }

  static String text(ServerState state) {
    return new MetricsReport(state).write();
  }

  private String write() {
    process();
    out.gauge("zerofs_ready", "Whether all is well: 1 as long as /readyz says so")
        .sample(state.trouble() == null ? 1 : 0);
    TracedObjectStore store = state.store();
    if (store != null) {
      store(store);
    }
    Volume volume = state.volume();
    if (volume != null) {
      volume(volume);
      memory(volume.health());
      caches(volume.caches());
      barriers(volume.barrierTimes());
      nfs();
      nfsAmounts();
    }
    return out.toString();
  }

  private void process() {
    out.gauge("zerofs_build_info", "Version of the program and of Java; always 1")
        .sample(1, "version", Main.VERSION, "java", Runtime.version().toString());
    ProcessUsage usage = ProcessUsage.own();
    known("process_resident_memory_bytes", "Memory of the process", usage.bytes("VmRSS"));
    known(
        "zerofs_resident_memory_max_bytes",
        "Most memory that the process has ever had: what memory.budget_gb promises",
        usage.bytes("VmHWM"));
    known("process_open_fds", "Open file descriptors", usage.descriptors());
    ProcessHandle.Info info = ProcessHandle.current().info();
    out.counter("process_cpu_seconds_total", "Processor time of the process")
        .seconds(info.totalCpuDuration().map(Duration::toNanos).orElse(0L));
    out.gauge("process_start_time_seconds", "When the process started, since 1970")
        .seconds(info.startInstant().map(MetricsReport::nanos).orElse(0L));
  }

  private static long nanos(Instant instant) {
    return instant.getEpochSecond() * NANOS_PER_SECOND + instant.getNano();
  }

  private void known(String name, String help, long value) {
    out.gauge(name, help);
    if (value >= 0) {
      out.sample(value);
    }
  }

  private void store(TracedObjectStore store) {
    StoreCounters counters = store.counters();
    out.counter("zerofs_store_requests_total", "Requests to the store, each try counted");
    each(counters::of);
    out.counter("zerofs_store_errors_total", "Requests that failed or got no answer");
    each(counters::errors);
    out.counter("zerofs_store_failures_total", "The same failures, by what is wrong");
    for (StoreTrouble each : StoreTrouble.values()) {
      out.sample(store.failures(each), "reason", lower(each));
    }
    out.counter("zerofs_store_bytes_total", "Bytes of objects that GETs received and PUTs sent");
    for (Cause cause : Cause.values()) {
      for (Request request : new Request[] {Request.GET, Request.PUT}) {
        out.sample(
            counters.bytes(cause, request), "cause", lower(cause), "request", lower(request));
      }
    }
    out.histogram("zerofs_store_request_duration_seconds", "How long requests to the store took");
    for (Request request : Request.values()) {
      out.histogram(store.durations(request), "request", lower(request));
    }
    HedgedObjectStore hedged = state.hedged();
    out.counter("zerofs_store_hedges_total", "Requests that became slow and were sent once more");
    hedges(request -> hedged == null ? 0 : hedged.sent(request));
    out.counter("zerofs_store_hedges_won_total", "Those of them that were answered first");
    hedges(request -> hedged == null ? 0 : hedged.won(request));
  }

  private void hedges(ToLongFunction<Request> number) {
    for (Request each : new Request[] {Request.GET, Request.PUT}) {
      out.sample(number.applyAsLong(each), "request", lower(each));
    }
  }

  private interface ByCauseAndRequest {
    long of(Cause cause, Request request);
  }

  private void each(ByCauseAndRequest numbers) {
    for (Cause cause : Cause.values()) {
      for (Request request : Request.values()) {
        out.sample(numbers.of(cause, request), "cause", lower(cause), "request", lower(request));
      }
    }
  }

  private void volume(Volume volume) {
    VolumeHealth health = volume.health();
    out.gauge("zerofs_volume_info", "The volume; always 1").sample(1, "volume", volume.volumeId());
    out.gauge("zerofs_epoch", "The epoch of this writer: one more at each start")
        .sample(volume.epoch());
    out.gauge("zerofs_committed_sequence", "Changes that were made, in all epochs")
        .sample(health.committedSequence());
    out.gauge("zerofs_stored_sequence", "Changes that are in the store, in all epochs")
        .sample(health.storedSequence());
    out.gauge("zerofs_dirty_bytes", "Changes in memory that nobody has asked to store yet")
        .sample(health.dirtyBytes());
    out.gauge("zerofs_pending_bytes", "Changes that are being stored")
        .sample(health.pendingBytes());
    out.gauge("zerofs_pending_seconds", "How long the oldest of these have been; 0 without any")
        .seconds(health.waitingNanos());
    out.gauge("zerofs_writers_paused", "Whether writers wait, since so much is to be stored")
        .sample(health.writersWait() ? 1 : 0);
    out.gauge(
            "zerofs_journal_bytes", "Records of the local journal that the store does not have yet")
        .sample(health.journalBytes());
    out.gauge(
            "zerofs_journal_failed",
            "Whether the journal's disk failed: answers wait for the store")
        .sample(health.journalFailure() == null ? 0 : 1);
    out.gauge("zerofs_unflushed_bytes", "Rows of metadata in memory that no SST holds yet")
        .sample(health.unflushedBytes());
    out.gauge("zerofs_lsm_runs", "Sorted runs that a lookup of metadata may ask")
        .sample(health.runs());
    VolumeStatistics used = volume.statfs(Call.attempt(Caller.ROOT));
    out.gauge("zerofs_used_bytes", "Allocated bytes of all files, before compression")
        .sample(used.bytesUsed());
    out.gauge("zerofs_inodes", "Files, directories and all else that has an inode")
        .sample(used.inodesUsed());
  }

  private void memory(VolumeHealth health) {
    Runtime runtime = Runtime.getRuntime();
    out.gauge("zerofs_memory_used_bytes", "Memory in use, by what it is for")
        .sample(health.slabBytes() - health.slabFreeBytes(), "owner", "file_data")
        .sample(health.blockCacheBytes(), "owner", "block_cache")
        .sample(health.unflushedBytes(), "owner", "unflushed_rows")
        .sample(sum(server -> server.memory().records()), "owner", "nfs_records")
        .sample(sum(server -> server.memory().requests()), "owner", "nfs_requests")
        .sample(runtime.totalMemory() - runtime.freeMemory(), "owner", "heap");
    out.gauge("zerofs_memory_limit_bytes", "Memory that there is for it")
        .sample(health.slabBytes(), "owner", "file_data")
        .sample(sum(server -> server.memory().recordsMax()), "owner", "nfs_records")
        .sample(sum(server -> server.memory().requestsMax()), "owner", "nfs_requests")
        .sample(runtime.maxMemory(), "owner", "heap");
    out.gauge("zerofs_inodes_in_memory", "Inodes that are kept decoded").sample(health.inodes());
  }

  private void caches(CacheCounters caches) {
    out.counter("zerofs_cache_lookups_total", "Looks into memory, again after each miss");
    cache(caches, CacheCounter::lookups);
    out.counter("zerofs_cache_misses_total", "Fetches that somebody had to wait for");
    cache(caches, CacheCounter::misses);
  }

  private void cache(CacheCounters caches, ToLongFunction<CacheCounter> number) {
    out.sample(number.applyAsLong(caches.data()), "cache", "file_data")
        .sample(number.applyAsLong(caches.inodes()), "cache", "inodes")
        .sample(number.applyAsLong(caches.blocks()), "cache", "blocks");
  }

  private void barriers(BarrierTimes times) {
    out.histogram("zerofs_barrier_seconds", "Storing of changes: what each stage of it took")
        .histogram(times.seal().snapshot(), "stage", "seal")
        .histogram(times.encode().snapshot(), "stage", "encode")
        .histogram(times.put().snapshot(), "stage", "put");
    out.histogram("zerofs_barrier_wait_seconds", "How long those waited who asked for storing")
        .histogram(times.waiting().snapshot());
  }

  private void nfs() {
    out.histogram(
        "zerofs_nfs_request_duration_seconds",
        "From when a request was read until its answer was ready, storing included");
    for (NfsProcedure procedure : NfsProcedure.values()) {
      Histogram.Snapshot all = new Histogram().snapshot();
      for (NfsServer each : state.servers()) {
        all = all.plus(each.counters().durations(procedure));
      }
      out.histogram(all, "procedure", lower(procedure));
    }
    out.counter("zerofs_nfs_errors_total", "Answers that say what went wrong, by nfsstat3");
    for (NfsStatus status : NfsStatus.values()) {
      if (status != NfsStatus.NFS3_OK) {
        out.sample(sum(server -> server.counters().errors(status)), "status", status.name());
      }
    }
  }

  private void nfsAmounts() {
    out.counter(
            "zerofs_nfs_repeated_requests_total", "Requests that came again, answered as before")
        .sample(total(NfsCounters::repeatedRequests));
    out.counter("zerofs_nfs_unanswered_requests_total", "Requests whose connection was closed")
        .sample(total(NfsCounters::unansweredRequests));
    out.counter("zerofs_nfs_read_bytes_total", "Bytes that READ answered")
        .sample(total(NfsCounters::bytesRead));
    out.counter("zerofs_nfs_written_bytes_total", "Bytes that WRITE took")
        .sample(total(NfsCounters::bytesWritten));
    out.gauge("zerofs_nfs_connections", "Open connections of clients")
        .sample(sum(NfsServer::connections));
  }

  private long total(ToLongFunction<NfsCounters> number) {
    return sum(server -> number.applyAsLong(server.counters()));
  }

  private long sum(ToLongFunction<NfsServer> number) {
    return state.servers().stream().mapToLong(number).sum();
  }

  private static String lower(Enum<?> name) {
    return name.name().toLowerCase(Locale.ROOT);
  }
}
