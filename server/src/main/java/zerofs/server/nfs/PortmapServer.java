package zerofs.server.nfs;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Iterator;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import zerofs.base.Tasks;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.rpc.RpcReply;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;

/// Tells clients that ask a portmapper (port 111 by convention) where NFS and MOUNT are, over TCP
/// and UDP. One thread for all clients; it never waits for one: a client's record and its answer
/// are small, and who does not send or read them at once is let go.
public final class PortmapServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(PortmapServer.class);

  private static final int RECORD_BYTES_MAX = 2048;
  private static final int CLIENTS_MAX = 64;
  private static final int LAST_FRAGMENT = 0x80000000;

  private final PortmapService service;
  private final NfsSettings settings;
  private final InetSocketAddress address;
  private final Tasks tasks;
  private final ByteBuffer in = ByteBuffer.allocate(RECORD_BYTES_MAX);
  private final ByteBuffer out = ByteBuffer.allocate(RECORD_BYTES_MAX);
  private @Nullable Selector selector;
  private @Nullable ServerSocketChannel listener;
  private @Nullable DatagramChannel datagrams;
  private Tasks.@Nullable Task serving;

  /// @param nfsPort where NFS and MOUNT are served
  /// @param settings whose networks may ask
  public PortmapServer(int nfsPort, NfsSettings settings, InetSocketAddress address, Tasks tasks) {
    this.service = new PortmapService(nfsPort);
    this.settings = settings;
    this.address = address;
    this.tasks = tasks;
  }

  /// Starts to answer.
  ///
  /// @throws IOException with a sentence for the user when the address can't be had
  public void start() throws IOException {
    try {
      open();
    } catch (SocketException | UnknownHostException e) {
      close();
      throw new IOException(
          "can't serve the portmapper on "
              + address.getHostString()
              + " port "
              + address.getPort()
              + " ("
              + e.getMessage()
              + "): stop the portmapper that runs"
              + " there (rpcbind), start ZeroFS with the right to use ports below 1024, or remove"
              + " the address from servers.nfs.portmap_addresses",
          e);
    }
    Selector opened = Objects.requireNonNull(selector);
    serving = tasks.fork("portmap", Tasks.Kind.COMPUTING, () -> serve(opened));
  }

  private void open() throws IOException {
    if (address.isUnresolved()) {
      throw new UnknownHostException("unknown host");
    }
    Selector opened = Selector.open();
    selector = opened;
    ServerSocketChannel tcp = ServerSocketChannel.open();
    listener = tcp;
    tcp.setOption(StandardSocketOptions.SO_REUSEADDR, true);
    tcp.bind(address);
    tcp.configureBlocking(false).register(opened, SelectionKey.OP_ACCEPT);
    boolean isV4 = address.getAddress().getAddress().length == 4;
    DatagramChannel udp =
        DatagramChannel.open(isV4 ? StandardProtocolFamily.INET : StandardProtocolFamily.INET6);
    datagrams = udp;
    udp.bind(new InetSocketAddress(address.getAddress(), port()));
    udp.configureBlocking(false).register(opened, SelectionKey.OP_READ);
  }

  /// The port it listens on, by TCP and by UDP.
  public int port() {
    return Objects.requireNonNull(listener).socket().getLocalPort();
  }

  private void serve(Selector opened) {
    while (opened.isOpen()) {
      try {
        opened.select();
        if (!opened.isOpen()) {
          return;
        }
        Iterator<SelectionKey> selected = opened.selectedKeys().iterator();
        while (selected.hasNext()) {
          SelectionKey key = selected.next();
          selected.remove();
          serve(key);
        }
      } catch (ClosedChannelException | java.nio.channels.ClosedSelectorException e) {
        return;
      } catch (IOException e) {
        LOG.warn("the portmapper could not serve a client: {}", e.toString());
        tasks.sleep(100_000_000L); // Out of descriptors, most likely: let some close.
      }
    }
  }

  private void serve(SelectionKey key) throws IOException {
    if (!key.isValid()) {
      return;
    }
    switch (key.channel()) {
      case ServerSocketChannel tcp -> accept(key.selector(), tcp);
      case DatagramChannel udp -> answerDatagram(udp);
      case SocketChannel client -> answerRecord(key, client);
      default -> throw new IllegalStateException(key.channel().toString());
    }
  }

  private void accept(Selector opened, ServerSocketChannel tcp) throws IOException {
    SocketChannel client = tcp.accept();
    if (client == null) {
      return;
    }
    InetSocketAddress from = (InetSocketAddress) client.getRemoteAddress();
    if (!settings.allows(from.getAddress())) {
      client.close();
      return;
    }
    if (opened.keys().size() >= CLIENTS_MAX + 2) {
      closeClients(opened); // They have their answers, or never asked.
    }
    client.configureBlocking(false);
    client.register(opened, SelectionKey.OP_READ, ByteBuffer.allocate(RECORD_BYTES_MAX));
  }

  private static void closeClients(Selector opened) throws IOException {
    for (SelectionKey each : opened.keys()) {
      if (each.channel() instanceof SocketChannel client) {
        each.cancel();
        client.close();
      }
    }
  }

  private void answerDatagram(DatagramChannel udp) {
    try {
      InetSocketAddress from = (InetSocketAddress) udp.receive(in.clear());
      if (from != null && settings.allows(from.getAddress())) {
        InetAddress local = ((InetSocketAddress) udp.getLocalAddress()).getAddress();
        udp.send(answer(in.flip(), local).position(4), from);
      }
    } catch (XdrException | IOException e) {
      LOG.debug("a datagram to the portmapper was not answered: {}", e.toString());
    }
  }

  private void answerRecord(SelectionKey key, SocketChannel client) throws IOException {
    ByteBuffer received = (ByteBuffer) key.attachment();
    try {
      boolean open = client.read(received) >= 0;
      while (open && isWhole(received)) {
        ByteBuffer record = received.duplicate().flip();
        int bytes = record.getInt() & ~LAST_FRAGMENT;
        InetAddress local = ((InetSocketAddress) client.getLocalAddress()).getAddress();
        ByteBuffer reply = answer(record.slice(4, bytes), local);
        client.write(reply);
        open = !reply.hasRemaining(); // The socket takes this little, unless nobody reads there.
        received.flip().position(4 + bytes);
        received.compact();
      }
      if (open) {
        return;
      }
    } catch (XdrException | IOException e) {
      LOG.debug("a client of the portmapper was let go: {}", e.toString());
    }
    key.cancel();
    client.close();
  }

  private static boolean isWhole(ByteBuffer received) throws XdrException {
    if (received.position() < 4) {
      return false;
    }
    int mark = received.getInt(0);
    int bytes = mark & ~LAST_FRAGMENT;
    if ((mark & LAST_FRAGMENT) == 0 || bytes > RECORD_BYTES_MAX - 4) {
      throw new XdrException("a record of several fragments, or of more than a question has");
    }
    return received.position() >= 4 + bytes;
  }

  /// The reply to a call, with its record mark.
  private ByteBuffer answer(ByteBuffer record, InetAddress local) throws XdrException {
    XdrReader reader = new XdrReader(record);
    RpcCall call = RpcCall.decode(reader);
    if (call.rpcVersion() != RpcCall.RPC_VERSION) {
      RpcReply.rpcMismatch(out, call.xid());
    } else if (call.program() != PortmapService.PROGRAM) {
      RpcReply.accepted(out, call.xid(), RpcReply.PROG_UNAVAIL);
    } else if (call.credentials() instanceof RpcCall.Credentials.Malformed) {
      RpcReply.authError(out, call.xid(), RpcReply.AUTH_BADCRED);
    } else {
      try {
        service.serve(call, reader, local, out);
      } catch (XdrException e) {
        RpcReply.accepted(out, call.xid(), RpcReply.GARBAGE_ARGS);
      }
    }
    return RpcReply.finish(out);
  }

  @Override
  public void close() {
    try {
      Selector opened = selector;
      if (opened != null && opened.isOpen()) {
        closeClients(opened);
      }
      if (listener != null) {
        listener.close();
      }
      if (datagrams != null) {
        datagrams.close();
      }
      if (opened != null) {
        opened.close();
      }
    } catch (IOException e) {
      LOG.debug("closing the portmapper: {}", e.toString());
    }
    if (serving != null) {
      serving.join();
    }
  }
}
