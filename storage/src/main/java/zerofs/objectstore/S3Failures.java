package zerofs.objectstore;

import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.services.s3.model.NoSuchBucketException;
import software.amazon.awssdk.services.s3.model.S3Exception;

/// What failed answers of S3, or none, mean to the caller, and in words a person can act on.
final class S3Failures {
  private static final int UNAUTHORIZED = 401;
  private static final int FORBIDDEN = 403;
  private static final int NOT_FOUND = 404;
  private static final int REQUEST_TIMEOUT = 408;
  private static final int CONFLICT = 409;
  private static final int TOO_MANY_REQUESTS = 429;
  private static final int SERVER_ERRORS = 500;
  private static final int NOT_IMPLEMENTED = 501;
  private static final int SLOW_DOWN = 503;
  private static final int INSUFFICIENT_STORAGE = 507;

  private final S3Settings settings;

  S3Failures(S3Settings settings) {
    this.settings = settings;
  }

  /// Of a request that changes nothing, or that may be repeated as it is.
  StorageException of(String what, SdkException e) {
    if (!(e instanceof S3Exception answer)) {
      return new StorageException.Unavailable(StoreTrouble.NO_ANSWER, unanswered(what, e), e);
    }
    int status = answer.statusCode();
    return isServerError(status) || status == TOO_MANY_REQUESTS || isTimeout(answer)
        ? new StorageException.Unavailable(trouble(answer), said(what, answer), answer)
        : refused(what, answer);
  }

  /// Of a create-only PUT, which may have been applied without an answer.
  StorageException ofPut(String what, SdkException e) {
    if (!(e instanceof S3Exception answer)) {
      // Also what a service of credentials (STS, an instance's metadata) says when they are
      // renewed.
      return new StorageException.OutcomeUnknown(StoreTrouble.NO_ANSWER, unanswered(what, e), e);
    }
    int status = answer.statusCode();
    if (status == CONFLICT || status == SLOW_DOWN || status == TOO_MANY_REQUESTS) {
      // Another conditional write was under way, or the request was turned away: not applied.
      return new StorageException.Unavailable(trouble(answer), said(what, answer), answer);
    }
    boolean isOpen = isServerError(status) && status != NOT_IMPLEMENTED;
    return isOpen || isTimeout(answer)
        ? new StorageException.OutcomeUnknown(trouble(answer), said(what, answer), answer)
        : refused(what, answer);
  }

  /// Whether the store is there, whatever it thinks of the request.
  static boolean isAnswer(SdkException e) {
    return e instanceof S3Exception answer
        && answer.statusCode() < SERVER_ERRORS
        && answer.statusCode() != TOO_MANY_REQUESTS;
  }

  private static String code(S3Exception e) {
    String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
    return code == null ? "" : code;
  }

  /// A request that arrived too slowly, which S3 answers by 400: nothing that a person could mend.
  private static boolean isTimeout(S3Exception e) {
    return e.statusCode() == REQUEST_TIMEOUT || "RequestTimeout".equals(code(e));
  }

  /// The store's own trouble: whether a write was applied is open.
  private static boolean isServerError(int status) {
    return status >= SERVER_ERRORS && status != INSUFFICIENT_STORAGE;
  }

  private static StoreTrouble trouble(S3Exception e) {
    int status = e.statusCode();
    if (status == SLOW_DOWN || status == TOO_MANY_REQUESTS) {
      return StoreTrouble.THROTTLED;
    }
    return isServerError(status) ? StoreTrouble.SERVER_ERROR : StoreTrouble.OTHER;
  }

  private String said(String what, S3Exception e) {
    String message = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorMessage();
    String code = code(e);
    String text =
        what + ": " + settings + " answered " + e.statusCode() + (code.isEmpty() ? "" : " " + code);
    return message == null || message.isEmpty() ? text : text + " (" + message + ")";
  }

  private String unanswered(String what, SdkException e) {
    return what + ": no answer from " + settings + ": " + why(e);
  }

  private static String why(SdkException e) {
    if (e instanceof ApiCallTimeoutException) {
      return "it took too long";
    }
    UnknownHostException unknown = cause(e, UnknownHostException.class);
    if (unknown != null) {
      return "no address of the host is known (" + unknown.getMessage() + "): check DNS";
    }
    if (cause(e, InterruptedIOException.class) != null) {
      return "it took too long";
    }
    if (cause(e, ConnectException.class) != null) {
      return "the connection was refused";
    }
    SSLException tls = cause(e, SSLException.class);
    if (tls != null) {
      return "TLS failed: " + tls.getMessage();
    }
    return String.valueOf(e.getMessage());
  }

  private static <T extends Throwable> @Nullable T cause(Throwable e, Class<T> kind) {
    for (Throwable each = e; each != null; each = each.getCause()) {
      if (kind.isInstance(each)) {
        return kind.cast(each);
      }
    }
    return null;
  }

  /// What a person must act on.
  private StorageException refused(String what, S3Exception e) {
    String code = code(e);
    int status = e.statusCode();
    if (status == NOT_IMPLEMENTED) {
      return new StorageException.Invalid(
          StorageException.Invalid.Reason.NO_CREATE_ONLY,
          what
              + ": the store does not implement 'If-None-Match: *', without which two writers could"
              + " not be kept apart: use a store that does");
    }
    if (e instanceof NoSuchBucketException || status == NOT_FOUND) {
      return new StorageException.Refused(
          StoreTrouble.NO_BUCKET,
          what
              + ": there is no bucket '"
              + settings.bucket()
              + "' at "
              + settings
              + ": create it, or correct storage.url",
          e);
    }
    if ("RequestTimeTooSkewed".equals(code)) {
      return new StorageException.Refused(
          StoreTrouble.CLOCK,
          what
              + ": this machine's clock is too far off from the store's for signed requests: set"
              + " it; then it goes on by itself",
          e);
    }
    if (code.contains("Expired") || "InvalidToken".equals(code)) {
      return new StorageException.Refused(
          StoreTrouble.CREDENTIALS_EXPIRED,
          what
              + ": the credentials for "
              + settings
              + " have expired ("
              + code
              + "): renew them; then it goes on by itself where they are renewed from outside",
          e);
    }
    if (code.contains("Quota") || status == INSUFFICIENT_STORAGE) {
      return new StorageException.Refused(
          StoreTrouble.NO_SPACE,
          what
              + ": the quota of "
              + settings
              + " is used up ("
              + code
              + "): raise it, then it goes on by itself",
          e);
    }
    if (status == FORBIDDEN || status == UNAUTHORIZED) {
      return new StorageException.Refused(
          StoreTrouble.DENIED,
          what
              + ": access to "
              + settings
              + " is denied ("
              + code
              + "): check the [aws] keys and the bucket's policy",
          e);
    }
    return new StorageException.Refused(StoreTrouble.OTHER, said(what, e), e);
  }
}
