package zerofs.server.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import zerofs.base.Randomness;
import zerofs.base.SystemRandomness;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.fs.engine.Journaling;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.journal.JournalDirectory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.CachedObjectStore;
import zerofs.objectstore.CreateOnlyProbe;
import zerofs.objectstore.FileObjectStore;
import zerofs.objectstore.HedgedObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.RetryingObjectStore;
import zerofs.objectstore.S3ObjectStore;
import zerofs.objectstore.S3Settings;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.TracedObjectStore;
import zerofs.server.config.Config;
import zerofs.server.metrics.MetricsServer;
import zerofs.server.nfs.NfsServer;
import zerofs.server.nfs.NfsSettings;
import zerofs.server.nfs.PortmapServer;

/// One run of the server: store, volume, admin socket, front ends; until a signal, or until another
/// writer takes over.
final class ServerProcess {
  private static final Logger LOG = LoggerFactory.getLogger(ServerProcess.class);

  /// Room that is set aside on the disk of a `file://` store, at most: more than the changes that
  /// wait in memory at any time.
  private static final long BALLAST_BYTES_MAX = 128 << 20;

  private static final long WATCH_NANOS = 5_000_000_000L;
  private static final long PROGRESS_NANOS = 3_000_000_000L;

  private final Config config;
  private final MemoryPlan plan;
  private final PrintStream out;
  private final Tasks tasks;
  private final Randomness randomness = new SystemRandomness();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();
  private final List<NfsServer> servers = new CopyOnWriteArrayList<>();
  private final List<PortmapServer> portmappers = new CopyOnWriteArrayList<>();
  private final List<MetricsServer> metrics = new CopyOnWriteArrayList<>();
  private final RunningServers runningServers = RunningServers.ofThisUser();
  private volatile @Nullable TracedObjectStore store;
  private volatile @Nullable HedgedObjectStore hedged;
  private volatile @Nullable CachedObjectStore cache;
  private volatile @Nullable JournalDirectory journal;
  private volatile @Nullable Volume volume;
  private volatile @Nullable String volumeId;
  private volatile boolean serving;
  private volatile boolean signalled;

  ServerProcess(Config config, PrintStream out) {
    this.config = config;
    this.plan = MemoryPlan.of(config.budgetBytes());
    this.out = out;
    this.tasks =
        new SystemTasks(
            (name, e) -> {
              LOG.error("task '{}' failed", name, e);
              end(new Failure(ExitCode.UNEXPECTED, "task '" + name + "' failed: " + e));
            });
  }

  /// Opens the store of a configuration, with each request counted as it is sent.
  ///
  /// @param serves whether to make what a server needs there: else the store must be there
  static TracedObjectStore openStore(Config config, boolean serves, Tasks tasks)
      throws StorageException {
    S3Settings s3 = config.s3();
    if (s3 != null) {
      return new TracedObjectStore(new S3ObjectStore(s3, tasks), tasks);
    }
    Path root = Path.of(config.storageUrl().substring("file://".length()));
    long ballast = serves ? Math.min(BALLAST_BYTES_MAX, config.budgetBytes() / 5) : 0;
    return new TracedObjectStore(FileObjectStore.open(root, serves, ballast, tasks), tasks);
  }

  static ObjectStore retrying(ObjectStore store, Tasks tasks, Randomness randomness) {
    return new RetryingObjectStore(
        store, tasks, randomness, RetryingObjectStore.Settings.standard());
  }

  /// Serves until it ends.
  ///
  /// @param takeover whether to serve a volume that another server on this machine serves
  /// @param ready told once everything is served
  void run(boolean takeover, Runnable ready) throws Failure, StorageException {
    AdminServer admin = new AdminServer(config.adminSocket(), tasks, this::answer);
    try {
      admin.start();
    } catch (IOException e) {
      throw new Failure(
          ExitCode.USAGE,
          "can't open the admin socket "
              + config.adminSocket()
              + " ("
              + e.getMessage()
              + "): set admin.socket to a path of less than 100 characters in a directory that is"
              + " there and writable");
    }
    try (admin) {
      Runtime.getRuntime().addShutdownHook(new ShutdownHook(this).thread());
      startMetrics();
      open(takeover);
      startServers();
      serving = true;
      ready.run();
      awaitEnd();
    } catch (Failure e) {
      end(e); // The shutdown hook tells the exit code.
      throw e;
    } finally {
      close();
    }
    Failure reason = failure.get();
    if (reason != null && !signalled) {
      throw reason;
    }
  }

