package zerofs.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.SetTime;
import zerofs.fs.SetAttributes.Time;

/// Makes operations by chance, so that most are possible, names collide, and every error has its
/// turn. Looks at the model to know what exists.
final class Generator {
  private static final List<Caller> CALLERS =
      List.of(
          Caller.ROOT,
          new Caller(1000, 1000),
          new Caller(1001, 1001, 1000, 50),
          new Caller(1002, 50));
  private static final int[] IDS = {0, 50, 1000, 1001, 1002, 0x7fffffff};
  private static final List<FileType> NODE_TYPES =
      List.of(
          FileType.FIFO,
          FileType.SOCKET,
          FileType.CHARACTER_DEVICE,
          FileType.BLOCK_DEVICE,
          FileType.REGULAR);
  private static final int NAMES = 14;

  /// Above so many inodes what would make one removes one.
  private static final int NODES_MAX = 500;

  private static final int PAUSE_NANOS_MAX = 400_000;

  /// Writes of bulk to one file in a row, and how rarely they come.
  private static final int BULK_WRITES = 90;

  private static final int BULK_BYTES = 64 << 10;
  private static final int BULK_RARITY = 500;

  /// Longer than barriers are expected after one: bulk leaves early then.
  private static final long QUIET_NANOS = 11_000_000_000L;

  private final Random random;
  private final PosixModel model;
  private final Inodes inodes;
  private final boolean hasBulk;
  private long bulkFile;
  private int bulkWrites = BULK_WRITES;

  /// Inode numbers to pick from.
  static final class Inodes {
    private final List<Long> directories = new ArrayList<>();
    private final List<Long> others = new ArrayList<>();
    private final List<Long> open = new ArrayList<>();
    private final List<Long> gone = new ArrayList<>();

    void born(ModelNode node) {
      (node.isDirectory() ? directories : others).add(node.inode);
    }

    /// Leaves an inode out of what is picked.
    void forget(long inode) {
      directories.remove(inode);
      others.remove(inode);
    }

    /// Nothing is open any more, and what a crash has taken is not there.
    void restarted(PosixModel model) {
      open.clear();
      directories.removeIf(inode -> model.node(inode) == null);
      others.removeIf(inode -> model.node(inode) == null);
    }

    void opened(long inode) {
      open.add(inode);
    }

    void gone(long inode) {
      if (gone.size() > 200) {
        gone.clear();
      }
      gone.add(inode);
    }
  }

  /// @param hasBulk whether now and then a few MiB are written in a row
  Generator(Random random, PosixModel model, Inodes inodes, boolean hasBulk) {
    this.random = random;
    this.model = model;
    this.inodes = inodes;
    this.hasBulk = hasBulk;
  }

  /// Whether one of `n` chances came.
  boolean oneIn(int n) {
    return random.nextInt(n) == 0;
  }

  private Caller caller() {
    return oneIn(2) ? Caller.ROOT : CALLERS.get(random.nextInt(CALLERS.size()));
  }

  private long pick(List<Long> from) {
    while (!from.isEmpty()) {
      int index = random.nextInt(from.size());
      long inode = from.get(index);
      if (model.node(inode) != null) {
        return inode;
      }
      from.set(index, from.getLast());
      from.removeLast();
      if (oneIn(20)) {
        return inode;
      }
    }
    return Filesystem.ROOT;
  }

  private long directory() {
    if (oneIn(150)) {
      return pick(inodes.others);
    }
    if (oneIn(300) && !inodes.gone.isEmpty()) {
      return inodes.gone.get(random.nextInt(inodes.gone.size()));
    }
    return oneIn(4) ? Filesystem.ROOT : pick(inodes.directories);
  }

  private long file() {
    if (oneIn(300) && !inodes.gone.isEmpty()) {
      return inodes.gone.get(random.nextInt(inodes.gone.size()));
    }
    return oneIn(15) ? pick(inodes.directories) : pick(inodes.others);
  }

  /// Mostly a regular file.
  private long regular() {
    long inode = file();
    for (int i = 0; i < 3; i++) {
      ModelNode node = model.node(inode);
      if (node != null && node.isFile()) {
        return inode;
      }
      inode = file();
    }
    return inode;
  }

