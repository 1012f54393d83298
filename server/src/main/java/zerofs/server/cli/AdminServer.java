package zerofs.server.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Admin calls over a unix socket of mode 0600: a line asks, the rest of the stream answers. While
/// it answers, a second server with this configuration refuses to start.
final class AdminServer implements AutoCloseable {
  /// How long a server may take to answer what needs nothing but itself: one that takes longer is
  /// as good as gone.
  static final long ASK_MILLIS_MAX = 5_000;

  private static final int LINE_BYTES_MAX = 1000;

  private final Path path;
  private final Tasks tasks;
  private final UnaryOperator<String> handler;
  private @Nullable ServerSocketChannel listener;

  /// @param handler answers a request line; any thread
  AdminServer(Path path, Tasks tasks, UnaryOperator<String> handler) {
    this.path = path;
    this.tasks = tasks;
    this.handler = handler;
  }

  void start() throws IOException, Failure {
    if (Files.exists(path)) {
      if (ask(path, "ping", ASK_MILLIS_MAX) != null) {
        throw new Failure(
            ExitCode.USAGE,
            "a ZeroFS server with this configuration is running already (it answers on "
                + path
                + "): stop it first");
      }
      Files.delete(path); // Left over by a process that was killed.
    }
    ServerSocketChannel opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      opened.bind(UnixDomainSocketAddress.of(path));
    } catch (IOException e) {
      opened.close();
      throw e;
    }
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    listener = opened;
    tasks.fork("admin", Tasks.Kind.COMPUTING, () -> accept(opened));
  }

  private void accept(ServerSocketChannel opened) {
    while (opened.isOpen()) {
      try {
        SocketChannel channel = opened.accept();
        // A flush may take as long as the store is away: others are answered meanwhile.
        tasks.fork("admin request", Tasks.Kind.WAITING, () -> answer(channel));
      } catch (IOException e) {
        tasks.yieldPoint(); // Closing, most likely.
      }
    }
  }

  private void answer(SocketChannel channel) {
    try (channel) {
      ByteBuffer line = ByteBuffer.allocate(LINE_BYTES_MAX);
      while (line.hasRemaining() && !isLine(line)) {
        if (channel.read(line) < 0) {
          return;
        }
      }
      if (isLine(line)) {
        String request = StandardCharsets.UTF_8.decode(line.flip()).toString().strip();
        ByteBuffer reply = ByteBuffer.wrap(handler.apply(request).getBytes(StandardCharsets.UTF_8));
        while (reply.hasRemaining()) {
          channel.write(reply);
        }
      }
    } catch (IOException e) {
      tasks.yieldPoint(); // The asker left.
    }
  }

  private static boolean isLine(ByteBuffer received) {
    return received.position() > 0 && received.get(received.position() - 1) == '\n';
  }

  /// Asks a running server; null when none answers.
  ///
  /// @param millisMax how long each part of the answer may take; 0 = any time
  static @Nullable String ask(Path path, String line, long millisMax) {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path));
        Selector selector = Selector.open()) {
      channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
      channel.configureBlocking(false).register(selector, SelectionKey.OP_READ);
      ByteArrayOutputStream answer = new ByteArrayOutputStream();
      ByteBuffer part = ByteBuffer.allocate(8192);
      while (selector.select(millisMax) > 0) {
        selector.selectedKeys().clear();
        if (channel.read(part.clear()) < 0) {
          return answer.size() == 0 ? null : answer.toString(StandardCharsets.UTF_8);
        }
        answer.write(part.array(), 0, part.position());
      }
      return null;
    } catch (IOException e) {
      return null;
    }
  }

  @Override
  public void close() {
    try {
      if (listener != null) {
        listener.close();
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      // The next start replaces what is left over.
      tasks.yieldPoint();
    }
  }
}
