package zerofs.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.Time;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.StorageException;

/// One client of a volume: what a scenario does goes through it, is done to a model too, and it
/// knows what was promised. Times are not compared: [History] does that.
final class Hands {
  private static final Time NO_TIME = new Time(0, 0);

  /// Between two operations: what goes on in the background goes on beside them.
  private static final long PAUSE_NANOS = 100_000L;

  private static final int IO_BYTES = 128 << 10;

  private final CrashWorld world;
  private final boolean journal;
  private Volume volume;
  private PosixModel atStart = new PosixModel(Long.MAX_VALUE, PosixModel.root(NO_TIME));
  private PosixModel model = atStart.copy();
  private final List<Done> done = new ArrayList<>();
  private @Nullable Op pending;
  private @Nullable Password password;
  private long answered;
  private long synced;
  private long stored;
  private long operations;

  /// What an operation did.
  ///
  /// @param before commits when it began
  /// @param after commits when it was answered: its own is one of those between
  private record Done(Op op, long inode, long before, long after) {}

  /// @param journal whether processes of the world keep one
  Hands(CrashWorld world, boolean journal) throws StorageException {
    this.world = world;
    this.journal = journal;
    this.volume = world.start();
  }

  private static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  // Operations.

  long create(long directory, String name) throws FsException {
    return make(
        new Op.Create(Caller.ROOT, directory, Name.of(name), 0644, true, SetAttributes.NONE));
  }

  long mkdir(long directory, String name) throws FsException {
    return make(new Op.Mkdir(Caller.ROOT, directory, Name.of(name), 0755));
  }

  void symlink(long directory, String name, String target) throws FsException {
    make(new Op.Symlink(Caller.ROOT, directory, Name.of(name), target));
  }

  /// Writes bytes that a seed decides, as many requests as it takes.
  void write(long inode, long offset, int length, long seed) throws FsException {
    for (int at = 0; at < length; at += IO_BYTES) {
      int count = Math.min(IO_BYTES, length - at);
      make(new Op.Write(Caller.ROOT, inode, offset + at, count, seed + at));
    }
  }

  void truncate(long inode, long size) throws FsException {
    make(new Op.Setattr(Caller.ROOT, inode, SetAttributes.ofSize(size)));
  }

  void link(long inode, long directory, String name) throws FsException {
    make(new Op.Link(Caller.ROOT, inode, directory, Name.of(name)));
  }

  void unlink(long directory, String name) throws FsException {
    make(new Op.Unlink(Caller.ROOT, directory, Name.of(name)));
  }

  void rmdir(long directory, String name) throws FsException {
    make(new Op.Rmdir(Caller.ROOT, directory, Name.of(name)));
  }

  void rename(long from, String name, long to, String newName, RenameMode mode) throws FsException {
    make(new Op.Rename(Caller.ROOT, from, Name.of(name), to, Name.of(newName), mode));
  }

  void open(long inode) throws FsException {
    Op op = new Op.Open(Caller.ROOT, inode, 0);
    volume.open(root(), inode, 0);
    model.apply(op, inode, NO_TIME);
    done.add(new Done(op, inode, answered, answered));
  }

  void release(long inode) throws FsException {
    make(new Op.Release(inode));
  }

  private long make(Op op) throws FsException {
    sleep(PAUSE_NANOS);
    long before = volume.committedSequence();
    pending = op;
    Attributes told = Changes.make(volume, op);
    pending = null;
    long inode = told == null ? 0 : told.inode();
    model.apply(op, inode, NO_TIME);
    answered = volume.committedSequence();
    done.add(new Done(op, inode, before, answered));
    operations++;
    return inode;
  }

  // Promises.

  /// Class `store`.
  void barrier() throws FsException {
    long sequence = volume.committedSequence();
    volume.barrier(sequence);
    stored = Math.max(stored, sequence);
    synced = Math.max(synced, sequence);
  }

  /// Class `journal`.
  void sync() throws FsException {
    long sequence = volume.committedSequence();
    volume.journalBarrier(sequence);
    synced = Math.max(synced, sequence);
  }

  void flush() throws FsException {
    barrier();
    volume.flush();
  }

  void sleep(long nanos) {
    world.simulation().sleep(nanos);
  }

  // Passwords.

  void protect(String first) {
    password = new Password(world, first);
  }

