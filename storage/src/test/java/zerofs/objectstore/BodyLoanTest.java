package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.base.SimulatedTasks;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;

/// Bytes that were taken back are read no more, by any store.
class BodyLoanTest {
  /// More than the buffers of a connection hold on their way.
  private static final int BYTES = 64 << 20;

  private final Tasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });

  private Body lent(BodyLoan loan, int bytes) {
    return new Body(List.of(ByteBuffer.allocateDirect(bytes)), loan);
  }

  @Test
  void takingBackWaitsForTheStretchThatIsBeingRead() {
    SimulatedTasks simulation = new SimulatedTasks(1);
    simulation.run(
        () -> {
          BodyLoan loan = new BodyLoan(simulation);
          assertThat(loan.begin()).isTrue();
          Tasks.Task owner = simulation.fork("owner", Tasks.Kind.WAITING, loan::takeBack);
          simulation.sleep(1_000_000);
          assertThat(owner.isDone()).isFalse();
          loan.end();
          owner.join();
          assertThat(loan.wasMissed()).isFalse();
          assertThat(loan.begin()).isFalse();
          assertThat(loan.wasMissed()).isTrue();
        });
  }

  @Test
  void noStoreReadsWhatWasTakenBack(@TempDir Path directory) throws Exception {
    BodyLoan loan = new BodyLoan(tasks);
    loan.takeBack();
    MemoryObjectStore memory = new MemoryObjectStore();
    assertThatThrownBy(() -> memory.put("k", lent(loan, 10), Cause.BARRIER))
        .isInstanceOf(BodyLoan.TakenBack.class);
    assertThat(memory.list("", "", 9, Cause.ADMIN)).isEmpty();
    assertThatThrownBy(() -> new Disk.Real().write(directory.resolve("k"), lent(loan, 10)))
        .isInstanceOf(IOException.class);
    assertThat(Files.size(directory.resolve("k"))).isZero();
    try (BodyStream in = new BodyStream(lent(loan, 10))) {
      assertThatThrownBy(in::read).isInstanceOf(IOException.class);
    }
  }

  /// The connection ends within the body, so the store creates nothing; and it is no failure of the
  /// store.
  @Test
  void aPutOnItsWayToS3EndsWithinItsBody() throws Exception {
    BodyLoan loan = new BodyLoan(tasks);
    AtomicLong arrived = new AtomicLong();
    CountDownLatch ended = new CountDownLatch(1);
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(work -> tasks.fork("s3 request", Tasks.Kind.WAITING, work));
    server.createContext(
        "/",
        exchange -> {
          try (exchange) {
            InputStream in = exchange.getRequestBody();
            arrived.addAndGet(in.readNBytes(1 << 20).length);
            loan.takeBack();
            arrived.addAndGet(in.readAllBytes().length);
          } finally {
            ended.countDown();
          }
        });
    server.start();
    URI endpoint = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
    try (TracedObjectStore store =
        new TracedObjectStore(
            new S3ObjectStore(
                S3Settings.parse("s3://bucket/prefix", endpoint, "us-east-1", "key", "secret"),
                tasks),
            tasks)) {
      assertThatThrownBy(() -> store.put("k", lent(loan, BYTES), Cause.BARRIER))
          .isInstanceOf(BodyLoan.TakenBack.class);
      ended.await();
      assertThat(arrived.get()).isBetween(1L << 20, BYTES - 1L);
      assertThat(store.counters().errors()).isZero();
      assertThat(store.trouble()).isNull();
    } finally {
      server.stop(0);
    }
  }
}
