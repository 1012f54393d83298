package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.xdr.XdrException;

/// Clients that send or read as nobody should: they may hurt themselves, and nobody else.
@SuppressWarnings("NullAway.Init")
@Timeout(120)
class HostileClientTest {
  private static final int MIB = 1 << 20;

  /// Room for a few large records and replies only.
  private static final long MEMORY_BYTES = 4 * MIB;

  private ServedVolume served;

  @BeforeEach
  void serve() throws Exception {
    served = new ServedVolume(new MemoryObjectStore(), NfsSettings.standard(9), MEMORY_BYTES);
  }

  @AfterEach
  void stop() {
    served.close();
  }

  private static void assertServed(RpcClient client, int xid, byte[] root)
      throws IOException, XdrException {
    assertThat(client.nfs(xid, NfsProcedure.GETATTR, out -> out.opaque(root)).int32()).isZero();
  }

  private static void write(RpcClient client, int xid, byte[] file) throws Exception {
    byte[] data = new byte[MIB];
    assertThat(
            client
                .nfs(
                    xid, NfsProcedure.WRITE, out -> RpcClient.writeArguments(out, file, 0, 0, data))
                .int32())
        .isZero();
  }

  @Test
  void aReaderWhoReadsNoRepliesBlocksItselfOnly() throws Exception {
    try (RpcClient good = served.connect();
        RpcClient bad = served.connect();
        RpcClient worse = served.connect()) {
      byte[] root = good.mount();
      byte[] file = good.create(2, root, "file");
      write(good, 3, file);
      List<Thread> senders = new ArrayList<>();
      for (RpcClient each : List.of(bad, worse)) {
        senders.add(Thread.ofVirtual().start(() -> askForGigabytes(each, file)));
      }
      for (int round = 0; round < 50; round++) {
        assertServed(good, 100 + round, root);
        assertThat(
                good.nfs(
                        200 + round, NfsProcedure.READ, out -> out.opaque(file).int64(0).int32(MIB))
                    .int32())
            .isZero();
      }
      bad.socket.close();
      worse.socket.close();
      for (Thread each : senders) {
        each.join();
      }
    }
  }

  private static void askForGigabytes(RpcClient client, byte[] file) {
    ByteBuffer read =
        RpcClient.record(
            7,
            NfsProcedure.PROGRAM,
            3,
            RpcClient.number(NfsProcedure.READ),
            RpcClient.ROOT,
            out -> out.opaque(file).int64(0).int32(MIB));
    try {
      for (int i = 0; i < 20_000; i++) {
        client.send(read);
      }
    } catch (IOException e) {
      assertThat(e).isInstanceOf(IOException.class); // Closed by the test, or by the server.
    }
  }

  @Test
  void sendersWhoNeverEndARecordDoNotKeepOthersFromWriting() throws Exception {
    List<RpcClient> slow = new ArrayList<>();
    try (RpcClient good = served.connect()) {
      byte[] root = good.mount();
      byte[] file = good.create(2, root, "file");
      for (int i = 0; i < 20; i++) {
        RpcClient each = served.connect();
        slow.add(each);
        // Most of a record of 1 MiB, then nothing.
        OutputStream out = each.socket.getOutputStream();
        byte[] part = new byte[64 << 10];
        ByteBuffer.wrap(part).putInt(0x80000000 | MIB);
        out.write(part);
      }
      for (int round = 0; round < 3; round++) {
        write(good, 10 + round, file);
      }
    } finally {
      for (RpcClient each : slow) {
        each.close();
      }
    }
  }

  @Test
  void moreConnectionsThanAreServedPushOutTheSilentOnes() throws Exception {
    List<RpcClient> silent = new ArrayList<>();
    try (RpcClient good = served.connect()) {
      byte[] root = good.mount();
      for (int i = 0; i < 700; i++) {
        silent.add(served.connect());
      }
      assertServed(good, 5, root);
      try (RpcClient late = served.connect()) {
        assertServed(late, 6, root);
      }
      assertServed(good, 7, root);
    } finally {
      for (RpcClient each : silent) {
        each.close();
      }
    }
  }

  @Test
  void aRecordInManyFragmentsIsOneRecord() throws Exception {
    try (RpcClient client = served.connect()) {
      byte[] root = client.mount();
      ByteBuffer whole =
          RpcClient.record(
              9,
              NfsProcedure.PROGRAM,
              3,
              RpcClient.number(NfsProcedure.GETATTR),
              RpcClient.ROOT,
              out -> out.opaque(root));
      ByteBuffer parts = ByteBuffer.allocate(1000);
      for (int at = 4; at < whole.limit(); at += 5) {
        int bytes = Math.min(5, whole.limit() - at);
        boolean last = at + bytes == whole.limit();
        parts.putInt((last ? 0x80000000 : 0) | bytes).put(whole.slice(at, bytes));
      }
      client.send(parts.flip());
      client.send(whole);
      assertThat(client.reply(9).int32()).isZero();
      assertThat(client.reply(9).int32()).isZero();
    }
  }

  @Test
  void recordsTooLongOrOfEndlessFragmentsEndTheirConnection() throws Exception {
    try (RpcClient good = served.connect();
        RpcClient huge = served.connect();
        RpcClient endless = served.connect()) {
      byte[] root = good.mount();
      huge.socket.getOutputStream().write(new byte[] {-1, -1, -1, -1});
      assertThat(huge.socket.getInputStream().read()).isEqualTo(-1);
      endless.socket.getOutputStream().write(new byte[4 * 65]);
      assertThat(endless.socket.getInputStream().read()).isEqualTo(-1);
      assertServed(good, 3, root);
    }
  }

  @Test
  void aClientOfAnotherNetworkIsNotServed() throws Exception {
    NfsSettings standard = NfsSettings.standard(9);
    NfsSettings elsewhere =
        new NfsSettings(
            standard.durability(),
            false,
            false,
            false,
            65534,
            65534,
            List.of(NfsSettings.Network.parse("192.0.2.0/24")),
            9);
    try (NfsServer other =
        new NfsServer(
            served.volume,
            elsewhere,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
            served.tasks)) {
      other.start();
      try (RpcClient client =
          new RpcClient(new Socket(InetAddress.getLoopbackAddress(), other.port()))) {
        assertThatThrownBy(client::mount).isInstanceOf(IOException.class);
      }
    }
  }
}
