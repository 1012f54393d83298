package zerofs.objectstore;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;
import zerofs.base.Tasks;

/// Gives requests up that hang on dead connections, once the store is there again.
///
/// After an outage in which packets were lost nobody answers what was sent into it, and TCP or a
/// timeout finds that out only after a minute. So when nothing moved on some request for a while, a
/// probe on a connection of its own asks each second whether the store answers. As soon as it does,
/// all requests on which nothing moved since long before the probe was sent are broken off; whoever
/// sent them sends them again, as after any request without an answer (docs/adr/0014).
///
/// A link that is slow looks alike when all of a request lies in the kernel's buffers. A request
/// broken off for nothing costs being sent twice, so the patience doubles when that happens again
/// and again. While nothing is under way nothing is watched or asked.
///
/// Any thread; the mutex is held for a few instructions.
final class WatchedHttpClient implements SdkHttpClient {
  private final SdkHttpClient client;
  private final BooleanSupplier probe;
  private final Tasks tasks;
  private final Settings settings;
  private final Tasks.Mutex mutex;
  private final Set<Exchange> underWay = Collections.newSetFromMap(new IdentityHashMap<>());
  private boolean watching;
  private boolean closed;
  private long patience;
  private boolean gaveUp;
  private long gaveUpNanos;

  /// @param patienceNanos how long nothing may move on a request before it is suspected
  /// @param patienceNanosMax to what that doubles
  /// @param lookNanos from one look, or probe, to the next
  record Settings(long patienceNanos, long patienceNanosMax, long lookNanos) {
    static final Settings STANDARD = new Settings(3_000_000_000L, 48_000_000_000L, 1_000_000_000L);
  }

  /// @param probe whether the store answers now; takes a few seconds at most
  WatchedHttpClient(SdkHttpClient client, BooleanSupplier probe, Tasks tasks, Settings settings) {
    this.client = client;
    this.probe = probe;
    this.tasks = tasks;
    this.settings = settings;
    this.patience = settings.patienceNanos();
    this.mutex = tasks.newMutex("watched requests");
  }

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
    Exchange exchange = new Exchange();
    ContentStreamProvider body = request.contentStreamProvider().orElse(null);
    HttpExecuteRequest.Builder watched =
        HttpExecuteRequest.builder().request(request.httpRequest());
    request.metricCollector().ifPresent(watched::metricCollector);
    if (body != null) {
      watched.contentStreamProvider(() -> exchange.moving(body.newStream()));
    }
    exchange.request = client.prepareRequest(watched.build());
    return exchange;
  }

  @Override
  public String clientName() {
    return client.clientName();
  }

  @Override
  public void close() {
    mutex.lock();
    try {
      closed = true;
    } finally {
      mutex.unlock();
    }
    client.close();
  }

  /// A request and its answer, until the last byte of that.
  @SuppressWarnings("NullAway.Init") // The request is set by who makes this, before he gives it.
  private final class Exchange implements ExecutableHttpRequest {
    private ExecutableHttpRequest request;
    private volatile long beganNanos;
    private volatile long movedNanos;
    private volatile boolean givenUp;

    @Override
    public HttpExecuteResponse call() throws IOException {
      begin(this);
      boolean isOver = true;
      try {
        HttpExecuteResponse response = request.call();
        AbortableInputStream body = response.responseBody().orElse(null);
        if (body == null) {
          return response;
        }
        moved();
        isOver = false;
        return HttpExecuteResponse.builder()
            .response(response.httpResponse())
            .responseBody(AbortableInputStream.create(new Answer(this, body), body))
            .build();
      } catch (IOException | RuntimeException e) {
        if (givenUp) {
          throw hung(e);
        }
        throw e;
      } finally {
        if (isOver) {
          end(this);
        }
      }
    }

    private IOException hung(Exception e) {
      return new IOException("its connection was dead: others were answered", e);
    }

    void moved() {
      movedNanos = tasks.nanoTime();
    }

    InputStream moving(InputStream body) {
      return new FilterInputStream(body) {
        @Override
        public int read() throws IOException {
          moved();
          return super.read();
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
          moved();
          return super.read(target, offset, length);
        }
      };
    }

    @Override
    public void abort() {
      request.abort();
    }

    void giveUp() {
      givenUp = true;
      request.abort();
    }
  }

  /// The body of an answer. Its end, or that it is closed, ends the exchange.
  private final class Answer extends FilterInputStream {
    private final Exchange exchange;

    Answer(Exchange exchange, InputStream body) {
      super(body);
      this.exchange = exchange;
    }

    @Override
    public int read() throws IOException {
      return moved(super.read());
    }

    @Override
    public int read(byte[] target, int offset, int length) throws IOException {
      return moved(super.read(target, offset, length));
    }

    private int moved(int got) {
      exchange.moved();
      if (got < 0) {
        end(exchange);
      }
      return got;
    }

    @Override
    public void close() throws IOException {
      end(exchange);
      super.close();
    }
  }

  private void begin(Exchange exchange) {
    boolean first;
    exchange.moved();
    exchange.beganNanos = exchange.movedNanos;
    mutex.lock();
    try {
      underWay.add(exchange);
      first = !watching;
      watching = true;
    } finally {
      mutex.unlock();
    }
    if (first) {
      tasks.fork("watch requests", Tasks.Kind.WAITING, this::watch);
    }
  }

  private void end(Exchange exchange) {
    mutex.lock();
    try {
      underWay.remove(exchange);
    } finally {
      mutex.unlock();
    }
  }

  private void watch() {
    do {
      tasks.sleep(settings.lookNanos());
      long asked = tasks.nanoTime();
      if (!stalled(asked).isEmpty() && isThere()) {
        giveUp(asked);
      }
    } while (goesOn());
  }

  private boolean isThere() {
    try {
      return probe.getAsBoolean();
    } catch (RuntimeException e) {
      return false; // Closed meanwhile.
    }
  }

  private boolean goesOn() {
    mutex.lock();
    try {
      watching = !underWay.isEmpty() && !closed;
      return watching;
    } finally {
      mutex.unlock();
    }
  }

  /// On which nothing had moved for long at some time, and nothing has since.
  private List<Exchange> stalled(long then) {
    mutex.lock();
    try {
      List<Exchange> found = new ArrayList<>();
      for (Exchange each : underWay) {
        if (then - each.movedNanos >= patience) {
          found.add(each);
        }
      }
      return found;
    } finally {
      mutex.unlock();
    }
  }

  private void giveUp(long asked) {
    List<Exchange> dead = stalled(asked);
    if (dead.isEmpty()) {
      return; // It went on meanwhile.
    }
    dead.forEach(Exchange::giveUp);
    mutex.lock();
    try {
      // However long it took to send it: a store that is slow with what is large is not dead.
      boolean again =
          gaveUp && dead.stream().anyMatch(each -> each.beganNanos - gaveUpNanos < 4 * patience);
      patience =
          again ? Math.min(2 * patience, settings.patienceNanosMax()) : settings.patienceNanos();
      gaveUp = true;
      gaveUpNanos = asked;
    } finally {
      mutex.unlock();
    }
  }
}
