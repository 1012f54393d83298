package zerofs.server.metrics;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Answers `GET /metrics`, `/livez` and `/readyz` over HTTP, from memory. Nothing of it is secret
/// to who may connect, and nothing can be changed by it.
public final class MetricsServer implements AutoCloseable {
  private static final String TEXT = "text/plain; charset=utf-8";

  /// Limits of the JDK's server, which has none by itself: scrapers keep a connection each, and a
  /// client that is silent in the middle of a request must not stay for ever. Seconds.
  private static final String[][] LIMITS = {
    {"jdk.httpserver.maxConnections", "64"},
    {"sun.net.httpserver.maxReqTime", "10"},
    {"sun.net.httpserver.maxRspTime", "10"}
  };

  private final Pages pages;
  private final InetSocketAddress address;
  private final Tasks tasks;
  private @Nullable HttpServer server;

  /// What is answered; asked by any thread.
  ///
  /// @param metrics in the text format
  /// @param ending why the process does not live on; null when it does
  /// @param trouble why it is not ready; null when it is
  public record Pages(
      Supplier<String> metrics,
      Supplier<@Nullable String> ending,
      Supplier<@Nullable String> trouble) {}

  public MetricsServer(Pages pages, InetSocketAddress address, Tasks tasks) {
    this.pages = pages;
    this.address = address;
    this.tasks = tasks;
  }

  /// Starts to answer.
  ///
  /// @throws IOException with a sentence for the user when the address can't be had
  public void start() throws IOException {
    for (String[] limit : LIMITS) {
      if (System.getProperty(limit[0]) == null) {
        System.setProperty(limit[0], limit[1]);
      }
    }
    HttpServer made;
    try {
      made = HttpServer.create(address, 0);
    } catch (SocketException | UnresolvedAddressException e) {
      throw new IOException(
          "can't serve metrics on "
              + address.getHostString()
              + " port "
              + address.getPort()
              + " ("
              + (e.getMessage() == null ? "unknown host" : e.getMessage())
              + "): stop the program that uses it, or set another address in"
              + " prometheus.addresses",
          e);
    }
    made.setExecutor(work -> tasks.fork("metrics request", Tasks.Kind.WAITING, work));
    made.createContext(
        "/",
        exchange -> {
          try (exchange) {
            answer(exchange);
          }
        });
    made.start();
    server = made;
  }

  /// The port it listens on.
  public int port() {
    return Objects.requireNonNull(server).getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String method = exchange.getRequestMethod();
    if (!method.equals("GET") && !method.equals("HEAD")) {
      exchange.getResponseHeaders().set("Allow", "GET, HEAD");
      send(exchange, 405, TEXT, "only GET\n");
      return;
    }
    switch (exchange.getRequestURI().getPath()) {
      case "/metrics" -> send(exchange, 200, MetricsText.CONTENT_TYPE, pages.metrics().get());
      case "/livez" -> state(exchange, pages.ending().get());
      case "/readyz" -> state(exchange, pages.trouble().get());
      default -> send(exchange, 404, TEXT, "there are /metrics, /livez and /readyz\n");
    }
  }

  private static void state(HttpExchange exchange, @Nullable String reason) throws IOException {
    if (reason == null) {
      send(exchange, 200, TEXT, "ok\n");
    } else {
      send(exchange, 503, TEXT, reason.replaceAll("\\s+", " ") + "\n");
    }
  }

  private static void send(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    if (server != null) {
      server.stop(0);
    }
  }
}
