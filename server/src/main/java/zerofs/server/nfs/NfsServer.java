package zerofs.server.nfs;

import java.io.IOException;
import java.net.BindException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;
import zerofs.wire.nfs3.NfsProcedure;

/// Serves one filesystem over NFSv3 on one TCP port.
public final class NfsServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NfsServer.class);

  /// Each connection has a platform thread and 2 MiB of buffer.
  private static final int CONNECTIONS_MAX = 256;

  private final Filesystem fs;
  private final NfsSettings settings;
  private final InetSocketAddress address;
  private final Tasks tasks;
  private final ReplyCache replies;
  private final ReplyBuffers buffers = new ReplyBuffers();
  private final Set<RpcConnection> connections = ConcurrentHashMap.newKeySet();
  private @Nullable ServerSocketChannel listener;
  private @Nullable NfsService service;
  private Tasks.@Nullable Task accepting;

  public NfsServer(
      Filesystem fs, NfsSettings settings, InetSocketAddress address, Tasks tasks) {
    this.fs = fs;
    this.settings = settings;
    this.address = address;
    this.tasks = tasks;
    this.replies = new ReplyCache(tasks);
  }

  /// Starts to accept connections.
  ///
  /// @throws IOException with a sentence for the user when the address can't be had
  public void start() throws IOException {
    ServerSocketChannel opened = ServerSocketChannel.open();
    try {
      opened.setOption(StandardSocketOptions.SO_REUSEADDR, true);
      opened.bind(address);
    } catch (BindException e) {
      opened.close();
      throw new IOException(
          "can't serve NFS on " + address.getHostString() + " port " + address.getPort() + " ("
              + e.getMessage() + "): stop the program that uses it, or set another address in"
              + " servers.nfs.addresses",
          e);
    }
    listener = opened;
    service = new NfsService(fs, settings, port());
    accepting = tasks.fork("nfs accept", Tasks.Kind.COMPUTING, () -> accept(opened));
  }

  /// The port it listens on.
  public int port() {
    return Objects.requireNonNull(listener).socket().getLocalPort();
  }

  /// Calls so far, by procedure.
  public Map<NfsProcedure, Long> counts() {
    NfsService serving = service;
    return serving == null ? Map.of() : serving.counts();
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
    boolean allowed =
        settings.allowed().stream().anyMatch(network -> network.contains(client.getAddress()));
    if (!allowed) {
      LOG.warn("refused {}: not in servers.nfs.allowed_networks", client.getAddress());
    } else if (connections.size() >= CONNECTIONS_MAX) {
      LOG.warn("refused {}: {} connections are open", client.getAddress(), CONNECTIONS_MAX);
      return false;
    }
    return allowed;
  }

  private void serve(SocketChannel channel) throws IOException {
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
    InetSocketAddress client = (InetSocketAddress) channel.getRemoteAddress();
    RpcConnection connection =
        new RpcConnection(
            channel,
            client.getAddress().getHostAddress(),
            Objects.requireNonNull(service),
            fs,
            replies,
            buffers,
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