  private Name name() {
    return switch (random.nextInt(600)) {
      case 0 -> Name.of(".");
      case 1 -> Name.of("..");
      case 2 -> Name.of("");
      case 3 -> Name.of("a/b");
      case 4 -> Name.of(new byte[] {'a', 0, 'b'});
      case 5, 6 -> Name.of("x".repeat(256 + random.nextInt(10)));
      case 7 -> Name.of("y".repeat(255));
      case 8 -> Name.of(new byte[] {(byte) 0xff, (byte) 0xc3, 1, '\n'});
      default -> Name.of("n" + random.nextInt(NAMES));
    };
  }

  private Name existing(long directory) {
    ModelNode node = model.node(directory);
    if (node == null || node.entries.isEmpty() || node.entries.size() > 1000 || oneIn(12)) {
      return name();
    }
    int skip = random.nextInt(node.entries.size());
    for (Map.Entry<Name, ModelNode> each : node.entries.entrySet()) {
      if (skip-- == 0) {
        return each.getKey();
      }
    }
    throw new IllegalStateException("fewer entries than the directory has");
  }

  private int mode() {
    return oneIn(8) ? random.nextInt(010000) : oneIn(2) ? 0755 : 0666;
  }

  private long offset() {
    return switch (random.nextInt(20)) {
      case 0 -> Long.MAX_VALUE - random.nextInt(100_000);
      case 1 -> random.nextLong() & Long.MAX_VALUE;
      case 2 -> random.nextInt(64 << 20);
      case 3 -> (long) random.nextInt(4) << 32;
      case 4, 5, 6 -> random.nextInt(40) * 32_768L;
      default -> random.nextInt(300_000);
    };
  }

  private int length() {
    return oneIn(30) ? 1 + random.nextInt(400_000) : 1 + random.nextInt(oneIn(4) ? 50_000 : 3000);
  }

  private SetTime time() {
    return oneIn(2)
        ? new SetTime.Now()
        : new SetTime.At(
            new Time(
                random.nextLong(-5_000_000_000L, 5_000_000_000L), random.nextInt(1_000_000_000)));
  }

  private int id() {
    return IDS[random.nextInt(IDS.length)];
  }

  private SetAttributes changes(long inode) {
    ModelNode node = model.node(inode);
    if (node != null && oneIn(40)) {
      Time guard = oneIn(2) ? node.ctime : new Time(node.ctime.seconds() + 1, 0);
      return new SetAttributes(0644, null, null, null, null, null, guard);
    }
    return switch (random.nextInt(12)) {
      case 0, 1 -> SetAttributes.ofMode(mode());
      case 2, 3 -> SetAttributes.ofOwner(oneIn(2) ? null : id(), oneIn(3) ? null : id());
      case 4, 5 -> SetAttributes.ofTimes(oneIn(3) ? null : time(), oneIn(3) ? null : time());
      case 6 -> new SetAttributes(mode(), id(), id(), null, time(), time(), null);
      case 7 ->
          new SetAttributes(mode(), null, null, offset(), null, oneIn(2) ? time() : null, null);
      case 8 -> SetAttributes.ofSize(oneIn(20) ? -1 - offset() : 0);
      default -> SetAttributes.ofSize(offset());
    };
  }

  private SetAttributes initial() {
    return switch (random.nextInt(8)) {
      case 0 -> SetAttributes.ofSize(oneIn(2) ? 0 : offset());
      case 1 -> new SetAttributes(mode(), id(), id(), null, null, null, null);
      case 2 -> new SetAttributes(mode(), null, null, 0L, time(), time(), null);
      default -> SetAttributes.NONE;
    };
  }

  Op next() {
    if (hasBulk && oneIn(BULK_RARITY)) {
      bulkFile = regular();
      bulkWrites = 0;
    }
    if (bulkWrites < BULK_WRITES) {
      long offset = (long) bulkWrites++ * BULK_BYTES;
      return new Op.Write(Caller.ROOT, bulkFile, offset, BULK_BYTES, random.nextLong());
    }
    boolean crowded = model.nodes().size() > NODES_MAX;
    int dice = random.nextInt(100);
    if (dice < 46) {
      return look(dice);
    }
    if (dice < 74 && crowded) {
      return removal();
    }
    return dice < 74 ? birth(dice) : dice < 90 ? removal() : rename();
  }

  /// How long before the operation that came last.
  long pauseNanos() {
    return bulkWrites == 1
        ? QUIET_NANOS
        : 1 + random.nextInt(bulkWrites < BULK_WRITES ? 1000 : PAUSE_NANOS_MAX);
  }

