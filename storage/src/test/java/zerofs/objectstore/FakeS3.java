package zerofs.objectstore;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentNavigableMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;

/// An S3 endpoint on a loopback port, as far as a volume needs one: PUT with `If-None-Match: *`,
/// GET of a range, LIST, DELETE, by path-style requests whose signatures nobody checks. It can be
/// stopped and come back on its port with what it holds, or answer every request with an error.
public final class FakeS3 implements AutoCloseable {
  private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");

  private final Tasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final ConcurrentNavigableMap<String, byte[]> objects = new ConcurrentSkipListMap<>();
  private HttpServer server;
  private volatile @Nullable Failure failure;

  private record Failure(int status, String code) {}

  public FakeS3() throws IOException {
    server = serve(0);
  }

  private HttpServer serve(int port) throws IOException {
    HttpServer made =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    made.setExecutor(work -> tasks.fork("s3 request", Tasks.Kind.WAITING, work));
    made.createContext(
        "/",
        exchange -> {
          try (exchange) {
            handle(exchange);
          }
        });
    made.start();
    return made;
  }

  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  /// Nobody answers there any more.
  public void stop() {
    server.stop(0);
  }

  /// Answers on the same port again.
  public void comeBack() throws IOException {
    server = serve(server.getAddress().getPort());
  }

  /// Answers everything with an error from now on.
  public void fail(int status, String code) {
    failure = new Failure(status, code);
  }

  /// Answers as it should again.
  public void mend() {
    failure = null;
  }

  private void handle(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    Failure failing = failure;
    if (failing != null) {
      error(exchange, failing.status(), failing.code());
      return;
    }
    String path = exchange.getRequestURI().getPath();
    int slash = path.indexOf('/', 1);
    String key = slash < 0 ? "" : path.substring(slash + 1);
    switch (exchange.getRequestMethod()) {
      case "PUT" -> put(exchange, key, body);
      case "GET" -> {
        if (key.isEmpty()) {
          list(exchange, query(exchange.getRequestURI().getRawQuery()));
        } else {
          get(exchange, key);
        }
      }
      case "DELETE" -> {
        objects.remove(key);
        exchange.sendResponseHeaders(204, -1);
      }
      default -> error(exchange, 405, "MethodNotAllowed");
    }
  }

  private void put(HttpExchange exchange, String key, byte[] body) throws IOException {
    if (!"*".equals(exchange.getRequestHeaders().getFirst("If-None-Match"))) {
      error(exchange, 400, "NothingIsRewrittenHere");
    } else if (objects.putIfAbsent(key, body) != null) {
      error(exchange, 412, "PreconditionFailed");
    } else {
      exchange.getResponseHeaders().set("ETag", "\"" + key.hashCode() + "\"");
      exchange.sendResponseHeaders(200, -1);
    }
  }

  private void get(HttpExchange exchange, String key) throws IOException {
    byte[] object = objects.get(key);
    if (object == null) {
      error(exchange, 404, "NoSuchKey");
      return;
    }
    Matcher range = RANGE.matcher(exchange.getRequestHeaders().getFirst("Range"));
    if (!range.matches()) {
      error(exchange, 400, "NoRange");
      return;
    }
    boolean isSuffix = range.group(1).isEmpty();
    long last = Long.parseLong(range.group(2));
    int from =
        isSuffix
            ? (int) Math.max(0, object.length - last)
            : (int) Math.min(object.length, Long.parseLong(range.group(1)));
    int to = isSuffix ? object.length : (int) Math.min(object.length, last + 1);
    if (from >= to) {
      error(exchange, 416, "InvalidRange");
      return;
    }
    exchange
        .getResponseHeaders()
        .set("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + object.length);
    send(exchange, 206, Arrays.copyOfRange(object, from, to));
  }

  private void list(HttpExchange exchange, Map<String, String> query) throws IOException {
    String prefix = query.getOrDefault("prefix", "");
    String after = query.getOrDefault("start-after", "");
    int limit = Integer.parseInt(query.getOrDefault("max-keys", "1000"));
    StringBuilder xml = new StringBuilder("<ListBucketResult><IsTruncated>false</IsTruncated>");
    objects.tailMap(after, false).entrySet().stream()
        .filter(each -> each.getKey().startsWith(prefix))
        .limit(limit)
        .forEach(
            each ->
                xml.append("<Contents><Key>")
                    .append(each.getKey())
                    .append("</Key><Size>")
                    .append(each.getValue().length)
                    .append("</Size></Contents>"));
    send(exchange, 200, bytes(xml.append("</ListBucketResult>").toString()));
  }

  private static Map<String, String> query(@Nullable String raw) {
    Map<String, String> query = new TreeMap<>();
    for (String each : raw == null ? new String[0] : raw.split("&")) {
      int equals = each.indexOf('=');
      if (equals > 0) {
        query.put(
            each.substring(0, equals),
            URLDecoder.decode(each.substring(equals + 1), StandardCharsets.UTF_8));
      }
    }
    return query;
  }

  private static void error(HttpExchange exchange, int status, String code) throws IOException {
    send(
        exchange,
        status,
        bytes("<Error><Code>" + code + "</Code><Message>said so</Message></Error>"));
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Override
  public void close() {
    stop();
  }
}
