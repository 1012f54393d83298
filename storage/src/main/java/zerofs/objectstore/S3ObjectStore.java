package zerofs.objectstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.core.sync.ResponseTransformer;
import software.amazon.awssdk.http.AbortableInputStream;
import software.amazon.awssdk.http.ContentStreamProvider;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.apache5.Apache5HttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.retries.DefaultRetryStrategy;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.GetObjectRequest;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.ListObjectsV2Request;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.PutObjectRequest;
import software.amazon.awssdk.services.s3.model.S3Exception;
import zerofs.base.Tasks;

/// Objects in an S3-compatible bucket (AWS, Ceph RGW, MinIO). One request per call: retries are
/// [RetryingObjectStore]'s, or the caller's. Create-only is `If-None-Match: *`.
///
/// Every request ends: one that takes longer than its [Timeouts] is given up, and one on a
/// connection that died in an outage once that is over ([WatchedHttpClient]). A read is made again
/// then; a PUT may have been applied, which its caller finds out.
public final class S3ObjectStore implements ObjectStore {
  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration SOCKET_TIMEOUT = Duration.ofSeconds(60);
  private static final int CONNECTIONS_MAX = 64;

  private static final int RANGE_NOT_SATISFIABLE = 416;
  private static final int PRECONDITION_FAILED = 412;

  /// Nothing is there, which is an answer as well.
  private static final String PROBE_KEY = "probe";

  /// A probe is answered at once, or not at all.
  private static final Duration PROBE_TIMEOUT = Duration.ofSeconds(2);

  private final S3Settings settings;
  private final Timeouts timeouts;
  private final AwsCredentialsProvider credentials;
  private final S3Failures failures;
  private final S3Client client;
  private volatile @Nullable S3Client probes;
  private volatile boolean closed;

  /// How long a request may take in all, however alive its connection looks: a store that answers
  /// byte by byte is as good as gone. What is large may take longer, for links that are slow.
  ///
  /// @param base for any request
  /// @param bytesPerSecond slowest rate at which its bytes may move beyond that
  /// @param watch when a connection is taken for dead
  record Timeouts(Duration base, long bytesPerSecond, WatchedHttpClient.Settings watch) {
    static final Timeouts STANDARD =
        new Timeouts(Duration.ofSeconds(60), 128 << 10, WatchedHttpClient.Settings.STANDARD);

    Duration of(long bytes) {
      return base.plusMillis(1000 * bytes / bytesPerSecond);
    }
  }

  public S3ObjectStore(S3Settings settings, Tasks tasks) {
    this(settings, credentials(settings), Timeouts.STANDARD, tasks);
  }

  S3ObjectStore(
      S3Settings settings, AwsCredentialsProvider credentials, Timeouts timeouts, Tasks tasks) {
    this.settings = settings;
    this.credentials = credentials;
    this.timeouts = timeouts;
    this.failures = new S3Failures(settings);
    SdkHttpClient http =
        Apache5HttpClient.builder()
            .connectionTimeout(CONNECT_TIMEOUT)
            .socketTimeout(SOCKET_TIMEOUT)
            .maxConnections(CONNECTIONS_MAX)
            .expectContinueEnabled(false)
            .build();
    client =
        client(
            new WatchedHttpClient(http, this::answers, tasks, timeouts.watch()), timeouts.base());
  }

