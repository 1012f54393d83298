package zerofs.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.objectstore.FaultyObjectStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StoreCounters.Request;
import zerofs.server.metrics.Exposition;
import zerofs.server.metrics.MetricsServer;
import zerofs.server.nfs.NfsSettings;
import zerofs.server.nfs.RpcClient;
import zerofs.server.nfs.ServedVolume;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.xdr.XdrReader;

/// A live server, scraped over HTTP after requests that are known.
@SuppressWarnings("NullAway.Init")
class MetricsReportTest {
  private static final byte[] DATA = new byte[5000];

  private final SystemTasks network =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final HttpClient http = HttpClient.newHttpClient();
  private volatile boolean storeIsAway;
  private ServedVolume served;
  private MetricsServer metrics;
  private RpcClient client;
  private byte[] root;
  private int xid = 10;

  @BeforeEach
  void serve() throws Exception {
    FaultyObjectStore store =
        new FaultyObjectStore(
            new MemoryObjectStore(),
            network,
            new FaultyObjectStore.Plan() {
              @Override
              public FaultyObjectStore.Fault next(Request request, String key, Cause cause) {
                return storeIsAway ? FaultyObjectStore.Fault.BUSY : FaultyObjectStore.Fault.NONE;
              }

              @Override
              public long lateness() {
                return 0;
              }
            });
    served = new ServedVolume(store, NfsSettings.standard(9), 32 << 20);
    metrics =
        new MetricsServer(
            new MetricsServer.Pages(
                () -> MetricsReport.text(state()), () -> null, () -> state().trouble()),
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            served.tasks);
    metrics.start();
    client = served.connect();
    root = client.mount();
  }

  @AfterEach
  void stop() throws Exception {
    storeIsAway = false;
    client.close();
    metrics.close();
    served.close();
    http.close();
  }

  private ServerState state() {
    return ServerState.serving(served.volume, served.store, null, null, List.of(served.server));
  }

