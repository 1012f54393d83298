package zerofs.server.nfs;

import org.jspecify.annotations.Nullable;
import zerofs.base.Miss;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// One request as a procedure sees it: its arguments, who asks, and what its reply must wait for.
/// One thread at a time.
final class NfsRequest {
  /// Longest name that is looked at, to be answered by NAMETOOLONG: what fits into a record.
  private static final int NAME_BYTES_MAX = 1 << 20;

  private static final long NO_INODE = 0;

  private final Filesystem fs;
  private final NfsSettings settings;
  private final NfsCounters counters;
  private final XdrReader arguments;
  private final Call call;
  private final long[] named = {NO_INODE, NO_INODE};
  private int namedCount;
  private boolean stable;
  private long sequence;

  NfsRequest(
      Filesystem fs, NfsSettings settings, NfsCounters counters, XdrReader arguments, Call call) {
    this.fs = fs;
    this.settings = settings;
    this.counters = counters;
    this.arguments = arguments;
    this.call = call;
  }

  Filesystem fs() {
    return fs;
  }

  NfsSettings settings() {
    return settings;
  }

  NfsCounters counters() {
    return counters;
  }

  XdrReader arguments() {
    return arguments;
  }

  Call call() {
    return call;
  }

  /// The reply may be sent only when what the request did is stable.
  void requireStable() {
    stable = true;
    sequence = Math.max(sequence, call.sequence());
  }

  /// Adds what another call of the same request reached.
  void reached(Call other) {
    call.reached(other.sequence());
  }

  /// The commit sequence that must be stable before the reply; 0 = none.
  long stableSequence() {
    boolean waits = stable && settings.durability() != NfsSettings.Durability.MEMORY;
    return waits ? Math.max(sequence, call.sequence()) : 0;
  }

  void requireWritable() throws NfsFailure {
    if (settings.readOnly()) {
      throw new NfsFailure(NfsStatus.NFS3ERR_ROFS);
    }
  }

  /// Reads a file handle: the inode that it stands for.
  long inode() throws XdrException, NfsFailure {
    FileHandle handle = FileHandle.decode(arguments.opaque(FileHandle.BYTES_MAX));
    if (handle == null) {
      throw new NfsFailure(NfsStatus.NFS3ERR_BADHANDLE);
    }
    if (!handle.volumeId().equals(fs.volumeId())) {
      throw new NfsFailure(NfsStatus.NFS3ERR_STALE);
    }
    if (namedCount < named.length) {
      named[namedCount++] = handle.inode();
    }
    return handle.inode();
  }

  /// Writes post_op_attr of the object that the `index`th handle of the request names.
  void postOp(XdrWriter out, int index) {
    long inode = named[index];
    Attributes known = inode == NO_INODE ? null : attributesIfAny(inode);
    NfsEncoding.postOp(out, fs.volumeId(), known);
  }

  Name name() throws XdrException {
    return Name.of(arguments.opaque(NAME_BYTES_MAX));
  }

  /// Attributes for a reply that goes on without them. Asked after a change too, where a miss must
  /// not make the change happen again.
  @Nullable Attributes attributesIfAny(long inode) {
    try {
      return fs.getattr(call, inode);
    } catch (FsException | Miss e) {
      return null;
    }
  }

  /// The call to read or write a file by. A client checks permission when a file is opened, then
  /// reads and writes it whatever its mode has become; a server can't see opens, so the owner is
  /// let through (RFC 1813 §4.4), and whoever may execute a file may read it.
  Call dataCall(Attributes file, int executeMask) throws FsException {
    boolean isOwner = call.caller().uid() == file.uid();
    boolean mayExecute =
        !isOwner && executeMask != 0 && fs.access(call, file.inode(), executeMask) != 0;
    return isOwner || mayExecute ? call.asOpened() : call;
  }
}
