package zerofs.server.nfs;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.List;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;

/// For fuzzing: an export of a filesystem.
public final class NfsTarget {
  private static final int REPLY_BYTES_MIN = 24;

  private final NfsService service;

  public NfsTarget(Filesystem fs) {
    NfsSettings settings =
        new NfsSettings(
            NfsSettings.Durability.MEMORY, false, false, false, 65534, 65534, List.of(), 1);
    service =
        new NfsService(
            fs,
            settings,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), 2049),
            new NfsCounters());
  }

  /// Serves the arguments of a call; the first byte says of which procedure.
  public void run(byte[] input) throws XdrException, FsException {
    if (input.length < 1) {
      return;
    }
    ByteBuffer header = ByteBuffer.allocate(40);
    header.putInt(7).putInt(0).putInt(2).putInt(NfsProcedure.PROGRAM);
    header.putInt(NfsProcedure.VERSION).putInt(Math.floorMod(input[0], 23));
    header.putLong(0).putLong(0).flip();
    RpcCall call = RpcCall.decode(new XdrReader(header));
    XdrReader arguments = new XdrReader(ByteBuffer.wrap(input, 1, input.length - 1).slice());
    int bytes = NfsService.replyBytes(NfsProcedure.ofNumber(call.procedure()), arguments);
    NfsService.Served served =
        service.serve(call, arguments, true, ByteBuffer.allocateDirect(bytes));
    if (served.reply().remaining() < REPLY_BYTES_MIN) {
      throw new IllegalStateException("a reply of " + served.reply().remaining() + " bytes");
    }
  }
}
