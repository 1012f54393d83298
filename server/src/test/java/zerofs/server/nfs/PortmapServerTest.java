package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import zerofs.base.SystemTasks;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

@SuppressWarnings("NullAway.Init")
@Timeout(60)
class PortmapServerTest {
  private static final int NFS_PORT = 2049;

  private final SystemTasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private PortmapServer server;

  @BeforeEach
  void serve() throws Exception {
    server = new PortmapServer(NFS_PORT, NfsSettings.standard(1), address(0), tasks);
    server.start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static InetSocketAddress address(int port) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  private RpcClient connect() throws IOException {
    return new RpcClient(new Socket(InetAddress.getLoopbackAddress(), server.port()));
  }

  private XdrReader ask(int version, int procedure, Consumer<XdrWriter> arguments)
      throws Exception {
    try (RpcClient client = connect()) {
      client.send(3, RpcClient.PORTMAP, version, procedure, arguments);
      return client.reply(3);
    }
  }

  private int port(int program, int version, int protocol) throws Exception {
    return ask(2, 3, out -> out.int32(program).int32(version).int32(protocol).int32(0)).int32();
  }

  private String address(int version, int procedure, int program, String network) throws Exception {
    byte[] address =
        ask(
                version,
                procedure,
                out -> {
                  out.int32(program).int32(3).opaque(RpcClient.bytes(network));
                  out.opaque(new byte[0]).opaque(new byte[0]);
                })
            .opaque(100);
    return new String(address, StandardCharsets.US_ASCII);
  }

  @Test
  void nfsAndMountAreFoundByTcpOnly() throws Exception {
    assertThat(port(NfsProcedure.PROGRAM, 3, 6)).isEqualTo(NFS_PORT);
    assertThat(port(RpcClient.MOUNT, 3, 6)).isEqualTo(NFS_PORT);
    assertThat(port(NfsProcedure.PROGRAM, 3, 17)).isZero();
    assertThat(port(NfsProcedure.PROGRAM, 4, 6)).isZero();
    assertThat(port(100021, 4, 6)).as("NLM").isZero();
  }

  @Test
  void rpcbindAnswersWithUniversalAddresses() throws Exception {
    assertThat(address(3, 3, RpcClient.MOUNT, "tcp")).isEqualTo("127.0.0.1.8.1");
    assertThat(address(4, 3, NfsProcedure.PROGRAM, "tcp")).isEqualTo("127.0.0.1.8.1");
    assertThat(address(4, 9, NfsProcedure.PROGRAM, "tcp")).isEqualTo("127.0.0.1.8.1");
    assertThat(address(4, 3, NfsProcedure.PROGRAM, "udp")).isEmpty();
    assertThat(address(4, 3, 100021, "tcp")).isEmpty();
  }

  @Test
  void theListNamesBothPrograms() throws Exception {
    XdrReader list = ask(2, 4, out -> {});
    List<Integer> programs = new ArrayList<>();
    while (list.bool()) {
      programs.add(list.int32());
      assertThat(new int[] {list.int32(), list.int32(), list.int32()})
          .containsExactly(3, 6, NFS_PORT);
    }
    assertThat(programs).containsExactly(NfsProcedure.PROGRAM, RpcClient.MOUNT);
    XdrReader addresses = ask(3, 4, out -> {});
    assertThat(addresses.bool()).isTrue();
    assertThat(addresses.int32()).isEqualTo(NfsProcedure.PROGRAM);
    assertThat(ask(2, 0, out -> {}).remaining()).as("NULL").isZero();
  }

  @Test
  void otherVersionsProgramsAndRegistrationsAreRefused() throws Exception {
    try (RpcClient client = connect()) {
      int[][] cases = {{RpcClient.PORTMAP, 5, 0, 2}, {RpcClient.PORTMAP, 2, 1, 3}, {7, 2, 0, 1}};
      for (int[] each : cases) {
        client.send(4, each[0], each[1], each[2], out -> {});
        XdrReader reply = client.rawReply(4);
        reply.int32();
        reply.int64();
        assertThat(reply.int32()).isEqualTo(each[3]);
      }
    }
  }

  @Test
  void datagramsAreAnsweredAndGarbageIsNot() throws Exception {
    try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
      socket.send(new DatagramPacket(new byte[] {1, 2, 3}, 3, address(server.port())));
      ByteBuffer call =
          RpcClient.record(
              8,
              RpcClient.PORTMAP,
              2,
              3,
              RpcClient.ROOT,
              out -> out.int32(RpcClient.MOUNT).int32(3).int32(6).int32(0));
      byte[] question = new byte[call.limit() - 4];
      call.get(4, question);
      socket.send(new DatagramPacket(question, question.length, address(server.port())));
      DatagramPacket reply = new DatagramPacket(new byte[100], 100);
      socket.receive(reply);
      assertThat(reply.getLength()).isEqualTo(28);
      ByteBuffer bytes = ByteBuffer.wrap(reply.getData());
      assertThat(bytes.getInt(0)).isEqualTo(8);
      assertThat(bytes.getInt(24)).isEqualTo(NFS_PORT);
    }
  }

  @Test
  void whoSaysNothingOrNonsenseIsLetGoWhenOthersCome() throws Exception {
    List<RpcClient> silent = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        RpcClient each = connect();
        silent.add(each);
        each.socket.getOutputStream().write(new byte[] {(byte) i, 0, 0});
      }
      assertThat(port(RpcClient.MOUNT, 3, 6)).isEqualTo(NFS_PORT);
    } finally {
      for (RpcClient each : silent) {
        each.close();
      }
    }
  }

  @Test
  void aTakenPortIsSaidInASentence() {
    PortmapServer second =
        new PortmapServer(NFS_PORT, NfsSettings.standard(1), address(server.port()), tasks);
    assertThatThrownBy(second::start)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("servers.nfs.portmap_addresses")
        .hasMessageContaining(String.valueOf(server.port()));
  }
}