  private void open(boolean takeover) throws Failure, StorageException {
    TracedObjectStore traced = openStore(config, true, tasks);
    store = traced;
    tasks.fork("start progress", Tasks.Kind.WAITING, () -> showProgress(traced));
    ObjectStore retrying = retrying(hedged(traced), tasks, randomness);
    CreateOnlyProbe.check(retrying, randomness);
    VolumeSecrets secrets =
        VolumeSecrets.createOrOpen(retrying, config.password(), tasks, randomness);
    volumeId = secrets.volumeId(); // From now on another start can ask for it.
    runningServers.enter(secrets.volumeId(), config.adminSocket(), takeover);
    Journaling journaling = journaling(secrets, takeover);
    Volume opened =
        new Volume(
            cached(retrying, secrets),
            secrets,
            settings(),
            journaling,
            tasks,
            randomness,
            SlabMemory.mapped(),
            reason -> end(new Failure(ExitCode.of(reason), String.valueOf(reason.getMessage()))));
    volume = opened;
    if (config.warmMetadata() != Config.Warmth.OFF) {
      opened.warmMetadata(config.warmMetadata() == Config.Warmth.FULL);
    }
    tasks.fork("watch health", Tasks.Kind.WAITING, () -> watchHealth(opened, traced));
    out.println(
        "volume "
            + opened.volumeId()
            + ", epoch "
            + opened.epoch()
            + ", "
            + opened.replayedObjects()
            + " log objects replayed"
            + (journaling.directory() == null ? "" : journalNews(opened)));
    JournalDirectory directory = journaling.directory();
    if (!opened.journalsSetAside().isEmpty() && directory != null) {
      LOG.warn(
          "the journal held changes of epochs {} that another server's history does not have: they"
              + " are set aside as {}/aside-*",
          opened.journalsSetAside(),
          directory.path());
    }
  }

  /// A bucket is many machines, of which one may be slow; a directory is one.
  private ObjectStore hedged(TracedObjectStore traced) {
    if (config.s3() == null || config.hedgePercent() == 0) {
      return traced;
    }
    HedgedObjectStore made =
        new HedgedObjectStore(
            traced, tasks, HedgedObjectStore.Settings.standard(config.hedgePercent()));
    hedged = made;
    return made;
  }

  private static String journalNews(Volume opened) {
    return ", " + opened.replayedCommits() + " changes replayed from the journal";
  }

  private Journaling journaling(VolumeSecrets secrets, boolean takeover) throws StorageException {
    Config.Journal settings = config.journal();
    if (settings == null) {
      return Journaling.none(takeover);
    }
    JournalDirectory directory = JournalPlace.open(settings, secrets, tasks, randomness);
    journal = directory;
    return new Journaling(directory, settings.bytes(), takeover || settings.abandonForeign());
  }

  /// What the volume reads through: the disk cache, if there is one.
  private ObjectStore cached(ObjectStore retrying, VolumeSecrets secrets) {
    Config.Cache settings = config.cache();
    if (settings == null) {
      return retrying;
    }
    CachedObjectStore opened =
        CachedObjectStore.open(
            retrying,
            new CachedObjectStore.Settings(
                settings.directory(),
                secrets.idBytes(),
                settings.bytes(),
                plan.cacheWaiting(),
                plan.cacheIndex()),
            tasks,
            LOG::warn);
    cache = opened;
    return opened == null ? retrying : opened;
  }

  /// While the volume is not open, says every few seconds how far it is.
  private void showProgress(TracedObjectStore traced) {
    tasks.sleep(PROGRESS_NANOS);
    while (volume == null && stopped.getCount() > 0 && failure.get() == null) {
      StoreCounters counters = traced.counters();
      out.println(
          "opening the volume: "
              + counters.total()
              + " requests to the store, "
              + (counters.bytesGot() >> 20)
              + " MiB read, "
              + counters.errors()
              + " errors so far");
      tasks.sleep(PROGRESS_NANOS);
    }
  }

