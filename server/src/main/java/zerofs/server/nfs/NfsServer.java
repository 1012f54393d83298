package zerofs.server.nfs;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.channels.UnresolvedAddressException;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;

/// Serves one filesystem over NFSv3 on one TCP port.
public final class NfsServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NfsServer.class);

  /// Each connection has a platform thread and 64 KiB of buffers.
  private static final int CONNECTIONS_MAX = 256;

  /// For each of the two kinds of memory that connections share, where nothing else is said.
  private static final long MEMORY_BYTES = 32 << 20;

  private final Filesystem fs;
  private final NfsSettings settings;
  private final InetSocketAddress address;
  private final Tasks tasks;
  private final RpcConnection.Shared shared;
  private final NfsCounters counters = new NfsCounters();
  private final SeldomWarning refused;
  private final Set<RpcConnection> connections = ConcurrentHashMap.newKeySet();
  private @Nullable ServerSocketChannel listener;
  private @Nullable NfsService service;
  private Tasks.@Nullable Task accepting;

  public NfsServer(Filesystem fs, NfsSettings settings, InetSocketAddress address, Tasks tasks) {
    this(fs, settings, address, MEMORY_BYTES, tasks);
  }

  /// @param memoryBytes limit on the memory for records that are arriving, and again on that for
  ///   requests that wait and large replies
  public NfsServer(
      Filesystem fs,
      NfsSettings settings,
      InetSocketAddress address,
      long memoryBytes,
      Tasks tasks) {
    this.fs = fs;
    this.settings = settings;
    this.address = address;
    this.tasks = tasks;
    this.refused = new SeldomWarning(LOG, tasks);
    this.shared =
        new RpcConnection.Shared(
            new ReplyCache(tasks),
            new ReplyBuffers(),
            counters,
            new SeldomWarning(LOG, tasks),
            new WireMemory("records that arrive", memoryBytes, tasks),
            new WireMemory("requests and replies", memoryBytes, tasks));
  }

  /// Starts to accept connections.
  ///
  /// @throws IOException with a sentence for the user when the address can't be had
  public void start() throws IOException {
    ServerSocketChannel opened = ServerSocketChannel.open();
    try {
      opened.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      opened.bind(address);
    } catch (SocketException | UnresolvedAddressException e) {
      opened.close();
      throw new IOException(
          "can't serve NFS on "
              + address.getHostString()
              + " port "
              + address.getPort()
              + " ("
              + (e.getMessage() == null ? "unknown host" : e.getMessage())
              + "): stop the program"
              + " that uses it, or set another address in servers.nfs.addresses",
          e);
    }
    listener = opened;
    service = new NfsService(fs, settings, (InetSocketAddress) opened.getLocalAddress(), counters);
    accepting = tasks.fork("nfs accept", Tasks.Kind.COMPUTING, () -> accept(opened));
  }

  /// The port it listens on.
  public int port() {
    return Objects.requireNonNull(listener).socket().getLocalPort();
  }

  /// What became of the requests so far.
  public NfsCounters counters() {
    return counters;
  }

  /// Connections that are open.
  public int connections() {
    return connections.size();
  }

  /// What the connections hold of the memory that they share, in bytes.
  ///
  /// @param records for records that are arriving
  /// @param recordsMax its limit
  /// @param requests for requests that wait, and large replies
  /// @param requestsMax its limit
  public record Memory(long records, long recordsMax, long requests, long requestsMax) {}

  /// How it serves.
  public NfsSettings settings() {
    return settings;
  }

  public Memory memory() {
    return new Memory(
        shared.records().usedBytes(),
        shared.records().limitBytes(),
        shared.requests().usedBytes(),
        shared.requests().limitBytes());
  }

  private void accept(ServerSocketChannel opened) {
    while (true) {
      try {
        SocketChannel channel = opened.accept();
        if (isAllowed(channel)) {
          serve(channel);
        } else {
          channel.close();
        }
      } catch (ClosedChannelException e) {
        return;
      } catch (IOException e) {
        LOG.warn("accepting an NFS connection failed: {}", e.toString());
        tasks.sleep(100_000_000L); // Out of descriptors, most likely: let some close.
      }
    }
  }

  private boolean isAllowed(SocketChannel channel) throws IOException {
    InetSocketAddress client = (InetSocketAddress) channel.getRemoteAddress();
    if (!settings.allows(client.getAddress())) {
      refused.warn(
          "refused the client "
              + client.getAddress().getHostAddress()
              + ": not in servers.nfs.allowed_networks");
      return false;
    }
    if (connections.size() >= CONNECTIONS_MAX && !closeAnIdleOne()) {
      refused.warn(
          "refused the client "
              + client.getAddress().getHostAddress()
              + ": all of "
              + CONNECTIONS_MAX
              + " connections are busy");
      return false;
    }
    return true;
  }

  /// Closes the connection that is missed least: one that has not said anything, else the one that
  /// has been idle for the longest. Its client comes again when it has something to ask.
  private boolean closeAnIdleOne() {
    RpcConnection least = null;
    for (RpcConnection each : connections) {
      if (each.idleSinceNanos() != Long.MAX_VALUE && (least == null || isMissedLess(each, least))) {
        least = each;
      }
    }
    if (least == null) {
      return false;
    }
    connections.remove(least);
    least.close();
    return true;
  }

  private static boolean isMissedLess(RpcConnection one, RpcConnection other) {
    return one.hasServed() == other.hasServed()
        ? one.idleSinceNanos() - other.idleSinceNanos() < 0
        : other.hasServed();
  }

  private void serve(SocketChannel channel) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    channel.setOption(StandardSocketOptions.SO_KEEPALIVE, true); // Clients that vanish are noticed.
    InetSocketAddress client = (InetSocketAddress) channel.getRemoteAddress();
    RpcConnection connection =
        new RpcConnection(
            channel,
            client.getAddress().getHostAddress(),
            Objects.requireNonNull(service),
            fs,
            shared,
            tasks);
    connections.add(connection);
    tasks.fork(
        "nfs " + client,
        Tasks.Kind.COMPUTING,
        () -> {
          try {
            connection.run();
          } finally {
            connections.remove(connection);
          }
        });
  }

  /// Stops accepting and closes all connections; requests that were not answered are sent again by
  /// their clients.
  @Override
  public void close() {
    ServerSocketChannel open = listener;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        LOG.debug("closing the NFS port: {}", e.toString());
      }
    }
    if (accepting != null) {
      accepting.join();
    }
    connections.forEach(RpcConnection::close);
  }
}
