package zerofs.objectstore;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/// The contract against the endpoint that other tests use: it must do as real ones do, and the
/// client's way of asking is run by every build.
@SuppressWarnings("NullAway.Init")
class FakeS3Test extends ObjectStoreContract {
  private static FakeS3 endpoint;

  private String test = "";

  @BeforeAll
  static void start() throws Exception {
    endpoint = new FakeS3();
  }

  @AfterAll
  static void stop() {
    endpoint.close();
  }

  @BeforeEach
  void name(TestInfo info) {
    test = info.getDisplayName().replaceAll("\\W", "");
  }

  @Override
  ObjectStore store() {
    return new S3ObjectStore(
        S3Settings.parse("s3://bucket/" + test, endpoint.endpoint(), "us-east-1", "key", "secret"),
        ENDPOINT_TASKS);
  }
}
