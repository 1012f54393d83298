package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import zerofs.base.SeededRandomness;
import zerofs.base.SystemTasks;
import zerofs.codec.Compression;
import zerofs.fs.engine.Volume;
import zerofs.fs.page.SlabMemory;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.StoreCounters;
import zerofs.objectstore.TracedObjectStore;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// A live server over a volume in memory, spoken to in bytes.
@SuppressWarnings("NullAway.Init")
class NfsServerTest {
  private static final int MOUNT = 100005;

  private final SystemTasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private TracedObjectStore store;
  private Volume volume;
  private NfsServer server;

  @BeforeEach
  void serve() throws Exception {
    store = new TracedObjectStore(new MemoryObjectStore());
    SeededRandomness randomness = new SeededRandomness(1);
    VolumeSecrets secrets = VolumeSecrets.createOrOpen(store, "password", tasks, randomness);
    Volume.Settings settings =
        new Volume.Settings(
            "host", 16 << 20, 1 << 20, 1000, 1, Long.MAX_VALUE, new Compression.Zstd(1),
            3_600_000_000_000L, 512, 16 << 20);
    volume =
        new Volume(
            store, secrets, settings, tasks, randomness, SlabMemory.direct(), reason -> {});
    server = new NfsServer(volume, NfsSettings.standard(9), loopback(0), tasks);
    server.start();
  }

  @AfterEach
  void stop() {
    server.close();
    volume.close();
  }

  private static InetSocketAddress loopback(int port) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  /// Arguments of a call.
  @FunctionalInterface
  private interface Arguments {
    void write(XdrWriter out);
  }

  /// One connection of a client that is root.
  private final class Client implements AutoCloseable {
    private final Socket socket;

    Client() throws IOException {
      socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    }

    XdrReader call(int xid, int program, int procedure, Arguments arguments)
        throws IOException, XdrException {
      send(xid, program, procedure, arguments);
      return reply(xid);
    }

    void send(int xid, int program, int procedure, Arguments arguments) throws IOException {
      ByteBuffer out = ByteBuffer.allocate(2 << 20);
      XdrWriter writer = new XdrWriter(out.position(4));
      writer.int32(xid).int32(0).int32(2).int32(program).int32(3).int32(procedure);
      writer.int32(1).int32(20).int32(0).int32(0).int32(0).int32(0).int32(0);
      writer.int32(0).int32(0);
      arguments.write(writer);
      out.flip().putInt(0, 0x80000000 | (out.limit() - 4));
      socket.getOutputStream().write(out.array(), 0, out.limit());
    }

    XdrReader reply(int xid) throws IOException, XdrException {
      DataInputStream in = new DataInputStream(socket.getInputStream());
      byte[] bytes = new byte[in.readInt() & 0x7fffffff];
      in.readFully(bytes);
      XdrReader reader = new XdrReader(ByteBuffer.wrap(bytes));
      assertThat(reader.int32()).isEqualTo(xid);
      assertThat(reader.int32()).isEqualTo(1);
      assertThat(reader.int32()).isZero();
      reader.int64();
      assertThat(reader.int32()).as("accept_stat").isZero();
      return reader;
    }

    byte[] mount() throws IOException, XdrException {
      XdrReader reply = call(1, MOUNT, 1, out -> out.opaque("/".getBytes(StandardCharsets.US_ASCII)));
      assertThat(reply.int32()).isZero();
      return reply.opaque(FileHandle.BYTES_MAX);
    }

    byte[] create(int xid, byte[] root, String name) throws IOException, XdrException {
      XdrReader reply = call(xid, NfsProcedure.PROGRAM, 8, out -> createArguments(out, root, name));
      assertThat(reply.int32()).as("CREATE").isZero();
      assertThat(reply.bool()).isTrue();
      return reply.opaque(FileHandle.BYTES_MAX);
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /// GUARDED, nothing set.
  private static void createArguments(XdrWriter out, byte[] root, String name) {
    out.opaque(root).opaque(name.getBytes(StandardCharsets.UTF_8)).int32(1);
    out.int32(0).int32(0).int32(0).int32(0).int32(0).int32(0);
  }

  private static void writeArguments(
      XdrWriter out, byte[] file, long offset, int stable, byte[] data) {
    out.opaque(file).int64(offset).int32(data.length).int32(stable).opaque(data);
  }

  @Test
  void whatIsWrittenAndCommittedIsReadAndCostsOnePutEach() throws Exception {
    try (Client client = new Client()) {
      byte[] file = client.create(2, client.mount(), "file");
      byte[] data = new byte[4096];
      new Random(1).nextBytes(data);
      StoreCounters before = store.counters();
      for (int i = 0; i < 100; i++) {
        int at = i;
        XdrReader written =
            client.call(
                10 + 2 * i,
                NfsProcedure.PROGRAM,
                7,
                out -> writeArguments(out, file, at * 4096L, 0, data));
        assertThat(written.int32()).isZero();
        XdrReader committed =
            client.call(
                11 + 2 * i,
                NfsProcedure.PROGRAM,
                21,
                out -> out.opaque(file).int64(0).int32(0));
        assertThat(committed.int32()).isZero();
      }
      client.call(999, NfsProcedure.PROGRAM, 21, out -> out.opaque(file).int64(0).int32(0));
      StoreCounters spent = store.counters().since(before);
      assertThat(spent.of(StoreCounters.Request.PUT)).isEqualTo(100);
      assertThat(spent.total()).isEqualTo(100);
      XdrReader read =
          client.call(
              1000,
              NfsProcedure.PROGRAM,
              6,
              out -> out.opaque(file).int64(99 * 4096L).int32(8192));
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
    try (Client client = new Client()) {
      root = client.mount();
      file = client.create(77, root, "once");
    }
    try (Client again = new Client()) {
      assertThat(again.create(77, root, "once")).isEqualTo(file);
      XdrReader other =
          again.call(78, NfsProcedure.PROGRAM, 8, out -> createArguments(out, root, "once"));
      assertThat(other.int32()).as("a new call").isEqualTo(17);
    }
  }

  @Test
  void garbageEndsItsOwnConnectionAndNoOther() throws Exception {
    Random random = new Random(5);
    try (Client good = new Client()) {
      byte[] root = good.mount();
      for (int round = 0; round < 200; round++) {
        try (Client bad = new Client()) {
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
            good.call(
                5000 + round, NfsProcedure.PROGRAM, 3, out -> out.opaque(root).opaque(name));
        assertThat(reply.int32()).isEqualTo(2);
      }
    }
  }

  @Test
  void argumentsThatAreNoneAreGarbageArgsOrAnError() throws Exception {
    Random random = new Random(6);
    try (Client client = new Client()) {
      client.mount();
      for (int round = 0; round < 2000; round++) {
        byte[] noise = new byte[random.nextInt(60) * 4];
        random.nextBytes(noise);
        int procedure = 1 + random.nextInt(21);
        client.send(9000 + round, NfsProcedure.PROGRAM, procedure, out -> out.fixed(noise));
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
        new NfsServer(volume, NfsSettings.standard(1), loopback(server.port()), tasks);
    assertThatThrownBy(second::start)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("servers.nfs.addresses")
        .hasMessageContaining(String.valueOf(server.port()));
  }
}
