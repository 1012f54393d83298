package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.StoreCounters;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.xdr.XdrReader;

/// A live server over a volume in memory, spoken to in bytes.
@SuppressWarnings("NullAway.Init")
class NfsServerTest {
  private ServedVolume served;

  @BeforeEach
  void serve() throws Exception {
    served = new ServedVolume(new MemoryObjectStore(), NfsSettings.standard(9), 32 << 20);
  }

  @AfterEach
  void stop() {
    served.close();
  }

  @Test
  void whatIsWrittenAndCommittedIsReadAndCostsOnePutEach() throws Exception {
    try (RpcClient client = served.connect()) {
      byte[] file = client.create(2, client.mount(), "file");
      byte[] data = new byte[4096];
      new Random(1).nextBytes(data);
      StoreCounters before = served.store.counters();
      for (int i = 0; i < 100; i++) {
        int at = i;
        XdrReader written =
            client.call(
                10 + 2 * i,
                NfsProcedure.PROGRAM,
                7,
                out -> RpcClient.writeArguments(out, file, at * 4096L, 0, data));
        assertThat(written.int32()).isZero();
        XdrReader committed =
            client.call(
                11 + 2 * i, NfsProcedure.PROGRAM, 21, out -> out.opaque(file).int64(0).int32(0));
        assertThat(committed.int32()).isZero();
      }
      client.call(999, NfsProcedure.PROGRAM, 21, out -> out.opaque(file).int64(0).int32(0));
      StoreCounters spent = served.store.counters().since(before);
      assertThat(spent.of(StoreCounters.Request.PUT)).isEqualTo(100);
      assertThat(spent.total()).isEqualTo(100);
      XdrReader read =
          client.call(
              1000, NfsProcedure.PROGRAM, 6, out -> out.opaque(file).int64(99 * 4096L).int32(8192));
      assertThat(read.int32()).isZero();
      assertThat(read.bool()).isTrue();
      for (int i = 0; i < 21; i++) {
        read.int32();
      }
      assertThat(read.int32()).isEqualTo(4096);
      assertThat(read.bool()).isTrue();
      assertThat(read.opaque(1 << 20)).isEqualTo(data);
    }
  }

  @Test
  void aRetransmissionAfterAReconnectIsAnsweredAndNotDoneAgain() throws Exception {
    byte[] root;
    byte[] file;
    try (RpcClient client = served.connect()) {
      root = client.mount();
      file = client.create(77, root, "once");
    }
    try (RpcClient again = served.connect()) {
      assertThat(again.create(77, root, "once")).isEqualTo(file);
      XdrReader other =
          again.call(
              78, NfsProcedure.PROGRAM, 8, out -> RpcClient.createArguments(out, root, "once"));
      assertThat(other.int32()).as("a new call").isEqualTo(17);
    }
  }

  @Test
  void garbageEndsItsOwnConnectionAndNoOther() throws Exception {
    Random random = new Random(5);
    try (RpcClient good = served.connect()) {
      byte[] root = good.mount();
      for (int round = 0; round < 200; round++) {
        try (RpcClient bad = served.connect()) {
          byte[] garbage = new byte[4 + random.nextInt(300)];
          random.nextBytes(garbage);
          if (random.nextBoolean()) {
            ByteBuffer.wrap(garbage).putInt(0, 0x80000000 | (garbage.length - 4));
          }
          bad.socket.getOutputStream().write(garbage);
        } catch (IOException e) {
          assertThat(e).hasMessageMatching("(?i).*(reset|pipe|abort).*");
        }
        byte[] name = {(byte) ('a' + round % 26)};
        XdrReader reply =
            good.call(5000 + round, NfsProcedure.PROGRAM, 3, out -> out.opaque(root).opaque(name));
        assertThat(reply.int32()).isEqualTo(2);
      }
    }
  }

  @Test
  void argumentsThatAreNoneAreGarbageArgsOrAnError() throws Exception {
    Random random = new Random(6);
    try (RpcClient client = served.connect()) {
      client.mount();
      for (int round = 0; round < 2000; round++) {
        byte[] noise = new byte[random.nextInt(60) * 4];
        random.nextBytes(noise);
        int procedure = 1 + random.nextInt(21);
        client.send(9000 + round, NfsProcedure.PROGRAM, 3, procedure, out -> out.fixed(noise));
        DataInputStream in = new DataInputStream(client.socket.getInputStream());
        byte[] reply = new byte[in.readInt() & 0x7fffffff];
        in.readFully(reply);
        assertThat(ByteBuffer.wrap(reply).getInt()).isEqualTo(9000 + round);
      }
    }
  }

  @Test
  void aTakenPortIsSaidInASentence() {
    NfsServer second =
        new NfsServer(
            served.volume,
            NfsSettings.standard(1),
            new InetSocketAddress(InetAddress.getLoopbackAddress(), served.server.port()),
            served.tasks);
    assertThatThrownBy(second::start)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("servers.nfs.addresses")
        .hasMessageContaining(String.valueOf(served.server.port()));
  }
}
