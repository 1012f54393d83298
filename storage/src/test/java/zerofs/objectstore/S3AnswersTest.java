package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.exception.SdkServiceException;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.ObjectStore.PutOutcome;

/// What S3 answers, by a server that says what the test wants, and what the caller is told.
@SuppressWarnings("NullAway.Init")
class S3AnswersTest {
  private static final byte[] OBJECT = "0123456789".getBytes(StandardCharsets.US_ASCII);

  private static final Tasks TASKS =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });

  private HttpServer server;
  private S3ObjectStore store;
  private S3ObjectStore.Timeouts timeouts = S3ObjectStore.Timeouts.STANDARD;
  private volatile HttpHandler answer = exchange -> {};

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(work -> TASKS.fork("s3 request", Tasks.Kind.WAITING, work));
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            answer.handle(exchange);
          }
        });
    server.start();
    store = store(StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")));
  }

  private S3ObjectStore store(AwsCredentialsProvider credentials) {
    URI endpoint = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    return new S3ObjectStore(
        S3Settings.parse("s3://bucket/prefix", endpoint, "us-east-1", "key", "secret"),
        credentials,
        timeouts,
        TASKS);
  }

  @AfterEach
  void stop() {
    store.close();
    server.stop(0);
  }

  private static HttpHandler error(int status, String code) {
    String xml = "<Error><Code>" + code + "</Code><Message>said so</Message></Error>";
    byte[] body = code.isEmpty() ? new byte[0] : xml.getBytes(StandardCharsets.US_ASCII);
    return exchange -> send(exchange, status, body);
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
    exchange.getResponseBody().write(body);
  }

  private PutOutcome put() throws StorageException {
    return store.put("k", Body.of(OBJECT), Cause.ADMIN);
  }

  /// Neither in pieces that are put together then, nor copied: bodies are most of what the client
  /// allocates.
  @Test
  void aBodyIsReadStraightIntoItsArray() throws StorageException {
    byte[] large = new byte[8 << 20];
    answer = exchange -> send(exchange, 200, large);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long allocated = 0;
    for (int i = 0; i < 2; i++) { // The first time classes are loaded too.
      long before = threads.getCurrentThreadAllocatedBytes();
      Fetched fetched = Objects.requireNonNull(store.get("k", 0, large.length, Cause.READ));
      allocated = threads.getCurrentThreadAllocatedBytes() - before;
      assertThat(fetched.bytes().array()).hasSize(large.length);
    }
    assertThat(allocated).isLessThan(large.length * 3L / 2);
  }

  @ParameterizedTest
  @CsvSource({
    "403, AccessDenied, Refused",
    "403, InvalidAccessKeyId, Refused",
    "400, ExpiredToken, Refused",
    "400, AuthorizationHeaderMalformed, Refused",
    "301, PermanentRedirect, Refused",
    "404, NoSuchBucket, Refused",
    "404, '', Refused",
    "400, RequestTimeout, OutcomeUnknown",
    "408, '', OutcomeUnknown",
    "409, ConditionalRequestConflict, Unavailable",
    "503, SlowDown, Unavailable",
    "429, TooManyRequests, Unavailable",
    "500, InternalError, OutcomeUnknown",
    "502, '', OutcomeUnknown",
    "504, '', OutcomeUnknown",
    "501, NotImplemented, Invalid",
  })
  void aPutThatFails(int status, String code, String kind) {
    answer = error(status, code);
    assertThatThrownBy(this::put)
        .isInstanceOf(StorageException.class)
        .extracting(e -> e.getClass().getSimpleName())
        .isEqualTo(kind);
  }

  @ParameterizedTest
  @CsvSource({
    "403, AccessDenied, Refused",
    "403, RequestTimeTooSkewed, Refused",
    "301, PermanentRedirect, Refused",
    "404, NoSuchBucket, Refused",
    "404, '', Refused",
    "400, RequestTimeout, Unavailable",
    "503, SlowDown, Unavailable",
    "429, TooManyRequests, Unavailable",
    "500, InternalError, Unavailable",
    "501, '', Unavailable", // Of a gateway before it: nothing that is asked here is new.
  })
  void aReadThatFails(int status, String code, String kind) {
    answer = error(status, code);
    assertThatThrownBy(() -> store.get("k", 0, 5, Cause.ADMIN))
        .extracting(e -> e.getClass().getSimpleName())
        .isEqualTo(kind);
    assertThatThrownBy(() -> store.list("k", "", 5, Cause.ADMIN))
        .extracting(e -> e.getClass().getSimpleName())
        .isEqualTo(kind);
  }

  @Test
  void whatIsThereAlreadyExists() throws Exception {
    answer = error(412, "PreconditionFailed");
    assertThat(put()).isEqualTo(PutOutcome.EXISTS);
  }

  @Test
  void onlyNoSuchKeyIsAbsence() throws Exception {
    answer = error(404, "NoSuchKey");
    assertThat(store.get("k", 0, 5, Cause.ADMIN)).isNull();
    assertThat(store.getSuffix("k", 5, Cause.ADMIN)).isNull();
  }

  @Test
  void aConnectionThatBreaksLeavesAPutUnknown() {
    answer = exchange -> {}; // Closed without an answer.
    assertThatThrownBy(this::put).isInstanceOf(StorageException.OutcomeUnknown.class);
    assertThatThrownBy(() -> store.get("k", 0, 5, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
  }

  @Test
  void aBodyThatEndsEarlyIsNoAnswer() {
    answer =
        exchange -> {
          exchange.getResponseHeaders().set("Content-Range", "bytes 0-9/10");
          exchange.sendResponseHeaders(206, 10);
          exchange.getResponseBody().write(OBJECT, 0, 4);
        };
    assertThatThrownBy(() -> store.get("k", 0, 10, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
  }

  @Test
  void aProxyThatLeavesRangesOutIsRead() throws Exception {
    answer = exchange -> send(exchange, 200, OBJECT);
    Fetched middle = Objects.requireNonNull(store.get("k", 3, 4, Cause.ADMIN));
    assertThat(text(middle)).isEqualTo("3456");
    assertThat(middle.objectBytes()).isEqualTo(10);
    assertThat(text(Objects.requireNonNull(store.getSuffix("k", 3, Cause.ADMIN)))).isEqualTo("789");
    assertThat(text(Objects.requireNonNull(store.getSuffix("k", 30, Cause.ADMIN))))
        .isEqualTo("0123456789");
    assertThat(text(Objects.requireNonNull(store.get("k", 12, 4, Cause.ADMIN)))).isEmpty();
  }

  private static String text(Fetched fetched) {
    return StandardCharsets.US_ASCII.decode(fetched.bytes()).toString();
  }

  /// A token that cannot be renewed just now is no reason to end: the service of tokens says so by
  /// an exception that is not S3's.
  @Test
  void aServiceOfCredentialsThatFailsIsWaitedFor() {
    store.close();
    store =
        store(
            () -> {
              throw SdkServiceException.builder().message("no token now").statusCode(500).build();
            });
    assertThatThrownBy(this::put).isInstanceOf(StorageException.OutcomeUnknown.class);
    assertThatThrownBy(() -> store.get("k", 0, 5, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
    assertThatThrownBy(() -> store.list("k", "", 5, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
    assertThatThrownBy(() -> store.delete("k", Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
  }

  private void hasty() {
    store.close();
    timeouts =
        new S3ObjectStore.Timeouts(
            Duration.ofMillis(300), 1000, WatchedHttpClient.Settings.STANDARD);
    store = store(StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")));
  }

  /// Each byte comes soon after the one before it, so no wait for one is long.
  @Test
  void aBodyThatTricklesIsGivenUp() {
    hasty();
    answer =
        exchange -> {
          exchange.getResponseHeaders().set("Content-Range", "bytes 0-99/100");
          exchange.sendResponseHeaders(206, 100);
          for (int i = 0; i < 100; i++) {
            exchange.getResponseBody().write('x');
            exchange.getResponseBody().flush();
            TASKS.sleep(100_000_000L);
          }
        };
    assertThatThrownBy(() -> store.get("k", 0, 100, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
  }

  @Test
  void aRequestWithoutAnAnswerIsGivenUp() {
    hasty();
    answer = exchange -> TASKS.sleep(60_000_000_000L);
    long start = TASKS.nanoTime();
    assertThatThrownBy(this::put).isInstanceOf(StorageException.OutcomeUnknown.class);
    assertThatThrownBy(() -> store.list("k", "", 5, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
    assertThatThrownBy(() -> store.delete("k", Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class);
    assertThat(TASKS.nanoTime() - start).as("sooner than any socket").isLessThan(20_000_000_000L);
  }

  @Test
  void whatIsLargeMayTakeLonger() {
    S3ObjectStore.Timeouts standard = S3ObjectStore.Timeouts.STANDARD;
    assertThat(standard.of(0)).isEqualTo(Duration.ofSeconds(60));
    assertThat(standard.of(32 << 20)).isEqualTo(Duration.ofSeconds(60 + 256));
  }

  /// Answers that a person must act on say what to do, whatever was asked.
  @ParameterizedTest
  @CsvSource({
    "403, RequestTimeTooSkewed, clock",
    "403, QuotaExceeded, quota",
    "507, XMinioStorageFull, quota",
    "400, ExpiredToken, renew",
    "403, AccessDenied, policy",
    "404, NoSuchBucket, create",
  })
  void aRefusalSaysWhatToDo(int status, String code, String word) {
    answer = error(status, code);
    assertThatThrownBy(this::put)
        .isInstanceOf(StorageException.Refused.class)
        .hasMessageContaining(word);
    assertThatThrownBy(() -> store.get("k", 0, 5, Cause.ADMIN)).hasMessageContaining(word);
    assertThatThrownBy(() -> store.list("k", "", 5, Cause.ADMIN)).hasMessageContaining(word);
    assertThatThrownBy(() -> store.delete("k", Cause.ADMIN)).hasMessageContaining(word);
  }

  /// What is wrong, by its kind, and in a sentence that no exception's text is part of.
  @ParameterizedTest
  @CsvSource({
    "503, SlowDown, THROTTLED, answered 503 SlowDown (said so)",
    "429, TooManyRequests, THROTTLED, answered 429",
    "500, InternalError, SERVER_ERROR, answered 500 InternalError",
    "403, AccessDenied, DENIED, is denied",
    "403, RequestTimeTooSkewed, CLOCK, clock",
    "400, ExpiredToken, CREDENTIALS_EXPIRED, expired",
    "404, NoSuchBucket, NO_BUCKET, no bucket",
    "403, QuotaExceeded, NO_SPACE, quota",
    "418, Teapot, OTHER, answered 418 Teapot",
  })
  void whatIsWrongHasAKindAndASentence(int status, String code, StoreTrouble kind, String words) {
    answer = error(status, code);
    assertThatThrownBy(this::put)
        .isInstanceOfSatisfying(
            StorageException.class, e -> assertThat(e.trouble()).isEqualTo(kind))
        .hasMessageContaining(words)
        .hasMessageNotContaining("Status Code");
  }

  @Test
  void aStoreThatIsNotThereIsSaidInWords() {
    server.stop(0);
    assertThatThrownBy(this::put)
        .isInstanceOf(StorageException.OutcomeUnknown.class)
        .hasMessageContaining("the connection was refused");
    store.close();
    store =
        new S3ObjectStore(
            S3Settings.parse(
                "s3://bucket/p", URI.create("http://nowhere.invalid"), "us-east-1", "k", "s"),
            StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")),
            timeouts,
            TASKS);
    assertThatThrownBy(() -> store.get("k", 0, 5, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class)
        .hasMessageContaining("check DNS");
  }

  /// As after an outage: what was sent into it is never answered, what is sent now is.
  @Test
  void aRequestOnADeadConnectionIsBrokenOff() {
    store.close();
    timeouts =
        new S3ObjectStore.Timeouts(
            Duration.ofMinutes(5),
            1000,
            new WatchedHttpClient.Settings(200_000_000L, 1_000_000_000L, 50_000_000L));
    store = store(StaticCredentialsProvider.create(AwsBasicCredentials.create("key", "secret")));
    answer =
        exchange -> {
          if (exchange.getRequestURI().getPath().endsWith("/probe")) {
            error(404, "NoSuchKey").handle(exchange);
          } else {
            TASKS.sleep(600_000_000_000L);
          }
        };
    assertThatThrownBy(this::put)
        .isInstanceOf(StorageException.OutcomeUnknown.class)
        .hasMessageContaining("dead");
    assertThatThrownBy(() -> store.get("k", 0, 5, Cause.ADMIN))
        .isInstanceOf(StorageException.Unavailable.class)
        .hasMessageContaining("dead");
  }

  @Test
  void aClosedStoreIsNoBugOfTheCaller() {
    store.close();
    assertThatThrownBy(() -> store.get("key", 0, 1, Cause.READ))
        .isInstanceOf(StorageException.Closed.class);
    assertThatThrownBy(() -> store.put("key", Body.of(OBJECT), Cause.BARRIER))
        .isInstanceOf(StorageException.Closed.class);
    assertThatThrownBy(() -> store.delete("key", Cause.SWEEP)).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> store.list("", "", 1, Cause.ADMIN))
        .isInstanceOf(StorageException.class);
  }
}