  /// Logs when the store gets into trouble, and when it is well again. Where clients have been led
  /// elsewhere nobody asks the store any more, and it would stay in trouble: so this does.
  private void watchHealth(Volume opened, TracedObjectStore traced) {
    HealthWatch watch =
        new HealthWatch(
            tasks,
            () -> ServerState.trouble(opened.health(), traced),
            sentence -> LOG.warn("{}", sentence),
            sentence -> LOG.info("{}", sentence));
    boolean told = false;
    while (stopped.getCount() > 0) {
      tasks.sleep(WATCH_NANOS);
      String failed = opened.health().journalFailure();
      if (failed != null && !told) {
        told = true; // Once: it stays so until this process ends.
        LOG.warn("the journal's disk failed ({}): stable answers wait for the store now", failed);
      }
      if (!watch.look()) {
        opened.keepWatch();
      }
    }
  }

  /// Why it does not live on; null when it does.
  private @Nullable String ending() {
    Failure reason = failure.get();
    if (reason != null) {
      return String.valueOf(reason.getMessage());
    }
    return ended.getCount() == 0 ? "stopping" : null;
  }

  private ServerState state() {
    String ending = ending();
    Volume open = volume;
    TracedObjectStore reached = store;
    if (ending != null) {
      return new ServerState(ending, open, reached, hedged, cache, servers);
    }
    if (!serving || open == null || reached == null) {
      String failed = reached == null ? null : reached.trouble();
      String starting =
          failed == null ? "starting" : "starting: the store does not answer: " + failed;
      return new ServerState(starting, open, reached, hedged, cache, servers);
    }
    return ServerState.serving(open, reached, hedged, cache, servers);
  }

  /// Before the volume is opened, which may take long; and a taken address is found out before the
  /// volume is taken from anybody.
  private void startMetrics() throws Failure {
    MetricsServer.Pages pages =
        new MetricsServer.Pages(
            () -> MetricsReport.text(state()), this::ending, () -> state().trouble());
    try {
      for (String each : config.metricsAddresses()) {
        InetSocketAddress address = address(each);
        MetricsServer server = new MetricsServer(pages, address, tasks);
        server.start();
        metrics.add(server);
        out.println("serving metrics on " + address.getHostString() + ":" + server.port());
      }
    } catch (IOException e) {
      throw new Failure(ExitCode.ADDRESS, String.valueOf(e.getMessage()));
    }
  }

