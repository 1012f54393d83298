package zerofs.objectstore;

import java.net.URI;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/// The contract against a real S3-compatible server: -Dzerofs.test.s3.endpoint=http://..., .bucket,
/// .access, .secret. Skipped without one.
@EnabledIfSystemProperty(named = "zerofs.test.s3.endpoint", matches = "http.*")
class S3ObjectStoreTest extends ObjectStoreContract {
  private static final AtomicInteger NUMBER = new AtomicInteger();

  @Override
  ObjectStore store() {
    String prefix = "contract-" + ProcessHandle.current().pid() + "-" + NUMBER.incrementAndGet();
    return new S3ObjectStore(
        S3Settings.parse(
            "s3://" + System.getProperty("zerofs.test.s3.bucket", "zerofs") + "/" + prefix,
            URI.create(System.getProperty("zerofs.test.s3.endpoint", "http://127.0.0.1")),
            "us-east-1",
            System.getProperty("zerofs.test.s3.access", ""),
            System.getProperty("zerofs.test.s3.secret", "")),
        ENDPOINT_TASKS);
  }
}