  /// Operations that make and remove no names.
  private Op look(int dice) {
    Caller caller = caller();
    long regular = regular();
    return switch (dice) {
      case 0, 1, 2, 3 -> lookup(caller);
      case 4, 5 -> new Op.Getattr(caller, file());
      case 6, 7, 8, 9, 10, 11 -> setattr(caller, oneIn(3) ? file() : regular);
      case 12, 13 -> new Op.Access(caller, file(), random.nextInt(8));
      case 14, 15 -> new Op.Readlink(caller, file());
      case 16, 17, 18, 19, 20, 21, 22, 23 -> read(caller, regular);
      case 24, 25, 26 ->
          new Op.Readdir(
              caller,
              oneIn(30) ? file() : directory(),
              oneIn(2) ? 0 : random.nextInt(6),
              oneIn(2) ? Integer.MAX_VALUE : 1 + random.nextInt(6));
      case 27, 28 -> new Op.Open(caller, file(), random.nextInt(8));
      case 29, 30 -> inodes.open.isEmpty() ? new Op.Open(caller, regular, 4) : release();
      case 31, 32 -> new Op.Statfs();
      case 33, 34 -> new Op.Barrier();
      default -> new Op.Write(caller, regular, offset(), length(), random.nextLong());
    };
  }

  private Op lookup(Caller caller) {
    long directory = directory();
    return new Op.Lookup(caller, directory, oneIn(10) ? name() : existing(directory));
  }

  private Op setattr(Caller caller, long inode) {
    return new Op.Setattr(caller, inode, changes(inode));
  }

  /// Mostly where something was written.
  private Op read(Caller caller, long inode) {
    ModelNode node = model.node(inode);
    long offset = offset();
    if (node != null && oneIn(2)) {
      for (long start : node.extentStarts()) {
        offset = start;
        if (oneIn(4)) {
          break;
        }
      }
    }
    return new Op.Read(caller, inode, offset, length());
  }

  private Op release() {
    int index = random.nextInt(inodes.open.size());
    long inode = inodes.open.get(index);
    inodes.open.set(index, inodes.open.getLast());
    inodes.open.removeLast();
    return new Op.Release(inode);
  }

  /// Operations that make names.
  private Op birth(int dice) {
    Caller caller = caller();
    long directory = directory();
    Name name = oneIn(6) ? existing(directory) : name();
    return switch (dice) {
      case 46, 47, 48 -> new Op.CreateExclusive(caller, directory, name, 1 + random.nextInt(3));
      case 49, 50, 51, 52, 53, 54 -> new Op.Mkdir(caller, directory, name, mode());
      case 55, 56, 57, 58 -> new Op.Symlink(caller, directory, name, target());
      case 59, 60, 61, 62 ->
          new Op.Mknod(
              caller,
              directory,
              name,
              NODE_TYPES.get(random.nextInt(NODE_TYPES.size())),
              mode(),
              random.nextInt(4096),
              random.nextInt(1 << 20));
      case 63, 64, 65, 66 -> new Op.Link(caller, oneIn(4) ? file() : regular(), directory, name);
      default ->
          new Op.Create(
              caller,
              directory,
              oneIn(3) ? existing(directory) : name,
              mode(),
              oneIn(3),
              initial());
    };
  }

  private String target() {
    return switch (random.nextInt(40)) {
      case 0 -> "";
      case 1 -> "t".repeat(4096);
      case 2 -> "t".repeat(4095);
      default -> "../n" + random.nextInt(NAMES);
    };
  }

  private Op removal() {
    Caller caller = caller();
    long directory = directory();
    Name name = existing(directory);
    ModelNode parent = model.node(directory);
    ModelNode child = parent == null ? null : parent.entries.get(name);
    boolean isDirectory = child != null && child.isDirectory();
    return isDirectory != oneIn(15)
        ? new Op.Rmdir(caller, directory, name)
        : new Op.Unlink(caller, directory, name);
  }

  private Op rename() {
    long from = directory();
    long to = oneIn(2) ? from : directory();
    RenameMode mode =
        switch (random.nextInt(4)) {
          case 0 -> RenameMode.NOREPLACE;
          case 1 -> RenameMode.EXCHANGE;
          default -> RenameMode.REPLACE;
        };
    return new Op.Rename(
        caller(), from, existing(from), to, oneIn(2) ? existing(to) : name(), mode);
  }
}
