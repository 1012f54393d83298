package zerofs.server.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
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
      if (ask(path, "ping") != null) {
        throw new Failure(
            ExitCode.USAGE,
            "a ZeroFS server with this configuration is running already (it answers on " + path
                + "): stop it first");
      }
      Files.delete(path); // Left over by a process that was killed.
    }
    ServerSocketChannel opened = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    opened.bind(UnixDomainSocketAddress.of(path));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    listener = opened;
    tasks.fork("admin", Tasks.Kind.COMPUTING, () -> accept(opened));
  }

  private void accept(ServerSocketChannel opened) {
    while (opened.isOpen()) {
      try (SocketChannel channel = opened.accept();
          BufferedReader in =
              new BufferedReader(
                  new InputStreamReader(
                      Channels.newInputStream(channel), StandardCharsets.UTF_8))) {
        String line = in.readLine();
        if (line != null && line.length() < 1000) {
          byte[] answer = handler.apply(line).getBytes(StandardCharsets.UTF_8);
          Channels.newOutputStream(channel).write(answer);
        }
      } catch (IOException e) {
        // The asker left, or the server is closing.
        tasks.yieldPoint();
      }
    }
  }

  /// Asks a running server; null when none answers.
  static @Nullable String ask(Path path, String line) {
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
      Channels.newOutputStream(channel).write((line + "\n").getBytes(StandardCharsets.UTF_8));
      byte[] answer = Channels.newInputStream(channel).readAllBytes();
      return new String(answer, StandardCharsets.UTF_8);
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
