package zerofs.golden;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.SetTime;
import zerofs.fs.SetAttributes.Time;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.StorageException;

/// What happened to the golden volume: two writers, the second of which crashed after a barrier.
/// Never changed; another story is another golden volume.
final class GoldenStory {
  static final String FAR = "far";
  static final long FAR_OFFSET = 1L << 40;

  private static final Call ROOT = Call.waiting(Caller.ROOT);
  private static final Call USER = Call.waiting(new Caller(1000, 100));
  private static final int EXTENT = 32 << 10;

  static byte[] far() {
    return Golden.text(100, "far out ");
  }

  /// Expected bytes of the files in the root, by name: made by the same steps on plain arrays.
  Map<String, byte[]> contents() {
    Map<String, byte[]> files = new TreeMap<>();
    files.put("inline", Golden.text(300, "small "));
    files.put("empty", new byte[0]);
    byte[] big = Golden.text(4 * EXTENT + 1000, "a line of a larger file\n");
    put(big, EXTENT + 5, Golden.random(700, 21));
    put(big, 2 * EXTENT + 30_000, Golden.text(3000, "over an edge "));
    files.put("renamed", big);
    byte[] holes = new byte[5 * EXTENT];
    put(holes, 2 * EXTENT + 100, Golden.random(600, 22));
    put(holes, 5 * EXTENT - 20, Golden.text(20, "end"));
    files.put("holes", holes);
    byte[] cut = Golden.text(3 * EXTENT, "to be cut ");
    Arrays.fill(cut, EXTENT + 77, cut.length, (byte) 0);
    files.put("cut", Arrays.copyOf(cut, 2 * EXTENT + 9));
    files.put("random", Golden.random(1500, 23));
    return files;
  }

  private static void put(byte[] file, int offset, byte[] bytes) {
    System.arraycopy(bytes, 0, file, offset, bytes.length);
  }

  private static Attributes create(Volume fs, Call call, long directory, String name, int mode)
      throws FsException {
    return fs.create(call, directory, Name.of(name), mode, true, SetAttributes.NONE);
  }

  private static void write(Volume fs, Attributes file, long offset, byte[] bytes)
      throws FsException {
    fs.write(ROOT, file.inode(), offset, ByteBuffer.wrap(bytes));
  }

  private static Attributes find(Volume fs, String name) throws FsException {
    return fs.lookup(ROOT, Filesystem.ROOT, Name.of(name));
  }

  private static void barrier(Volume fs) throws FsException {
    fs.barrier(fs.committedSequence());
  }

  /// The first writer: makes, flushes twice, stops cleanly.
  void first(Volume fs) throws FsException, StorageException {
    long root = Filesystem.ROOT;
    fs.setattr(ROOT, root, SetAttributes.ofMode(01777));
    write(fs, create(fs, ROOT, root, "inline", 0644), 0, Golden.text(300, "small "));
    create(fs, USER, root, "empty", 04711);
    Attributes big = create(fs, ROOT, root, "big", 0600);
    write(fs, big, 0, Golden.text(4 * EXTENT + 1000, "a line of a larger file\n"));
    Attributes cut = create(fs, ROOT, root, "cut", 0644);
    write(fs, cut, 0, Golden.text(3 * EXTENT, "to be cut "));
    barrier(fs);
    special(fs, fs.mkdir(USER, root, Name.of("dir"), 0750, SetAttributes.NONE).inode());
    Attributes far = create(fs, ROOT, root, FAR, 0644);
    write(fs, far, FAR_OFFSET, far());
    barrier(fs);
    fs.flush();
    write(fs, big, EXTENT + 5, Golden.random(700, 21));
    fs.setattr(ROOT, cut.inode(), SetAttributes.ofSize(EXTENT + 77));
    fs.unlink(ROOT, root, Name.of("empty"));
    create(fs, USER, root, "empty", 04711);
    barrier(fs);
    fs.flush();
    fs.rename(ROOT, root, Name.of("big"), root, Name.of("renamed"), RenameMode.REPLACE);
  }

  private static void special(Volume fs, long dir) throws FsException {
    fs.symlink(
        USER,
        dir,
        Name.of("link"),
        "../inline".getBytes(StandardCharsets.UTF_8),
        SetAttributes.NONE);
    fs.mknod(ROOT, dir, Name.of("fifo"), FileType.FIFO, 0622, 0, 0, SetAttributes.NONE);
    fs.mknod(ROOT, dir, Name.of("socket"), FileType.SOCKET, 0777, 0, 0, SetAttributes.NONE);
    fs.mknod(ROOT, dir, Name.of("null"), FileType.CHARACTER_DEVICE, 0666, 1, 3, SetAttributes.NONE);
    fs.mknod(
        ROOT, dir, Name.of("disk"), FileType.BLOCK_DEVICE, 0660, 259, 70_000, SetAttributes.NONE);
    fs.link(ROOT, find(fs, "inline").inode(), dir, Name.of("Größe"));
    fs.mkdir(USER, dir, Name.of("deep"), 02775, SetAttributes.NONE);
    for (int i = 0; i < 20; i++) {
      create(fs, USER, dir, "entry-" + i, 0600 + i);
    }
    fs.unlink(USER, dir, Name.of("entry-7"));
  }

  /// The second writer: changes, removes, leaves an open file without a name, crashes.
  void second(Volume fs) throws FsException {
    long root = Filesystem.ROOT;
    Attributes big = find(fs, "renamed");
    write(fs, big, 2 * EXTENT + 30_000L, Golden.text(3000, "over an edge "));
    Attributes holes = create(fs, ROOT, root, "holes", 0644);
    write(fs, holes, 2 * EXTENT + 100L, Golden.random(600, 22));
    barrier(fs);
    write(fs, holes, 5 * EXTENT - 20L, Golden.text(20, "end"));
    fs.setattr(ROOT, find(fs, "cut").inode(), SetAttributes.ofSize(2 * EXTENT + 9L));
    write(fs, create(fs, ROOT, root, "random", 0644), 0, Golden.random(1500, 23));
    Attributes orphan = create(fs, ROOT, root, "orphan", 0644);
    write(fs, orphan, 0, Golden.text(2000, "nobody's "));
    fs.open(ROOT, orphan.inode(), 4);
    fs.unlink(ROOT, root, Name.of("orphan"));
    SetTime before1970 = new SetTime.At(new Time(-3, 999_999_999));
    fs.setattr(ROOT, big.inode(), SetAttributes.ofTimes(before1970, before1970));
    fs.setattr(ROOT, big.inode(), SetAttributes.ofOwner(0xfffffffe, 7));
    barrier(fs);
    create(fs, ROOT, root, "lost in the crash", 0644);
  }
}