  private S3Client client(SdkHttpClient http, Duration timeout) {
    S3ClientBuilder builder =
        S3Client.builder()
            .region(Region.of(settings.region()))
            .credentialsProvider(credentials)
            .forcePathStyle(settings.endpoint() != null)
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED)
            .serviceConfiguration(S3Configuration.builder().chunkedEncodingEnabled(false).build())
            .overrideConfiguration(
                override ->
                    override
                        .retryStrategy(DefaultRetryStrategy.doNotRetry())
                        .apiCallTimeout(timeout))
            .httpClient(http);
    if (settings.endpoint() != null) {
      builder.endpointOverride(settings.endpoint());
    }
    return builder.build();
  }

  /// Whether the store answers a request on a connection that is new. One task asks.
  private boolean answers() {
    if (probes == null) {
      probes =
          client(
              Apache5HttpClient.builder()
                  .connectionTimeout(PROBE_TIMEOUT)
                  .socketTimeout(PROBE_TIMEOUT)
                  .maxConnections(1)
                  .build(),
              PROBE_TIMEOUT);
    }
    GetObjectRequest request =
        GetObjectRequest.builder()
            .bucket(settings.bucket())
            .key(name(PROBE_KEY))
            .range("bytes=0-0")
            .overrideConfiguration(override -> override.putHeader("Connection", "close"))
            .build();
    try {
      probes.getObject(request, ResponseTransformer.toBytes());
      return true;
    } catch (SdkException e) {
      return S3Failures.isAnswer(e);
    }
  }

  private static AwsCredentialsProvider credentials(S3Settings settings) {
    String access = settings.accessKey();
    String secret = settings.secretKey();
    return access == null || secret == null
        ? DefaultCredentialsProvider.builder().build()
        : StaticCredentialsProvider.create(AwsBasicCredentials.create(access, secret));
  }

  private String name(String key) {
    return settings.prefix() + key;
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    if (length == 0) {
      throw new IllegalArgumentException("GET of no bytes of " + key);
    }
    return range(key, "bytes=" + offset + "-" + (offset + length - 1), offset, length);
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    return range(key, "bytes=-" + length, -1, length);
  }

  /// @param offset of the first byte; -1 = the last `length` bytes
  private @Nullable Fetched range(String key, String range, long offset, int length)
      throws StorageException {
    GetObjectRequest request =
        GetObjectRequest.builder()
            .bucket(settings.bucket())
            .key(name(key))
            .range(range)
            .overrideConfiguration(override -> override.apiCallTimeout(timeouts.of(length)))
            .build();
    try {
      // Read inside the call: the time that it may take is for the body too.
      return unlessClosed(
          () ->
              client.getObject(request, (response, in) -> body(key, response, in, offset, length)));
    } catch (NoSuchKeyException e) {
      return null;
    } catch (S3Exception e) {
      if (e.statusCode() == RANGE_NOT_SATISFIABLE) {
        return new Fetched(ByteBuffer.allocate(0), 0); // An offset at or beyond the end.
      }
      throw failures.of("GET " + key, e);
    } catch (SdkException e) {
      throw failures.of("GET " + key, e);
    }
  }

  /// Some proxies leave ranges out and answer with the whole object: without a Content-Range the
  /// range is taken from that, whatever comes before it.
  private Fetched body(
      String key, GetObjectResponse response, AbortableInputStream in, long offset, int length)
      throws StorageException, IOException {
    Long announced = response.contentLength();
    if (announced == null) {
      throw new StorageException.Unavailable(
          "GET " + key + " from " + settings + ": the answer does not say how long it is");
    }
    long objectBytes = objectBytes(key, response, announced);
    boolean isWhole = response.contentRange() == null;
    long start = offset < 0 ? Math.max(0, objectBytes - length) : Math.min(offset, objectBytes);
    int bytes = (int) Math.min(length, isWhole ? objectBytes - start : announced);
    if (isWhole) {
      in.skipNBytes(start);
    }
    byte[] body = new byte[bytes];
    int got = in.readNBytes(body, 0, bytes);
    if (got != bytes) {
      throw new StorageException.Unavailable(
          "the body of " + key + " ended after " + got + " of " + bytes + " bytes");
    }
    if (isWhole && start + bytes < objectBytes) {
      in.abort(); // Reading the rest to reuse the connection would cost more.
    }
    return new Fetched(ByteBuffer.wrap(body), objectBytes);
  }

  /// Total size: what follows the slash of Content-Range.
  private static long objectBytes(String key, GetObjectResponse response, long announced)
      throws StorageException.Unavailable {
    String range = response.contentRange();
    if (range == null) {
      return announced;
    }
    try {
      return Long.parseLong(range.substring(range.lastIndexOf('/') + 1));
    } catch (NumberFormatException e) {
      throw new StorageException.Unavailable(
          "GET " + key + ": Content-Range '" + range + "' has no size", e);
    }
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    PutObjectRequest request =
        PutObjectRequest.builder()
            .bucket(settings.bucket())
            .key(name(key))
            .ifNoneMatch("*")
            .contentLength(body.bytes())
            .overrideConfiguration(override -> override.apiCallTimeout(timeouts.of(body.bytes())))
            .build();
    ContentStreamProvider stream = () -> new BodyStream(body);
    try {
      unlessClosed(
          () ->
              client.putObject(
                  request,
                  RequestBody.fromContentProvider(
                      stream, body.bytes(), "application/octet-stream")));
      return PutOutcome.CREATED;
    } catch (S3Exception e) {
      if (e.statusCode() == PRECONDITION_FAILED) {
        return PutOutcome.EXISTS;
      }
      throw failures.ofPut("PUT " + key, e);
    } catch (SdkException e) {
      if (body.wasMissed()) {
        throw new BodyLoan.TakenBack(key); // The connection ended within the body: not applied.
      }
      throw failures.ofPut("PUT " + key, e);
    }
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    try {
      unlessClosed(() -> client.deleteObject(ask -> ask.bucket(settings.bucket()).key(name(key))));
    } catch (NoSuchKeyException e) {
      return; // Some stores say so.
    } catch (SdkException e) {
      throw failures.of("DELETE " + key, e);
    }
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    ListObjectsV2Request.Builder request =
        ListObjectsV2Request.builder()
            .bucket(settings.bucket())
            .prefix(name(prefix))
            .maxKeys(limit);
    if (!startAfter.isEmpty()) {
      request.startAfter(name(startAfter));
    }
    try {
      List<Listed> found = new ArrayList<>();
      unlessClosed(() -> client.listObjectsV2(request.build()))
          .contents()
          .forEach(
              each ->
                  found.add(
                      new Listed(each.key().substring(settings.prefix().length()), each.size())));
      return found;
    } catch (SdkException e) {
      throw failures.of("LIST " + prefix, e);
    }
  }

  /// Once it is closed, parts of the client refuse requests in ways of their own.
  private <T> T unlessClosed(Supplier<T> request) throws StorageException.Closed {
    try {
      return request.get();
    } catch (RejectedExecutionException | IllegalStateException e) {
      if (closed) {
        throw new StorageException.Closed(settings + " is not asked any more");
      }
      throw e;
    }
  }

  @Override
  public void close() {
    closed = true;
    client.close();
    S3Client other = probes;
    if (other != null) {
      other.close();
    }
  }
}