  void changePassword(String to) throws StorageException {
    Objects.requireNonNull(password).change(to);
  }

  // Starts.

  /// Stops the process cleanly, and starts another one.
  void restart() throws StorageException, FsException {
    barrier();
    volume.closeStored();
    goOn(world.start(), stored);
  }

  /// Kills the process, and starts another one.
  void kill() throws StorageException, FsException {
    world.killLast();
    goOn(world.start(), journal ? answered : stored);
  }

  /// The other machine takes over; this process learns it from the store.
  void takeOver() throws StorageException, FsException {
    Volume old = volume;
    answered = stored; // What only the other machine's journal has is left out (DURABILITY.md).
    synced = stored;
    goOn(world.takeOver(), stored);
    try {
      old.create(root(), Filesystem.ROOT, Name.of("late"), 0600, false, SetAttributes.NONE);
      old.barrier(old.committedSequence());
    } catch (FsException e) {
      if (e.error() == FsError.CLOSED) {
        return;
      }
      throw e;
    }
    throw new IllegalStateException("a writer that was deposed answered a barrier");
  }

  /// Everything ended; a process of the machine that had the volume last goes on.
  ///
  /// @param power whether the machines' power was cut
  void recover(boolean power) throws StorageException, FsException {
    long promised = !journal ? stored : power ? synced : answered;
    goOn(world.start(), promised);
  }

  private void goOn(Volume next, long promised) throws FsException {
    long recovered = next.recoveredSequence();
    if (recovered < promised) {
      throw new IllegalStateException(
          "commits up to " + promised + " were promised, found " + recovered);
    }
    volume = next;
    next.awaitReaper();
    next.recountSpace();
    model = survivor(recovered);
    atStart = model.copy();
    done.clear();
    pending = null;
    answered = recovered;
    synced = recovered;
    stored = recovered;
  }

  /// The model as it must be after a start: each commit up to the last that was recovered is there.
  private PosixModel survivor(long recovered) throws FsException {
    PosixModel certain = atStart.copy();
    Op uncertain = pending;
    for (Done each : done) {
      if (each.after() <= recovered) {
        certain.apply(each.op(), each.inode(), NO_TIME);
      } else {
        uncertain = each.before() < recovered ? each.op() : null;
        break;
      }
    }
    PosixModel with = uncertain == null ? null : certain.copy();
    certain.restarted();
    String difference = TreeDifference.find(volume, certain);
    if (difference == null) {
      return certain;
    }
    if (uncertain != null && with != null && applyAsSeen(with, uncertain)) {
      with.restarted();
      String other = TreeDifference.find(volume, with);
      if (other == null) {
        return with;
      }
      difference += "; with " + uncertain + ": " + other;
    }
    throw new IllegalStateException("after commit " + recovered + ": " + difference);
  }

  /// Does an operation whose end nobody has seen as far as the volume shows it.
  ///
  /// @return whether the volume shows it at all
  private boolean applyAsSeen(PosixModel to, Op op) {
    Op seen = op;
    long inode = 0;
    try {
      switch (op) {
        case Op.Create it -> inode = lookup(it.directory(), it.name());
        case Op.Mkdir it -> inode = lookup(it.directory(), it.name());
        case Op.Symlink it -> inode = lookup(it.directory(), it.name());
        case Op.Setattr it -> {
          // Cut in steps, from the end (docs/adr/0007).
          long size = volume.getattr(root(), it.inode()).size();
          seen = new Op.Setattr(it.caller(), it.inode(), SetAttributes.ofSize(size));
        }
        default -> {}
      }
    } catch (FsException e) {
      return false;
    }
    to.apply(seen, inode, NO_TIME);
    return true;
  }

  long lookup(long directory, String name) throws FsException {
    return lookup(directory, Name.of(name));
  }

  private long lookup(long directory, Name name) throws FsException {
    return volume.lookup(root(), directory, name).inode();
  }

  /// Reads everything.
  void check() throws FsException, StorageException {
    if (password != null) {
      password.check();
    }
    volume.awaitReaper();
    volume.recountSpace();
    String difference = TreeDifference.find(volume, model);
    if (difference != null) {
      throw new IllegalStateException(difference);
    }
  }

  long operations() {
    return operations;
  }

  void close() throws FsException {
    volume.closeStored();
  }
}
