package zerofs.objectstore;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/// How an S3-compatible store is reached.
///
/// @param prefix keys are put below it; "" or ending with `/`
/// @param endpoint null = AWS
/// @param accessKey null = the SDK's default chain: environment, profile, web identity, instance
/// @param secretKey goes with `accessKey`; a secret
public record S3Settings(
    String bucket,
    String prefix,
    @Nullable URI endpoint,
    String region,
    @Nullable String accessKey,
    @Nullable String secretKey) {
  /// Parses `s3://bucket/prefix`.
  public static S3Settings parse(
      String url,
      @Nullable URI endpoint,
      String region,
      @Nullable String accessKey,
      @Nullable String secretKey) {
    String path = url.substring("s3://".length());
    int slash = path.indexOf('/');
    String bucket = slash < 0 ? path : path.substring(0, slash);
    String prefix = slash < 0 ? "" : path.substring(slash + 1).replaceAll("/+$", "");
    if (bucket.isEmpty()) {
      throw new IllegalArgumentException("'" + url + "' names no bucket: s3://bucket/prefix");
    }
    return new S3Settings(
        bucket, prefix.isEmpty() ? "" : prefix + "/", endpoint, region, accessKey, secretKey);
  }

  @Override
  public String toString() {
    return "s3://" + bucket + "/" + prefix + (endpoint == null ? "" : " at " + endpoint);
  }
}
