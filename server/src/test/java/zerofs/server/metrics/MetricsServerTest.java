package zerofs.server.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;

@SuppressWarnings("NullAway.Init")
class MetricsServerTest {
  private final SystemTasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final HttpClient client = HttpClient.newHttpClient();
  private volatile @Nullable String ending;
  private volatile @Nullable String trouble;
  private MetricsServer server;

  @BeforeEach
  void serve() throws Exception {
    server = server(0);
    server.start();
  }

  @AfterEach
  void stop() {
    server.close();
    client.close();
  }

  private MetricsServer server(int port) {
    return new MetricsServer(
        new MetricsServer.Pages(() -> "numbers\n", () -> ending, () -> trouble),
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
        tasks);
  }

  private HttpResponse<String> ask(String method, String path) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + server.port() + path);
    return client.send(
        HttpRequest.newBuilder(uri).method(method, HttpRequest.BodyPublishers.noBody()).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private void assertAnswer(String path, int status, String body) throws Exception {
    HttpResponse<String> answer = ask("GET", path);
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.body()).isEqualTo(body);
  }

  @Test
  void metricsAreTextOfTheFormatsVersion() throws Exception {
    assertAnswer("/metrics", 200, "numbers\n");
    assertThat(ask("GET", "/metrics").headers().firstValue("Content-Type"))
        .contains("text/plain; version=0.0.4; charset=utf-8");
    assertThat(ask("HEAD", "/metrics").body()).isEmpty();
  }

  @Test
  void probesSayWhyInOneLine() throws Exception {
    assertAnswer("/livez", 200, "ok\n");
    assertAnswer("/readyz", 200, "ok\n");
    trouble = "the store does not answer:\n it is away";
    assertAnswer("/livez", 200, "ok\n");
    assertAnswer("/readyz", 503, "the store does not answer: it is away\n");
    ending = "deposed";
    assertAnswer("/livez", 503, "deposed\n");
    ending = null;
    trouble = null;
    assertAnswer("/livez", 200, "ok\n");
    assertAnswer("/readyz", 200, "ok\n");
  }

  @Test
  void anythingElseIsRefused() throws Exception {
    assertAnswer("/", 404, "there are /metrics, /livez and /readyz\n");
    assertThat(ask("POST", "/metrics").statusCode()).isEqualTo(405);
    assertThat(ask("DELETE", "/livez").statusCode()).isEqualTo(405);
  }

  @Test
  void aTakenPortIsSaidInASentence() {
    assertThatThrownBy(server(server.port())::start)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("prometheus.addresses")
        .hasMessageContaining(String.valueOf(server.port()));
  }
}
