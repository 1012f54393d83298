package zerofs.server.nfs;

import java.nio.ByteBuffer;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// READ, WRITE, COMMIT (RFC 1813 §3.3.6, 7, 21).
final class DataProcedures {
  private static final int UNSTABLE = 0;
  private static final int FILE_SYNC = 2;

  private DataProcedures() {}

  /// Bytes of data that READ arguments ask for; 0 when they are none.
  static int replyBytes(XdrReader arguments) {
    try {
      arguments.opaqueView(FileHandle.BYTES_MAX);
      arguments.int64();
      return (int) Math.min(Integer.toUnsignedLong(arguments.int32()), Filesystem.IO_BYTES_MAX);
    } catch (XdrException e) {
      return 0;
    }
  }

  static void read(NfsRequest request, XdrWriter out) throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    long offset = request.arguments().int64();
    long count = Integer.toUnsignedLong(request.arguments().int32());
    Attributes before = request.fs().getattr(request.call(), inode);
    int length = (int) Math.min(count, Filesystem.IO_BYTES_MAX);
    int start = out.position();
    ByteBuffer target = out.buffer();
    int dataAt = start + 4 + 4 + ATTRIBUTES_BYTES + 12;
    target.limit(dataAt + length).position(dataAt);
    int read;
    try {
      read = request.fs().read(request.dataCall(before, 1), inode, offset, target);
    } finally {
      target.limit(target.capacity());
      out.rewindTo(start);
    }
    Attributes after = request.fs().getattr(request.call(), inode);
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, request.fs().volumeId(), after);
    boolean end = read < length || offset + read >= after.size();
    out.int32(read).bool(end).int32(read);
    target.position(dataAt + read);
    out.pad(read);
    request.counters().read(read);
  }

  /// Bytes of fattr3 on the wire.
  private static final int ATTRIBUTES_BYTES = 84;

  static void write(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    XdrReader in = request.arguments();
    long offset = in.int64();
    int count = in.int32();
    int stable = in.int32();
    ByteBuffer data = in.opaqueView(Filesystem.IO_BYTES_MAX);
    if (count < 0 || count > data.remaining() || stable < UNSTABLE || stable > FILE_SYNC) {
      throw new XdrException("WRITE of " + count + " bytes, stable_how " + stable);
    }
    request.requireWritable();
    Attributes before = request.fs().getattr(request.call(), inode);
    Call call = request.dataCall(before, 0);
    Attributes after = request.fs().write(call, inode, offset, data.limit(count));
    request.reached(call);
    if (stable != UNSTABLE) {
      request.requireStable();
    }
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.wcc(out, request.fs().volumeId(), before, after);
    out.int32(count).int32(stable == UNSTABLE ? UNSTABLE : FILE_SYNC);
    out.int64(request.settings().verifier());
    request.counters().written(count);
  }

  static void commit(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    request.arguments().int64();
    request.arguments().int32();
    request.requireWritable();
    Attributes attributes = request.fs().getattr(request.call(), inode);
    request.requireStable();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.wcc(out, request.fs().volumeId(), attributes, attributes);
    out.int64(request.settings().verifier());
  }
}