  private Volume.Settings settings() {
    Volume.Settings standard = Volume.Settings.standard(hostName());
    return new Volume.Settings(
        standard.host(),
        plan.slab(),
        plan.blocks(),
        plan.inodes(),
        standard.workers(),
        config.maxSizeBytes(),
        config.compression(),
        standard.sealNanos(),
        standard.flushObjects(),
        plan.flush());
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  private void startServers() throws Failure {
    Volume served = Objects.requireNonNull(volume);
    NfsSettings base = config.nfs().settings();
    NfsSettings settings = base.withVerifier(served.lossEpoch());
    List<String> addresses = config.nfs().addresses();
    long memory = plan.wire() / Math.max(1, addresses.size());
    try {
      for (String each : addresses) {
        InetSocketAddress address = address(each);
        NfsServer server = new NfsServer(served, settings, address, memory, tasks);
        servers.add(server);
        server.start();
        out.println("serving NFS on " + address.getHostString() + ":" + server.port());
      }
      startPortmappers(settings);
    } catch (IOException e) {
      throw new Failure(ExitCode.ADDRESS, String.valueOf(e.getMessage()));
    }
  }

  /// Portmappers tell the port of the first NFS address.
  private void startPortmappers(NfsSettings settings) throws IOException {
    for (String each : config.nfs().portmapAddresses()) {
      InetSocketAddress address = address(each);
      PortmapServer server = new PortmapServer(servers.getFirst().port(), settings, address, tasks);
      portmappers.add(server);
      server.start();
      out.println("serving the portmapper on " + address.getHostString() + ":" + server.port());
    }
  }

  private static InetSocketAddress address(String text) {
    int colon = text.lastIndexOf(':');
    String host = text.substring(0, colon).replaceAll("[\\[\\]]", "");
    return new InetSocketAddress(host, Integer.parseInt(text.substring(colon + 1)));
  }

  /// Where the first NFS address is served.
  int nfsPort() {
    return servers.getFirst().port();
  }

  private void awaitEnd() {
    boolean done = false;
    while (!done) {
      try {
        ended.await();
        done = true;
      } catch (InterruptedException e) {
        // Signals come through the shutdown hook.
      }
    }
  }

  private void end(@Nullable Failure reason) {
    if (reason != null) {
      failure.compareAndSet(null, reason);
    }
    ended.countDown();
  }

  private void close() {
    try {
      closeAll();
    } finally {
      stopped.countDown();
    }
  }

  private void closeAll() {
    portmappers.forEach(PortmapServer::close);
    servers.forEach(NfsServer::close);
    Volume open = volume;
    if (open != null) {
      close(open);
    }
    JournalDirectory openJournal = journal;
    if (openJournal != null) {
      openJournal.close();
    }
    CachedObjectStore openCache = cache;
    ObjectStore openStore = openCache == null ? store : openCache;
    if (openStore != null) {
      openStore.close();
    }
    metrics.forEach(MetricsServer::close);
    String served = volumeId;
    if (served != null) {
      runningServers.leave(served, config.adminSocket());
    }
  }

  private void close(Volume open) {
    if (failure.get() != null) {
      open.abandon();
      return;
    }
    try {
      open.closeStored();
    } catch (FsException e) {
      int code =
          e.getCause() instanceof StorageException cause ? ExitCode.of(cause) : ExitCode.UNEXPECTED;
      end(notStored(open, code, String.valueOf(e.getMessage())));
    }
  }

  /// What to say about a stop that was not clean; null when everything is stored all the same.
  private static @Nullable Failure notStored(Volume open, int code, String why) {
    long changes = open.committedSequence() - open.storedSequence();
    if (changes == 0) {
      return null;
    }
    String consequence =
        open.health().journal() && open.health().journalFailure() == null
            ? "They are in this machine's journal, and the next start here makes them again: start"
                + " it here first"
            : "What was answered as stable is stored; NFS clients that are still there send what"
                + " they have not committed again, once a server runs";
    return new Failure(
        code,
        "stopped without storing the last " + changes + " changes (" + why + "). " + consequence);
  }

  /// Runs at SIGTERM and SIGINT: ends the server and waits for it to have stored everything.
  private record ShutdownHook(ServerProcess process) {
    Thread thread() {
      return Thread.ofPlatform().name("shutdown").unstarted(this::run);
    }

    private void run() {
      if (process.stopped.getCount() == 0) {
        return; // No signal: the program ends by itself, with its own exit code.
      }
      process.signalled = true;
      LOG.info("told to stop: storing what is in memory");
      process.end(null);
      Volume open = process.volume;
      if (open == null) {
        // Nothing was promised to anybody yet, and the store may be why it takes so long.
        process.out.println("stopped before the volume was open");
        Runtime.getRuntime().halt(ExitCode.OK);
        return;
      }
      try {
        int seconds = process.config.stopSeconds();
        if (!process.stopped.await(seconds, TimeUnit.SECONDS)) {
          String trouble = open.health().trouble();
          String why = "the store took longer than " + seconds + " s";
          process.end(
              notStored(open, ExitCode.STORE, trouble == null ? why : why + ": " + trouble));
        }
        // Else the JVM would answer the signal with 128 + its number.
        Failure reason = process.failure.get();
        if (reason != null) {
          System.err.println("zerofs: " + reason.getMessage());
        }
        if (reason == null) {
          LOG.info("stopped, everything is stored");
        }
        Runtime.getRuntime().halt(reason == null ? ExitCode.OK : reason.exitCode());
      } catch (InterruptedException e) {
        process.out.println("interrupted while stopping");
      }
    }
  }

  private String answer(String request) {
    return switch (request) {
      case "ping" -> "pong";
      case "volume" -> String.valueOf(volumeId);
      case "status" -> StatusReport.text(state());
      case "status --json" -> StatusReport.json(state());
      case "flush" -> flush();
      default -> "unknown request '" + request + "'";
    };
  }

  private String flush() {
    Volume open = volume;
    if (open == null) {
      return "error: the volume is not open yet";
    }
    try {
      open.flush();
      return "flushed up to sequence " + open.storedSequence();
    } catch (FsException e) {
      return "error: " + e.getMessage();
    }
  }
}
