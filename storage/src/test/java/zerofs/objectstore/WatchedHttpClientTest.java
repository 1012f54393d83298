package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import org.junit.jupiter.api.Test;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.SdkHttpMethod;
import software.amazon.awssdk.http.SdkHttpRequest;
import software.amazon.awssdk.http.SdkHttpResponse;
import zerofs.base.SimulatedTasks;

/// Which requests are broken off, and when, in simulated time.
class WatchedHttpClientTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long NEVER = Long.MAX_VALUE;

  private final SimulatedTasks tasks = new SimulatedTasks(1);
  private final Network network = new Network();
  private final WatchedHttpClient client =
      new WatchedHttpClient(
          network, network::answersProbes, tasks, WatchedHttpClient.Settings.STANDARD);

  /// Answers, or does not.
  private final class Network implements SdkHttpClient {
    private long backAt;
    private long answerNanos;
    private int bodyBytes;
    private long byteNanos;
    private int probes;

    boolean answersProbes() {
      probes++;
      return tasks.nanoTime() >= backAt;
    }

    @Override
    public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
      return new Request(request, answerNanos);
    }

    @Override
    public void close() {
      // It has nothing.
    }

    private final class Request implements ExecutableHttpRequest {
      private final HttpExecuteRequest request;
      private final long takes;
      private boolean aborted;

      Request(HttpExecuteRequest request, long takes) {
        this.request = request;
        this.takes = takes;
      }

      @Override
      public HttpExecuteResponse call() throws IOException {
        if (request.contentStreamProvider().isPresent()) {
          try (InputStream body = request.contentStreamProvider().get().newStream()) {
            while (body.read() >= 0) {
              pause(byteNanos);
            }
          }
        }
        pause(takes);
        return HttpExecuteResponse.builder()
            .response(SdkHttpResponse.builder().statusCode(200).build())
            .responseBody(AbortableInputStream.create(new Body(), this))
            .build();
      }

      private void pause(long nanos) throws IOException {
        long start = tasks.nanoTime();
        while (!aborted && tasks.nanoTime() - start < nanos) {
          tasks.sleep(SECOND / 10);
        }
        if (aborted) {
          throw new IOException("aborted");
        }
      }

      @Override
      public void abort() {
        aborted = true;
      }

      private final class Body extends InputStream {
        private int left = bodyBytes;

        @Override
        public int read() throws IOException {
          if (left == 0) {
            return -1;
          }
          pause(byteNanos);
          left--;
          return 'x';
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
          int got = read();
          if (got < 0) {
            return -1;
          }
          target[offset] = (byte) got;
          return 1;
        }
      }
    }
  }

  private interface Story {
    void run() throws IOException;
  }

  private void simulate(Story story) {
    tasks.run(
        () -> {
          try {
            story.run();
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  /// Sends a request with a body of so many bytes; how many came back.
  private int call(int bytes) throws IOException {
    SdkHttpRequest request =
        SdkHttpRequest.builder()
            .uri(URI.create("http://127.0.0.1/k"))
            .method(bytes == 0 ? SdkHttpMethod.GET : SdkHttpMethod.PUT)
            .build();
    HttpExecuteRequest.Builder sent = HttpExecuteRequest.builder().request(request);
    if (bytes > 0) {
      sent.contentStreamProvider(() -> new java.io.ByteArrayInputStream(new byte[bytes]));
    }
    HttpExecuteResponse response = client.prepareRequest(sent.build()).call();
    try (InputStream body = response.responseBody().orElseThrow()) {
      return body.readAllBytes().length;
    }
  }

  @Test
  void whatHangsIsBrokenOffOnceTheStoreAnswers() {
    simulate(
        () -> {
          network.answerNanos = NEVER;
          network.backAt = tasks.nanoTime() + 120 * SECOND;
          assertThatThrownBy(() -> call(0)).hasMessageContaining("dead");
          assertThat(tasks.nanoTime() - network.backAt).isBetween(0L, 2 * SECOND);
          assertThat(network.probes).as("about one a second").isBetween(60, 130);
          network.answerNanos = SECOND / 20;
          assertThat(call(0)).isZero();
        });
  }

  @Test
  void aStoreThatIsSlowButSilentIsWaitedFor() {
    simulate(
        () -> {
          network.answerNanos = 30 * SECOND;
          network.backAt = NEVER;
          assertThat(call(0)).isZero();
        });
  }

  @Test
  void whatMovesIsLeftAlone() {
    simulate(
        () -> {
          network.bodyBytes = 60;
          network.byteNanos = 2 * SECOND;
          assertThat(call(0)).isEqualTo(60);
          network.bodyBytes = 0;
          assertThat(call(60)).isZero();
        });
  }

  /// What is in the kernel's buffers can't be seen to move.
  @Test
  void aSlowLinkGetsTheTimeItNeeds() {
    simulate(
        () -> {
          network.answerNanos = 20 * SECOND;
          int broken = 0;
          for (int done = 0; done < 10; ) {
            try {
              call(0);
              done++;
            } catch (IOException e) {
              broken++;
            }
          }
          assertThat(broken).as("sent for nothing, of ten").isBetween(1, 4);
        });
  }

  /// Each try takes longer to send than four times the patience.
  @Test
  void aStoreThatIsSlowWithWhatIsLargeGetsTheTimeItNeeds() {
    simulate(
        () -> {
          network.byteNanos = SECOND;
          network.answerNanos = 10 * SECOND;
          int broken = 0;
          for (int done = 0; done < 5; ) {
            try {
              call(20);
              done++;
            } catch (IOException e) {
              assertThat(++broken).as("sent for nothing").isLessThan(20);
            }
          }
        });
  }

  @Test
  void nobodyAsksWhileNothingIsUnderWay() {
    simulate(
        () -> {
          network.answerNanos = SECOND;
          call(0);
          tasks.sleep(3600 * SECOND);
          assertThat(network.probes).isZero();
        });
  }
}