  private HttpResponse<String> get(String path) throws Exception {
    return http.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + metrics.port() + path)).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private Exposition scrape() throws Exception {
    return Exposition.parse(get("/metrics").body());
  }

  private XdrReader getattr(byte[] file) throws Exception {
    return client.nfs(xid++, NfsProcedure.GETATTR, out -> out.opaque(file));
  }

  private int write(byte[] file) throws Exception {
    return client
        .nfs(xid++, NfsProcedure.WRITE, out -> RpcClient.writeArguments(out, file, 0, 0, DATA))
        .int32();
  }

  private void sendCommit(int number, byte[] file) throws Exception {
    client.send(number, NfsProcedure.PROGRAM, 3, 21, out -> out.opaque(file).int64(0).int32(0));
  }

  private byte[] work() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    assertThat(write(file)).isZero();
    sendCommit(xid, file);
    assertThat(client.reply(xid++).int32()).isZero();
    for (int i = 0; i < 3; i++) {
      assertThat(getattr(file).int32()).isZero();
    }
    XdrReader missing =
        client.nfs(
            xid++, NfsProcedure.LOOKUP, out -> out.opaque(root).opaque(RpcClient.bytes("none")));
    assertThat(missing.int32()).isEqualTo(NfsStatus.NFS3ERR_NOENT.code());
    XdrReader read =
        client.nfs(xid++, NfsProcedure.READ, out -> out.opaque(file).int64(0).int32(8192));
    assertThat(read.int32()).isZero();
    return file;
  }

  private static String nfsCount(String procedure) {
    return "zerofs_nfs_request_duration_seconds_count{procedure=" + procedure + "}";
  }

  @Test
  void whatWasDoneIsCountedExactly() throws Exception {
    Exposition before = scrape();
    work();
    Exposition after = scrape();
    Map<String, Integer> calls =
        Map.of("create", 1, "write", 1, "commit", 1, "getattr", 3, "lookup", 1, "read", 1);
    for (NfsProcedure each : NfsProcedure.values()) {
      String name = each.name().toLowerCase(Locale.ROOT);
      assertThat(after.value(nfsCount(name)))
          .as(name)
          .isEqualTo(calls.getOrDefault(name, 0).doubleValue());
    }
    Map<String, Integer> added = new TreeMap<>();
    added.put("zerofs_nfs_errors_total{status=NFS3ERR_NOENT}", 1);
    added.put("zerofs_nfs_errors_total{status=NFS3ERR_STALE}", 0);
    added.put("zerofs_nfs_read_bytes_total", DATA.length);
    added.put("zerofs_nfs_written_bytes_total", DATA.length);
    added.put("zerofs_nfs_repeated_requests_total", 0);
    added.put("zerofs_store_requests_total{cause=barrier, request=put}", 2);
    added.put("zerofs_store_requests_total{cause=read, request=get}", 0);
    added.put("zerofs_store_errors_total{cause=barrier, request=put}", 0);
    added.put("zerofs_store_request_duration_seconds_count{request=put}", 2);
    added.put("zerofs_barrier_seconds_count{stage=seal}", 2);
    added.put("zerofs_barrier_seconds_count{stage=encode}", 2);
    added.put("zerofs_barrier_seconds_count{stage=put}", 2);
    added.put("zerofs_barrier_wait_seconds_count", 2);
    added.put("zerofs_cache_lookups_total{cache=file_data}", 1);
    added.put("zerofs_cache_misses_total{cache=file_data}", 0);
    added.put("zerofs_inodes", 1);
    added.forEach(
        (series, number) ->
            assertThat(after.value(series) - before.value(series))
                .as(series)
                .isEqualTo(number.doubleValue()));
    assertThat(after.value("zerofs_store_bytes_total{cause=barrier, request=put}"))
        .isGreaterThan(before.value("zerofs_store_bytes_total{cause=barrier, request=put}"));
    assertThat(before.value("zerofs_dirty_bytes")).isZero();
    assertThat(after.value("zerofs_dirty_bytes")).as("the time of the read").isPositive();
    assertThat(after.value("zerofs_pending_bytes")).isZero();
    assertThat(after.value("zerofs_ready")).isEqualTo(1);
    assertThat(after.value("zerofs_nfs_connections")).isEqualTo(1);
  }

  @Test
  void aRequestThatComesAgainIsCountedAsOne() throws Exception {
    client.create(77, root, "once");
    client.create(77, root, "once");
    Exposition metrics = scrape();
    assertThat(metrics.value(nfsCount("create"))).isEqualTo(1);
    assertThat(metrics.value("zerofs_nfs_repeated_requests_total")).isEqualTo(1);
  }

  @Test
  void statusSaysTheSame() throws Exception {
    work();
    Exposition metrics = scrape();
    String json = StatusReport.json(state());
    Map<String, String> same = new TreeMap<>();
    same.put("epoch", "zerofs_epoch");
    same.put("sequence.committed", "zerofs_committed_sequence");
    same.put("sequence.stored", "zerofs_stored_sequence");
    same.put("pending.dirty_bytes", "zerofs_dirty_bytes");
    same.put("pending.bytes", "zerofs_pending_bytes");
    same.put("memory.unflushed_rows_bytes", "zerofs_unflushed_bytes");
    same.put("memory.block_cache_bytes", "zerofs_memory_used_bytes{owner=block_cache}");
    same.put("memory.slab_bytes", "zerofs_memory_limit_bytes{owner=file_data}");
    same.put("memory.inodes", "zerofs_inodes_in_memory");
    same.put("lsm.runs", "zerofs_lsm_runs");
    same.put("nfs.getattr", nfsCount("getattr"));
    same.put("nfs.create", nfsCount("create"));
    same.put("store.barrier.put", "zerofs_store_requests_total{cause=barrier, request=put}");
    same.forEach(
        (key, series) -> {
          Matcher value = Pattern.compile("\"" + key + "\": (\\d+)").matcher(json);
          assertThat(value.find()).as(key + " in " + json).isTrue();
          assertThat(metrics.value(series))
              .as(series)
              .isEqualTo(Double.parseDouble(value.group(1)));
        });
  }

  @Test
  void aDeadStoreTurnsReadinessOffAndItsReturnOn() throws Exception {
    byte[] file = work();
    assertThat(get("/readyz").statusCode()).isEqualTo(200);
    storeIsAway = true;
    assertThat(write(file)).isZero();
    int commit = xid++;
    sendCommit(commit, file);
    HttpResponse<String> ready = get("/readyz");
    while (ready.statusCode() == 200 || !ready.body().startsWith("storing is stalled")) {
      ready = get("/readyz");
    }
    assertThat(ready.statusCode()).isEqualTo(503);
    assertThat(ready.body()).isEqualTo("storing is stalled: fault: busy, nothing was applied\n");
    assertThat(StatusReport.text(state())).contains(ready.body().strip());
    assertThat(get("/livez").statusCode()).isEqualTo(200);
    Exposition away = scrape();
    assertThat(away.value("zerofs_ready")).isZero();
    assertThat(away.value("zerofs_pending_bytes")).isPositive();
    assertThat(away.value("zerofs_pending_seconds")).isPositive();
    double failed = away.value("zerofs_store_errors_total{cause=barrier, request=put}");
    assertThat(failed).isPositive();
    assertThat(away.value("zerofs_store_failures_total{reason=other}"))
        .isGreaterThanOrEqualTo(failed);
    storeIsAway = false;
    assertThat(client.reply(commit).int32()).isZero();
    assertThat(get("/readyz").statusCode()).isEqualTo(200);
    assertThat(get("/readyz").body()).isEqualTo("ok\n");
    assertThat(scrape().value("zerofs_pending_seconds")).isZero();
  }

  @Test
  void aServerThatIsNotReadyYetSaysSoAndIsScraped() {
    Exposition early =
        Exposition.parse(
            MetricsReport.text(
                new ServerState("starting", null, served.store, null, null, List.of())));
    assertThat(early.value("zerofs_ready")).isZero();
    assertThat(early.names())
        .contains("zerofs_store_requests_total")
        .doesNotContain("zerofs_epoch");
  }

  @Test
  void theDocumentNamesWhatIsThereAndItsType() throws Exception {
    Exposition metrics = scrape();
    Map<String, String> documented = new TreeMap<>();
    Matcher row =
        Pattern.compile("(?m)^\\| `([a-z0-9_]+)` \\| (counter|gauge|histogram) \\|")
            .matcher(Files.readString(Path.of("../docs/METRICS.md")));
    while (row.find()) {
      documented.put(row.group(1), row.group(2));
    }
    Map<String, String> exposed = new TreeMap<>();
    metrics.names().forEach(name -> exposed.put(name, metrics.type(name)));
    assertThat(documented).isEqualTo(exposed);
  }

  @Test
  void whatTheSystemSaysOfAProcessIsReadAndNoFigureIsMadeUp() throws Exception {
    Path directory = Files.createTempDirectory("proc");
    Files.writeString(
        directory.resolve("status"), "Name:\tjava\nVmHWM:\t  2048 kB\nVmRSS:\t1024 kB\n");
    ProcessUsage usage = new ProcessUsage(directory);
    assertThat(usage.bytes("VmHWM")).isEqualTo(2 << 20);
    assertThat(usage.bytes("VmRSS")).isEqualTo(1 << 20);
    assertThat(usage.bytes("VmNone")).isNegative();
    assertThat(usage.descriptors()).isNegative();
    Files.delete(directory.resolve("status"));
    assertThat(usage.bytes("VmRSS")).isNegative();
    Files.delete(directory);
  }
}
