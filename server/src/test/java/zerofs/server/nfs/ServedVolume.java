package zerofs.server.nfs;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Objects;
import zerofs.base.SeededRandomness;
import zerofs.base.SystemTasks;
import zerofs.codec.Compression;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.TracedObjectStore;

/// A live server over a volume of its own, on a free loopback port.
public final class ServedVolume implements AutoCloseable {
  public final SystemTasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  public final TracedObjectStore store;
  public final Volume volume;
  public final NfsServer server;

  public ServedVolume(ObjectStore base, NfsSettings settings, long memoryBytes) throws Exception {
    store = new TracedObjectStore(base, tasks);
    volume = open(store);
    server = new NfsServer(volume, settings, loopback(), memoryBytes, tasks);
    server.start();
  }

  /// A new volume's objects, and what opens it: deriving a key from a password takes long.
  private record Template(ObjectStore store, VolumeSecrets secrets) {
    static final Template ONLY = make();

    private static Template make() {
      ObjectStore store = new MemoryObjectStore();
      SystemTasks tasks = new SystemTasks((name, e) -> {});
      try {
        return new Template(
            store, VolumeSecrets.createOrOpen(store, "password", tasks, new SeededRandomness(1)));
      } catch (StorageException e) {
        throw new IllegalStateException(e);
      }
    }

    void copyTo(ObjectStore target) throws StorageException {
      for (ObjectStore.Listed each : store.list("", "", 100, Cause.STARTUP)) {
        ObjectStore.Fetched object = store.get(each.key(), 0, 1 << 20, Cause.STARTUP);
        byte[] bytes = new byte[Objects.requireNonNull(object).bytes().remaining()];
        object.bytes().get(bytes);
        target.put(each.key(), Body.of(bytes), Cause.STARTUP);
      }
    }
  }

  private Volume open(ObjectStore traced) throws StorageException {
    Template.ONLY.copyTo(traced);
    Volume.Settings settings =
        new Volume.Settings(
            "host",
            16 << 20,
            1 << 20,
            1000,
            1,
            Long.MAX_VALUE,
            new Compression.Zstd(1),
            3_600_000_000_000L,
            512,
            16 << 20);
    return new Volume(
        traced,
        Template.ONLY.secrets(),
        settings,
        tasks,
        new SeededRandomness(2),
        SlabMemory.direct(),
        reason -> {});
  }

  static InetSocketAddress loopback() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  public RpcClient connect() throws java.io.IOException {
    return new RpcClient(new Socket(InetAddress.getLoopbackAddress(), server.port()));
  }

  @Override
  public void close() {
    server.close();
    volume.close();
  }
}
