package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// One connection of a client, spoken in bytes. It is root unless told otherwise.
public final class RpcClient implements AutoCloseable {
  public static final int MOUNT = 100005;
  public static final int PORTMAP = 100000;

  /// Writes flavor, length and body of the credentials.
  public static final Consumer<XdrWriter> ROOT = sys(0, 0);

  final Socket socket;
  private Consumer<XdrWriter> credentials = ROOT;

  public RpcClient(Socket socket) {
    this.socket = socket;
  }

  public static Consumer<XdrWriter> sys(int uid, int gid, int... groups) {
    return out -> {
      out.int32(1).int32(20 + 4 * groups.length).int32(0).int32(0).int32(uid).int32(gid);
      out.int32(groups.length);
      for (int each : groups) {
        out.int32(each);
      }
    };
  }

  public RpcClient as(Consumer<XdrWriter> who) {
    credentials = who;
    return this;
  }

  /// A call record with its mark.
  public static ByteBuffer record(
      int xid,
      int program,
      int version,
      int procedure,
      Consumer<XdrWriter> who,
      Consumer<XdrWriter> arguments) {
    ByteBuffer out = ByteBuffer.allocate(2 << 20);
    XdrWriter writer = new XdrWriter(out.position(4));
    writer.int32(xid).int32(0).int32(2).int32(program).int32(version).int32(procedure);
    who.accept(writer);
    writer.int32(0).int32(0);
    arguments.accept(writer);
    out.flip().putInt(0, 0x80000000 | (out.limit() - 4));
    return out;
  }

  public void send(ByteBuffer bytes) throws IOException {
    socket.getOutputStream().write(bytes.array(), bytes.arrayOffset(), bytes.limit());
  }

  public void send(int xid, int program, int version, int procedure, Consumer<XdrWriter> arguments)
      throws IOException {
    send(record(xid, program, version, procedure, credentials, arguments));
  }

  /// A reply after its xid and message type: reply_stat comes next.
  public XdrReader rawReply(int xid) throws IOException, XdrException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    byte[] bytes = new byte[in.readInt() & 0x7fffffff];
    in.readFully(bytes);
    XdrReader reader = new XdrReader(ByteBuffer.wrap(bytes));
    assertThat(reader.int32()).as("xid").isEqualTo(xid);
    assertThat(reader.int32()).isEqualTo(1);
    return reader;
  }

  /// The results of an accepted call.
  public XdrReader reply(int xid) throws IOException, XdrException {
    XdrReader reader = rawReply(xid);
    assertThat(reader.int32()).as("reply_stat").isZero();
    reader.int64();
    assertThat(reader.int32()).as("accept_stat").isZero();
    return reader;
  }

  public XdrReader call(int xid, int program, int procedure, Consumer<XdrWriter> arguments)
      throws IOException, XdrException {
    send(xid, program, 3, procedure, arguments);
    return reply(xid);
  }

  public static int number(NfsProcedure procedure) {
    return List.of(NfsProcedure.values()).indexOf(procedure);
  }

  public XdrReader nfs(int xid, NfsProcedure procedure, Consumer<XdrWriter> arguments)
      throws IOException, XdrException {
    return call(xid, NfsProcedure.PROGRAM, number(procedure), arguments);
  }

  public byte[] mount() throws IOException, XdrException {
    XdrReader reply = call(1, MOUNT, 1, out -> out.opaque(bytes("/")));
    assertThat(reply.int32()).isZero();
    return reply.opaque(FileHandle.BYTES_MAX);
  }

  public byte[] create(int xid, byte[] root, String name) throws IOException, XdrException {
    XdrReader reply = nfs(xid, NfsProcedure.CREATE, out -> createArguments(out, root, name));
    assertThat(reply.int32()).as("CREATE").isZero();
    assertThat(reply.bool()).isTrue();
    return reply.opaque(FileHandle.BYTES_MAX);
  }

  public byte[] mkdir(int xid, byte[] root, String name, int mode)
      throws IOException, XdrException {
    XdrReader reply =
        nfs(
            xid,
            NfsProcedure.MKDIR,
            out -> {
              out.opaque(root).opaque(bytes(name)).int32(1).int32(mode);
              out.int32(0).int32(0).int32(0).int32(0).int32(0);
            });
    assertThat(reply.int32()).as("MKDIR").isZero();
    assertThat(reply.bool()).isTrue();
    return reply.opaque(FileHandle.BYTES_MAX);
  }

  /// GUARDED, nothing set.
  public static void createArguments(XdrWriter out, byte[] root, String name) {
    out.opaque(root).opaque(bytes(name)).int32(1);
    out.int32(0).int32(0).int32(0).int32(0).int32(0).int32(0);
  }

  public static void writeArguments(
      XdrWriter out, byte[] file, long offset, int stable, byte[] data) {
    out.opaque(file).int64(offset).int32(data.length).int32(stable).opaque(data);
  }

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
