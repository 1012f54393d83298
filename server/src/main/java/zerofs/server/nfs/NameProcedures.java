package zerofs.server.nfs;

import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// LOOKUP, CREATE, MKDIR, SYMLINK, MKNOD, REMOVE, RMDIR, RENAME, LINK (RFC 1813 §3.3.3, 8–15).
final class NameProcedures {
  private static final int UNCHECKED = 0;
  private static final int GUARDED = 1;
  private static final int EXCLUSIVE = 2;
  private static final int PATH_BYTES_MAX = 64 << 10;
  private static final int DEFAULT_FILE_MODE = 0644;
  private static final int DEFAULT_DIRECTORY_MODE = 0755;

  private NameProcedures() {}

  static void lookup(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    Attributes found = request.fs().lookup(request.call(), directory, request.name());
    out.int32(NfsStatus.NFS3_OK.code());
    new zerofs.wire.nfs3.FileHandle(request.fs().volumeId(), found.inode()).encode(out);
    NfsEncoding.postOp(out, request.fs().volumeId(), found);
    NfsEncoding.postOp(out, request.fs().volumeId(), request.attributesIfAny(directory));
  }

  static void create(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    Name name = request.name();
    XdrReader in = request.arguments();
    int how = in.int32();
    request.requireWritable();
    Attributes before = request.attributesIfAny(directory);
    Attributes made =
        switch (how) {
          case UNCHECKED, GUARDED -> {
            SetAttributes initial = NfsEncoding.setAttributes(in);
            yield request
                .fs()
                .create(
                    request.call(),
                    directory,
                    name,
                    mode(initial, DEFAULT_FILE_MODE),
                    how == GUARDED,
                    withoutMode(initial));
          }
          case EXCLUSIVE ->
              request.fs().createExclusive(request.call(), directory, name, in.int64());
          default -> throw new XdrException("createmode3 " + how);
        };
    made(request, out, directory, before, made);
  }

  /// The mode is part of making the inode: whoever makes a file may give it any mode.
  private static int mode(SetAttributes initial, int otherwise) {
    Integer mode = initial.mode();
    return mode == null ? otherwise : mode;
  }

  private static SetAttributes withoutMode(SetAttributes initial) {
    return new SetAttributes(
        null, initial.uid(), initial.gid(), initial.size(), initial.atime(), initial.mtime(), null);
  }

  private static void made(
      NfsRequest request,
      XdrWriter out,
      long directory,
      @Nullable Attributes before,
      Attributes made) {
    request.requireStable();
    String volume = request.fs().volumeId();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOpHandle(out, volume, made.inode());
    NfsEncoding.postOp(out, volume, made);
    NfsEncoding.wcc(out, volume, before, request.attributesIfAny(directory));
  }

  static void mkdir(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    Name name = request.name();
    SetAttributes initial = NfsEncoding.setAttributes(request.arguments());
    request.requireWritable();
    Attributes before = request.attributesIfAny(directory);
    int mode = mode(initial, DEFAULT_DIRECTORY_MODE);
    Attributes made =
        request.fs().mkdir(request.call(), directory, name, mode, withoutMode(initial));
    made(request, out, directory, before, made);
  }

  static void symlink(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    Name name = request.name();
    SetAttributes initial = NfsEncoding.setAttributes(request.arguments());
    byte[] target = request.arguments().opaque(PATH_BYTES_MAX);
    request.requireWritable();
    Attributes before = request.attributesIfAny(directory);
    Attributes made = request.fs().symlink(request.call(), directory, name, target, initial);
    made(request, out, directory, before, made);
  }

  static void mknod(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    Name name = request.name();
    XdrReader in = request.arguments();
    int type = in.int32();
    FileType wanted =
        switch (type) {
          case 3 -> FileType.BLOCK_DEVICE;
          case 4 -> FileType.CHARACTER_DEVICE;
          case 6 -> FileType.SOCKET;
          case 7 -> FileType.FIFO;
          default -> throw new NfsFailure(NfsStatus.NFS3ERR_BADTYPE);
        };
    SetAttributes initial = NfsEncoding.setAttributes(in);
    int mode = mode(initial, DEFAULT_FILE_MODE);
    boolean isDevice = wanted == FileType.BLOCK_DEVICE || wanted == FileType.CHARACTER_DEVICE;
    int major = isDevice ? in.int32() : 0;
    int minor = isDevice ? in.int32() : 0;
    request.requireWritable();
    Attributes before = request.attributesIfAny(directory);
    Attributes made =
        request
            .fs()
            .mknod(
                request.call(), directory, name, wanted, mode, major, minor, withoutMode(initial));
    made(request, out, directory, before, made);
  }

  /// Removes a name.
  @FunctionalInterface
  private interface Removal {
    void remove(Call call, long directory, Name name) throws FsException;
  }

  static void remove(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    remove(request, out, request.fs()::unlink);
  }

  static void rmdir(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    remove(request, out, request.fs()::rmdir);
  }

  private static void remove(NfsRequest request, XdrWriter out, Removal removal)
      throws XdrException, NfsFailure, FsException {
    long directory = request.inode();
    Name name = request.name();
    request.requireWritable();
    Attributes before = request.attributesIfAny(directory);
    removal.remove(request.call(), directory, name);
    request.requireStable();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.wcc(out, request.fs().volumeId(), before, request.attributesIfAny(directory));
  }

  static void rename(NfsRequest request, XdrWriter out)
      throws XdrException, NfsFailure, FsException {
    long fromDirectory = request.inode();
    Name from = request.name();
    long toDirectory = request.inode();
    Name to = request.name();
    request.requireWritable();
    Attributes fromBefore = request.attributesIfAny(fromDirectory);
    Attributes toBefore = request.attributesIfAny(toDirectory);
    request.fs().rename(request.call(), fromDirectory, from, toDirectory, to, RenameMode.REPLACE);
    request.requireStable();
    String volume = request.fs().volumeId();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.wcc(out, volume, fromBefore, request.attributesIfAny(fromDirectory));
    NfsEncoding.wcc(out, volume, toBefore, request.attributesIfAny(toDirectory));
  }

  static void link(NfsRequest request, XdrWriter out) throws XdrException, NfsFailure, FsException {
    long inode = request.inode();
    long directory = request.inode();
    Name name = request.name();
    request.requireWritable();
    Attributes before = request.attributesIfAny(directory);
    Attributes linked = request.fs().link(request.call(), inode, directory, name);
    request.requireStable();
    String volume = request.fs().volumeId();
    out.int32(NfsStatus.NFS3_OK.code());
    NfsEncoding.postOp(out, volume, linked);
    NfsEncoding.wcc(out, volume, before, request.attributesIfAny(directory));
  }
}
