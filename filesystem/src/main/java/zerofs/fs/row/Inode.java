package zerofs.fs.row;

import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.FileType;

/// One inode, as its row holds it. Immutable: a change is `edit()`, then `build()`.
public final class Inode {
  /// Bytes of one extent: the unit of allocation.
  public static final int EXTENT_BYTES = 32 << 10;

  /// What a file is rounded up to at its end when its allocation is told.
  private static final int ALLOCATION_UNIT = 4096;

  public final long inode;
  public final FileType type;
  public final int mode;
  public final int nlink;
  public final int uid;
  public final int gid;

  /// Bytes of a file; bytes of the target of a symlink; 0 otherwise.
  public final long size;

  /// Existing extents of a file; entries of a directory.
  public final long units;

  /// Whether a file's `units` may be too high (never too low): it has holes, and something was
  /// written over extents of which it was not known whether they exist (docs/adr/0006).
  public final boolean guessed;

  public final int major;
  public final int minor;
  public final long atime;
  public final int atimeNanos;
  public final long mtime;
  public final int mtimeNanos;
  public final long ctime;
  public final int ctimeNanos;
  public final long btime;
  public final int btimeNanos;
  public final long change;

  /// Containing directory, of a directory.
  public final long parent;

  /// Next cookie, of a directory: creation order (0 to 2 are reserved).
  public final long nextCookie;

  /// Verifier of an exclusive create (RFC 1813 §3.3.8), 0 = none.
  public final long verifier;

  /// Target of a symlink, else null. Never changed.
  public final byte @Nullable [] target;

  private Inode(Draft draft) {
    inode = draft.inode;
    type = draft.type;
    mode = draft.mode;
    nlink = draft.nlink;
    uid = draft.uid;
    gid = draft.gid;
    size = draft.size;
    units = draft.units;
    guessed = draft.guessed;
    major = draft.major;
    minor = draft.minor;
    atime = draft.atime;
    atimeNanos = draft.atimeNanos;
    mtime = draft.mtime;
    mtimeNanos = draft.mtimeNanos;
    ctime = draft.ctime;
    ctimeNanos = draft.ctimeNanos;
    btime = draft.btime;
    btimeNanos = draft.btimeNanos;
    change = draft.change;
    parent = draft.parent;
    nextCookie = draft.nextCookie;
    verifier = draft.verifier;
    target = draft.target;
  }

  public boolean isDirectory() {
    return type == FileType.DIRECTORY;
  }

  public boolean isFile() {
    return type == FileType.REGULAR;
  }

  /// Bytes that count against the size of the volume: see [#allocated].
  public long allocatedBytes() {
    return isFile() ? allocated(units, size) : 0;
  }

  /// Each existing extent counts whole, but a file never counts more than its size rounded up to 4
  /// KiB (docs/adr/0006).
  public static long allocated(long extents, long size) {
    long roundedUp =
        size > Long.MAX_VALUE - ALLOCATION_UNIT
            ? Long.MAX_VALUE
            : (size + ALLOCATION_UNIT - 1) & -ALLOCATION_UNIT;
    return Math.min(extents * EXTENT_BYTES, roundedUp);
  }

  /// Extents that a file of `size` bytes without holes has.
  public static long extentsOf(long size) {
    return size / EXTENT_BYTES + (size % EXTENT_BYTES == 0 ? 0 : 1);
  }

  /// Whether the file has no holes: then each extent below its end is known to exist without a look
  /// at its row.
  public boolean isDense() {
    return !guessed && units == extentsOf(size);
  }

  public Attributes attributes() {
    return new Attributes(
        inode,
        type,
        mode,
        nlink,
        uid,
        gid,
        size,
        allocatedBytes(),
        major,
        minor,
        atime,
        atimeNanos,
        mtime,
        mtimeNanos,
        ctime,
        ctimeNanos,
        btime,
        btimeNanos,
        change,
        parent);
  }

  public Draft edit() {
    return new Draft(this);
  }

  public static Draft create(long inode, FileType type) {
    return new Draft(inode, type);
  }

  /// An inode being made or changed; one thread.
  public static final class Draft {
    public final long inode;
    public final FileType type;
    public int mode;
    public int nlink = 1;
    public int uid;
    public int gid;
    public long size;
    public long units;
    public boolean guessed;
    public int major;
    public int minor;
    public long atime;
    public int atimeNanos;
    public long mtime;
    public int mtimeNanos;
    public long ctime;
    public int ctimeNanos;
    public long btime;
    public int btimeNanos;
    public long change;
    public long parent;
    public long nextCookie;
    public long verifier;
    public byte @Nullable [] target;

    private Draft(long inode, FileType type) {
      this.inode = inode;
      this.type = type;
    }

    private Draft(Inode from) {
      inode = from.inode;
      type = from.type;
      mode = from.mode;
      nlink = from.nlink;
      uid = from.uid;
      gid = from.gid;
      size = from.size;
      units = from.units;
      guessed = from.guessed;
      major = from.major;
      minor = from.minor;
      atime = from.atime;
      atimeNanos = from.atimeNanos;
      mtime = from.mtime;
      mtimeNanos = from.mtimeNanos;
      ctime = from.ctime;
      ctimeNanos = from.ctimeNanos;
      btime = from.btime;
      btimeNanos = from.btimeNanos;
      change = from.change;
      parent = from.parent;
      nextCookie = from.nextCookie;
      verifier = from.verifier;
      target = from.target;
    }

    /// Sets atime to a wall-clock time in nanoseconds.
    public Draft atime(long wallNanos) {
      atime = Math.floorDiv(wallNanos, 1_000_000_000L);
      atimeNanos = (int) Math.floorMod(wallNanos, 1_000_000_000L);
      return this;
    }

    public Draft mtime(long wallNanos) {
      mtime = Math.floorDiv(wallNanos, 1_000_000_000L);
      mtimeNanos = (int) Math.floorMod(wallNanos, 1_000_000_000L);
      return this;
    }

    public Draft ctime(long wallNanos) {
      ctime = Math.floorDiv(wallNanos, 1_000_000_000L);
      ctimeNanos = (int) Math.floorMod(wallNanos, 1_000_000_000L);
      return this;
    }

    public Draft btime(long wallNanos) {
      btime = Math.floorDiv(wallNanos, 1_000_000_000L);
      btimeNanos = (int) Math.floorMod(wallNanos, 1_000_000_000L);
      return this;
    }

    public Inode build() {
      return new Inode(this);
    }
  }
}
