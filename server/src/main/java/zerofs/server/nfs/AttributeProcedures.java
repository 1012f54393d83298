package zerofs.server.nfs;

import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.VolumeStatistics;
import zerofs.fs.FsException;
import zerofs.fs.SetAttributes;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrWriter;

/// GETATTR, SETATTR, ACCESS, READLINK, FSSTAT, FSINFO, PATHCONF (RFC 1813 §3.3.1–5, 18–20).
final class AttributeProcedures {
  private static final int ACCESS_READ = 0x01;
  private static final int ACCESS_LOOKUP = 0x02;
  private static final int ACCESS_MODIFY = 0x04;
  private static final int ACCESS_EXTEND = 0x08;
  private static final int ACCESS_DELETE = 0x10;
  private static final int ACCESS_EXECUTE = 0x20;

  private static final int FSF3_LINK = 0x01;
  private static final int FSF3_SYMLINK = 0x02;
  private static final int FSF3_HOMOGENEOUS = 0x08;
  private static final int FSF3_CANSETTIME = 0x10;

  private static final int LINKS_MAX = 65_000;
  private static final int READDIR_BYTES = 128 << 10;
  private static final int BLOCK_BYTES = 32 << 10;

  private AttributeProcedures() {}

  static void getattr(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    Attributes attributes = request.fs().getattr(request.call(), request.inode());
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.attributes(out, request.fs().volumeId(), attributes);
  }

  static void setattr(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    SetAttributes wanted = NfsEncoding.setAttributes(request.arguments());
    SetAttributes.Time guard =
        request.arguments().bool() ? NfsEncoding.time(request.arguments()) : null;
    request.requireWritable();
    SetAttributes changes =
        new SetAttributes(
            wanted.mode(),
            wanted.uid(),
            wanted.gid(),
            wanted.size(),
            wanted.atime(),
            wanted.mtime(),
            guard);
    Attributes before = request.fs().getattr(request.call(), inode);
    Call call = wanted.size() == null ? request.call() : request.dataCall(before, 0);
    Attributes after = request.fs().setattr(call, inode, changes);
    request.reached(call);
    request.requireStable();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.wcc(out, request.fs().volumeId(), before, after);
  }

  static void access(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    int wanted = request.arguments().int32();
    Attributes attributes = request.fs().getattr(request.call(), inode);
    int granted = request.fs().access(request.call(), inode, 7);
    boolean isDirectory = attributes.type() == FileType.DIRECTORY;
    int bits = 0;
    if ((granted & 4) != 0) {
      bits |= ACCESS_READ;
    }
    // To change what is in a directory takes the right to search it too.
    int change = isDirectory ? 3 : 2;
    if ((granted & change) == change && !request.settings().readOnly()) {
      bits |= ACCESS_MODIFY | ACCESS_EXTEND | (isDirectory ? ACCESS_DELETE : 0);
    }
    if ((granted & 1) != 0) {
      bits |= isDirectory ? ACCESS_LOOKUP : ACCESS_EXECUTE;
    }
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, request.fs().volumeId(), attributes);
    out.int32(bits & wanted);
  }

  static void readlink(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    byte[] target = request.fs().readlink(request.call(), inode);
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, request.fs().volumeId(), request.attributesIfAny(inode));
    out.opaque(target);
  }

  static void fsstat(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    Attributes attributes = request.fs().getattr(request.call(), inode);
    VolumeStatistics statistics = request.fs().statfs(request.call());
    long freeBytes = Math.max(0, statistics.bytesTotal() - statistics.bytesUsed());
    long freeInodes = statistics.inodesTotal() - statistics.inodesUsed();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, request.fs().volumeId(), attributes);
    out.int64(statistics.bytesTotal()).int64(freeBytes).int64(freeBytes);
    out.int64(statistics.inodesTotal()).int64(freeInodes).int64(freeInodes);
    out.int32(0);
  }

  static void fsinfo(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    Attributes attributes = request.fs().getattr(request.call(), inode);
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, request.fs().volumeId(), attributes);
    out.int32(Filesystem.IO_BYTES_MAX).int32(Filesystem.IO_BYTES_MAX).int32(BLOCK_BYTES);
    out.int32(Filesystem.IO_BYTES_MAX).int32(Filesystem.IO_BYTES_MAX).int32(BLOCK_BYTES);
    out.int32(READDIR_BYTES).int64(Filesystem.FILE_BYTES_MAX);
    out.int32(0).int32(1); // time_delta: one nanosecond.
    out.int32(FSF3_LINK | FSF3_SYMLINK | FSF3_HOMOGENEOUS | FSF3_CANSETTIME);
  }

  static void pathconf(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    Attributes attributes = request.fs().getattr(request.call(), inode);
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, request.fs().volumeId(), attributes);
    out.int32(LINKS_MAX).int32(Filesystem.NAME_BYTES_MAX);
    out.bool(true).bool(true).bool(false).bool(true);
  }
}
