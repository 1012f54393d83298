package zerofs.server.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
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
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.CreateOnlyProbe;
import zerofs.objectstore.FileObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.RetryingObjectStore;
import zerofs.objectstore.S3ObjectStore;
import zerofs.objectstore.S3Settings;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.TracedObjectStore;
import zerofs.server.config.Config;
import zerofs.server.nfs.NfsServer;
import zerofs.server.nfs.NfsSettings;

/// One run of the server: store, volume, admin socket, front ends; until a signal, or until another
/// writer takes over.
final class ServerProcess {
  private static final Logger LOG = LoggerFactory.getLogger(ServerProcess.class);

  /// How long a stop may take: storing what is in memory, then the fence.
  private static final long STOP_SECONDS_MAX = 30;

  private final Config config;
  private final PrintStream out;
  private final Tasks tasks;
  private final Randomness randomness = new SystemRandomness();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicReference<@Nullable Failure> failure = new AtomicReference<>();
  private final List<NfsServer> servers = new ArrayList<>();
  private @Nullable TracedObjectStore store;
  private @Nullable Volume volume;

  ServerProcess(Config config, PrintStream out) {
    this.config = config;
    this.out = out;
    this.tasks =
        new SystemTasks(
            (name, e) -> {
              LOG.error("task '{}' failed", name, e);
              end(new Failure(ExitCode.UNEXPECTED, "task '" + name + "' failed: " + e));
            });
  }

  /// Opens the store of a configuration.
  static ObjectStore openStore(Config config, Tasks tasks, Randomness randomness)
      throws StorageException {
    S3Settings s3 = config.s3();
    ObjectStore store =
        s3 == null
            ? FileObjectStore.open(
                Path.of(config.storageUrl().substring("file://".length())), true)
            : new S3ObjectStore(s3);
    return new RetryingObjectStore(
        store,
        tasks,
        randomness,
        RetryingObjectStore.Settings.standard());
  }

  /// Serves until it ends.
  ///
  /// @param create whether a volume is made where there is none
  /// @param ready told once everything is served
  void run(boolean create, Runnable ready) throws Failure, StorageException {
    AdminServer admin = new AdminServer(config.adminSocket(), tasks, this::answer);
    try {
      admin.start();
    } catch (IOException e) {
      throw new Failure(
          ExitCode.USAGE, "can't open the admin socket " + config.adminSocket() + ": " + e);
    }
    try (admin) {
      open(create);
      Runtime.getRuntime().addShutdownHook(new ShutdownHook(this).thread());
      startServers();
      ready.run();
      awaitEnd();
    } catch (Failure e) {
      end(e); // The shutdown hook tells the exit code.
      throw e;
    } finally {
      close();
    }
    Failure reason = failure.get();
    if (reason != null) {
      throw reason;
    }
  }

  private void open(boolean create) throws StorageException {
    TracedObjectStore traced = new TracedObjectStore(openStore(config, tasks, randomness));
    store = traced;
    CreateOnlyProbe.check(traced, randomness);
    VolumeSecrets secrets =
        create
            ? VolumeSecrets.createOrOpen(traced, config.password(), tasks, randomness)
            : VolumeSecrets.open(traced, config.password());
    Volume opened =
        new Volume(
            traced,
            secrets,
            settings(),
            tasks,
            randomness,
            SlabMemory.mapped(),
            reason -> end(new Failure(ExitCode.DEPOSED, String.valueOf(reason.getMessage()))));
    volume = opened;
    out.println(
        "volume " + opened.volumeId() + ", epoch " + opened.epoch() + ", "
            + opened.replayedObjects() + " log objects replayed");
  }

  private Volume.Settings settings() {
    Volume.Settings standard = Volume.Settings.standard(hostName());
    long budget = config.budgetBytes();
    return new Volume.Settings(
        standard.host(),
        budget * 48 / 100,
        budget * 3 / 100,
        Math.clamp(budget / (10 << 10), 4096, 1 << 20),
        standard.workers(),
        config.maxSizeBytes(),
        config.compression(),
        standard.sealNanos(),
        standard.flushObjects(),
        Math.min(standard.flushBytes(), budget / 64));
  }

  private static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "unknown";
    }
  }

  private void startServers() throws Failure {
    Volume serving = Objects.requireNonNull(volume);
    NfsSettings base = config.nfs().settings();
    // Without a journal every start may have lost unstable writes, so every epoch has its own.
    NfsSettings settings =
        new NfsSettings(
            base.durability(),
            base.readOnly(),
            base.rootSquash(),
            base.allSquash(),
            base.anonUid(),
            base.anonGid(),
            base.allowed(),
            serving.epoch());
    for (String address : config.nfs().addresses()) {
      int colon = address.lastIndexOf(':');
      String host = address.substring(0, colon).replaceAll("[\\[\\]]", "");
      int port = Integer.parseInt(address.substring(colon + 1));
      NfsServer server =
          new NfsServer(serving, settings, new InetSocketAddress(host, port), tasks);
      try {
        server.start();
      } catch (IOException e) {
        throw new Failure(ExitCode.ADDRESS, String.valueOf(e.getMessage()));
      }
      servers.add(server);
      out.println("serving NFS on " + host + ":" + server.port());
    }
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
    servers.forEach(NfsServer::close);
    Volume open = volume;
    if (open != null) {
      if (failure.get() == null) {
        open.close();
      } else {
        open.abandon();
      }
    }
    if (store != null) {
      store.close();
    }
    stopped.countDown();
  }

  /// Runs at SIGTERM and SIGINT: ends the server and waits for it to have stored everything.
  private record ShutdownHook(ServerProcess process) {
    Thread thread() {
      return Thread.ofPlatform().name("shutdown").unstarted(this::run);
    }

    private void run() {
      process.end(null);
      try {
        if (!process.stopped.await(STOP_SECONDS_MAX, TimeUnit.SECONDS)) {
          process.out.println(
              "stopping took longer than " + STOP_SECONDS_MAX
                  + " s: ended without storing everything; what was answered as stable is stored");
          Runtime.getRuntime().halt(ExitCode.UNEXPECTED);
        }
        // Else the JVM would answer the signal with 128 + its number.
        Failure reason = process.failure.get();
        Runtime.getRuntime().halt(reason == null ? ExitCode.OK : reason.exitCode());
      } catch (InterruptedException e) {
        process.out.println("interrupted while stopping");
      }
    }
  }

  private String answer(String request) {
    return switch (request) {
      case "ping" -> "pong";
      case "status" -> StatusReport.text(volume, store, servers);
      case "status --json" -> StatusReport.json(volume, store, servers);
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
