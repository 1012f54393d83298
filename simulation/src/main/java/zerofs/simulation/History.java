package zerofs.simulation;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import zerofs.base.SimulatedTasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.SetAttributes.Time;
import zerofs.fs.engine.Volume;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// A generated history of one volume: every operation on the engine and on [PosixModel], every
/// answer, error, attribute, byte and listing compared, with clean stops and crashes on the way.
/// One seed is one history; time and threads are simulated.
///
/// A crash loses what was not stored. What must be there afterwards is the model as it was when the
/// engine's recovered commit sequence was reached: nothing more, nothing less. With a journal a
/// crash of the process loses nothing at all, and one of the machine nothing that was synced.
///
/// With faults the store is as bad as [StoreWeather] says, crashes are at [Failpoints], in stops
/// and starts as well, and the other machine may take over from a process that goes on or sleeps.
public final class History {
  private static final long BYTES_MAX = 12L << 20;
  private static final long BYTES_MAX_WITH_BULK = 64L << 20;
  private static final int TRAIL = 30;
  private static final int CRASHES_MIN = 5;
  private static final Name LINKS = Name.of("links");

  private final Settings settings;
  private final SimulatedTasks simulation;
  private final HistoryProcesses processes;
  private final long bytesMax;
  private final Random random;
  private final Generator.Inodes inodes = new Generator.Inodes();
  private final Map<String, Long> operations = new TreeMap<>();
  private final Map<FsError, Long> errors = new EnumMap<>(FsError.class);
  private final Map<Integer, Long> writesByMagnitude = new TreeMap<>();
  private final Map<Long, Long> changeCounters = new TreeMap<>();
  private final Deque<String> trail = new ArrayDeque<>();
  private final List<Done> sinceSnapshot = new ArrayList<>();
  private PosixModel model;
  private Generator generator;
  private @Nullable PosixModel snapshot;
  private @Nullable Volume volume;
  private int starts;
  private int crashes;
  private int takeovers;
  private long synced;
  private long stored;
  private @Nullable UnderWay underWay;
  private long lostOperations;
  private long done;

  /// @param operations how many
  /// @param restarts how many stops on the way, every second one a crash
  /// @param whole whether it begins with one file that gets as many links as one may have, and ends
  ///   with damage to all data in the store
  /// @param journal whether there is one
  /// @param faults whether the store is bad, and crashes are anywhere
  public record Settings(
      long seed, long operations, int restarts, boolean whole, boolean journal, boolean faults) {}

  /// What a successful operation did: enough to do it again to a copy of the model.
  private record Done(Op op, long inode, Time now, long sequence) {}

  public History(Settings settings) {
    this.settings = settings;
    this.simulation = new SimulatedTasks(settings.seed());
    this.random = new Random(settings.seed());
    this.bytesMax = settings.faults() ? BYTES_MAX_WITH_BULK : BYTES_MAX;
    this.processes = new HistoryProcesses(simulation, settings, bytesMax, this::difference);
    this.model = new PosixModel(bytesMax, PosixModel.root(new Time(0, 0)));
    this.generator = new Generator(random, model, inodes, settings.faults());
  }

  /// Runs it.
  ///
  /// @throws IllegalStateException at the first difference, with seed, operation and what went
  ///   before
  public HistorySummary run() {
    simulation.run(
        () -> {
          try {
            story();
          } catch (StorageException | FsException e) {
            throw difference("nothing of this kind may fail: " + e, e);
          }
        });
    return new HistorySummary(
        done,
        starts,
        crashes,
        lostOperations,
        operations,
        errors,
        writesByMagnitude,
        processes.failpoints().reached(),
        takeovers,
        processes.checks(),
        simulation.digest());
  }

  private void story() throws StorageException, FsException {
    start();
    Attributes root = volume().getattr(root(), Filesystem.ROOT);
    model = new PosixModel(bytesMax, PosixModel.root(time(root.ctimeSeconds(), root.ctimeNanos())));
    useModel(model);
    if (settings.whole()) {
      makeManyLinks();
    }
    long before = done;
    long perRestart = Math.max(1, (settings.operations() - before) / (settings.restarts() + 1));
    long crashAt = Long.MAX_VALUE;
    while (goesOn()) {
      boolean ended = !processes.passes(this::turn);
      if ((done - before) % perRestart == 0 && goesOn() && !ended) {
        if (starts % 2 == 1 && !settings.faults()) {
          stopCleanly();
        } else {
          takeSnapshot();
          if (random.nextInt(3) != 0) {
            processes.arm();
          }
          crashAt = done + 1 + random.nextInt(400);
        }
      }
      if (ended || done >= crashAt) {
        endSomehow(ended);
        crashAt = Long.MAX_VALUE;
      }
    }
    processes.disarm();
    stopCleanly();
    processes.checkObjects();
    if (settings.whole()) {
      outage();
      damage();
    }
  }

  private boolean goesOn() {
    return done < settings.operations() || (settings.faults() && crashes < CRASHES_MIN);
  }

  /// One operation, and now and then what else may come.
  private void turn() throws FsException {
    step(generator.next());
    if (random.nextInt(4000) == 0) {
      flush();
    }
    if (settings.journal() && random.nextInt(50) == 0) {
      long sequence = volume().committedSequence();
      volume().journalBarrier(sequence);
      synced = sequence;
    }
    if (settings.faults() && random.nextInt(1500) == 0) {
      processes.loseStore();
    }
  }

  private void flush() throws FsException {
    try {
      volume().flush();
    } catch (FsException e) {
      if (!settings.faults() || e.error() != FsError.UNAVAILABLE) {
        throw e; // Who asks is told of bad weather.
      }
    }
  }

  private void useModel(PosixModel other) {
    model = other;
    generator = new Generator(random, model, inodes, settings.faults());
  }

  private Volume volume() {
    return Objects.requireNonNull(volume, "the volume is open");
  }

  private static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  private static Time time(long seconds, int nanos) {
    return new Time(seconds, nanos);
  }

  private void start() throws StorageException {
    starts++;
    volume = processes.start();
  }

  private void stopCleanly() throws StorageException, FsException {
    close();
    start();
    afterStart();
  }

  private void close() throws StorageException, FsException {
    Volume before = volume();
    before.close();
    for (int i = 0; i < 4; i++) {
      requireClosed(before);
    }
  }

  /// A volume that was closed makes nothing durable any more, and says so.
  private void requireClosed(Volume closed) {
    try {
      closed.create(root(), Filesystem.ROOT, Name.of("late"), 0600, false, SetAttributes.NONE);
      closed.barrier(closed.committedSequence());
    } catch (FsException e) {
      if (e.error() == FsError.CLOSED) {
        errors.merge(FsError.CLOSED, 1L, Long::sum);
        return;
      }
      throw difference("a closed volume says " + e.error(), e);
    }
    throw difference("a closed volume acknowledged a change", null);
  }

  /// Reads everything while the store gives nothing: what is in memory is right, the rest is told
  /// to be unavailable, and is there afterwards.
  private void outage() throws StorageException, FsException {
    volume().flush();
    stopCleanly();
    processes.weather().refuseReads(true);
    for (ModelNode node : List.copyOf(model.nodes())) {
      for (long start : node.extentStarts()) {
        readOr(FsError.UNAVAILABLE, node, start);
      }
    }
    processes.weather().refuseReads(false);
    for (ModelNode node : List.copyOf(model.nodes())) {
      PosixModel.adoptAtime(node, volume().getattr(root(), node.inode));
    }
    checkWholeTree();
  }

  /// Damages every frame in the store: what is not in memory reads as EIO, names and attributes
  /// stay.
  private void damage() throws StorageException, FsException {
    volume().flush();
    stopCleanly();
    volume().flush();
    for (ObjectStore.Listed each :
        processes.store().list("log/", "", Integer.MAX_VALUE, ObjectStore.Cause.ADMIN)) {
      byte[] bytes = new byte[(int) each.objectBytes()];
      Objects.requireNonNull(
              processes.store().get(each.key(), 0, bytes.length, ObjectStore.Cause.ADMIN))
          .bytes()
          .get(bytes);
      for (int i = 0; i < bytes.length; i += 64) {
        bytes[i] ^= 1;
      }
      processes.store().damage(each.key(), bytes);
    }
    for (int round = 0; round < 3; round++) {
      for (ModelNode node : List.copyOf(model.nodes())) {
        requireEqual(
            "inode " + node.inode, node.attributes(0), volume().getattr(root(), node.inode));
        for (long start : node.extentStarts()) {
          readOr(FsError.IO, node, start);
        }
        PosixModel.adoptAtime(node, volume().getattr(root(), node.inode));
      }
    }
  }

  private void readOr(FsError failure, ModelNode node, long start) throws FsException {
    try {
      read(Caller.ROOT, node.inode, start, 32 << 10);
    } catch (FsException e) {
      if (e.error() != failure) {
        throw e;
      }
      errors.merge(failure, 1L, Long::sum);
    }
  }

  private void takeSnapshot() throws FsException {
    stored = volume().committedSequence();
    volume().barrier(stored);
    snapshot = model.copy();
    sinceSnapshot.clear();
  }

  /// @param ended whether a failpoint was reached
  private void endSomehow(boolean ended) throws StorageException, FsException {
    int way = settings.faults() && !ended ? random.nextInt(4) : -1;
    if (way == 0) {
      takeOver();
    } else if (way != 1 || !closesFirst()) {
      crash();
    }
  }

  /// Stops cleanly, if no failpoint comes before it has.
  private boolean closesFirst() throws StorageException, FsException {
    processes.arm();
    if (!processes.passes(this::close)) {
      return false;
    }
    processes.disarm();
    start();
    afterStart();
    return true;
  }

  private void crash() throws StorageException, FsException {
    long answered = sinceSnapshot.isEmpty() ? stored : sinceSnapshot.getLast().sequence();
    long ended = simulation.wallNanos();
    crashes++;
    boolean power = settings.journal() && random.nextBoolean();
    processes.crash(power);
    starts++;
    volume = processes.startSomehow();
    recover(power ? Math.max(stored, synced) : settings.journal() ? answered : stored, ended);
  }

  private void takeOver() throws StorageException, FsException {
    long ended = simulation.wallNanos();
    takeovers++;
    starts++;
    volume = processes.takeOver();
    recover(stored, ended);
  }

  private void recover(long promised, long ended) throws FsException {
    long recovered = volume().recoveredSequence();
    if (recovered < promised) {
      throw difference("commits up to " + promised + " were promised, found " + recovered, null);
    }
    PosixModel survivor = Objects.requireNonNull(snapshot, "a snapshot before a crash");
    for (Done each : sinceSnapshot) {
      if (each.sequence() <= recovered) {
        survivor.apply(each.op(), each.inode(), each.now());
      } else {
        lostOperations++;
      }
    }
    snapshot = null;
    synced = Math.min(synced, recovered); // What a takeover lost has numbers that come again.
    survivor.restarted();
    useModel(survivor);
    UnderWay last = underWay;
    underWay = null;
    if (last != null) {
      settle(last, recovered, ended);
    }
    changeCounters.clear();
    afterStart();
  }

  private void settle(UnderWay last, long recovered, long ended) throws FsException {
    UnderWay.Outcome outcome = last.outcome(volume(), ended);
    if (outcome != null) {
      if (recovered <= last.sequence()) {
        throw difference("it is there, but its commit is not: " + last, null);
      }
      model.apply(last.op(), outcome.inode(), outcome.now());
    }
    ModelNode read = model.node(last.read());
    if (read != null) {
      PosixModel.adoptAtime(read, volume().getattr(root(), read.inode));
    }
  }

  private void afterStart() throws FsException {
    volume().awaitReaper();
    model.restarted();
    inodes.restarted(model);
    checkWholeTree();
  }

  /// One file gets all the names it may have.
  private void makeManyLinks() {
    step(new Op.Mkdir(Caller.ROOT, Filesystem.ROOT, LINKS, 0700));
    ModelNode directory = Objects.requireNonNull(model.child(Filesystem.ROOT, LINKS));
    step(new Op.Create(Caller.ROOT, directory.inode, Name.of("0"), 0600, true, SetAttributes.NONE));
    ModelNode file = Objects.requireNonNull(model.child(directory.inode, Name.of("0")));
    inodes.forget(directory.inode);
    inodes.forget(file.inode);
    for (int i = 1; i < 65_000; i++) {
      step(new Op.Link(Caller.ROOT, file.inode, directory.inode, Name.of("" + i)));
    }
    for (int i = 0; i < 150; i++) {
      step(new Op.Link(Caller.ROOT, file.inode, directory.inode, Name.of("more" + i)));
    }
  }

  /// Runs one operation on both sides.
  private void step(Op op) {
    simulation.sleep(generator.pauseNanos());
    done++;
    note(op);
    Set<FsError> allowed = new ModelErrors(model).of(op);
    long began = simulation.wallNanos();
    underWay = new UnderWay(op, began, volume().committedSequence());
    Answer answer;
    try {
      answer = run(op);
    } catch (FsException e) {
      if (!allowed.contains(e.error())) {
        throw difference(
            "it failed with "
                + e.error()
                + " ("
                + e.getMessage()
                + "), but only these apply: "
                + allowed,
            e);
      }
      errors.merge(e.error(), 1L, Long::sum);
      underWay = null;
      return;
    }
    if (!allowed.isEmpty()) {
      throw difference("it succeeded, but must fail with one of " + allowed, null);
    }
    succeeded(op, answer, began);
  }

  private void note(Op op) {
    operations.merge(op.getClass().getSimpleName(), 1L, Long::sum);
    if (trail.size() == TRAIL) {
      trail.removeFirst();
    }
    trail.addLast(done + " " + op);
  }

  private void noteMagnitude(long end) {
    writesByMagnitude.merge(HistorySummary.magnitude(end), 1L, Long::sum);
  }

  /// What the engine answered.
  ///
  /// @param attributes of the inode that the operation is about; null where there is none
  private record Answer(@Nullable Attributes attributes) {
    static final Answer NOTHING = new Answer(null);
  }

  private void succeeded(Op op, Answer answer, long began) {
    try {
      Attributes told = answer.attributes();
      Time now = when(op, told, began);
      long inode = told == null ? 0 : told.inode();
      boolean isNew = told != null && model.node(inode) == null;
      List<ModelNode> touched = model.apply(op, inode, now);
      if (snapshot != null) {
        sinceSnapshot.add(new Done(op, inode, now, volume().committedSequence()));
      }
      underWay = null;
      if (isNew) {
        inodes.born(model.require(inode));
      }
      if (op instanceof Op.Write write) {
        noteMagnitude(write.offset() + write.length());
      }
      if (op instanceof Op.Open opened) {
        inodes.opened(opened.inode());
      }
      if (op instanceof Op.Release) {
        volume().awaitReaper();
      }
      if (told != null) {
        requireEqual("the attributes answered", model.require(inode).attributes(0), told);
      }
      for (ModelNode each : touched) {
        check(
            each,
            !(op instanceof Op.Read || op instanceof Op.Readdir || op instanceof Op.Readlink));
      }
    } catch (FsException e) {
      throw difference("a look at what it touched failed: " + e.error(), e);
    }
  }

  /// The time an operation gave to what it changed: between its start and now.
  private Time when(Op op, @Nullable Attributes told, long began) throws FsException {
    Time now =
        switch (op) {
          case Op.Unlink it -> ctime(it.directory());
          case Op.Rmdir it -> ctime(it.directory());
          case Op.Rename it -> ctime(it.fromDirectory());
          case Op.Read it -> atime(it.inode());
          case Op.Readlink it -> atime(it.inode());
          case Op.Readdir it -> atime(it.directory());
          default -> told == null ? time(0, 0) : time(told.ctimeSeconds(), told.ctimeNanos());
        };
    long nanos = now.seconds() * 1_000_000_000L + now.nanos();
    boolean within = nanos >= began && nanos <= simulation.wallNanos();
    // Outside, nothing was changed: the comparison of attributes shows whether that is right.
    return within
        ? now
        : time(Math.floorDiv(began, 1_000_000_000L), (int) (began % 1_000_000_000L));
  }

  private Time ctime(long inode) throws FsException {
    Attributes attributes = volume().getattr(root(), inode);
    return time(attributes.ctimeSeconds(), attributes.ctimeNanos());
  }

  private Time atime(long inode) throws FsException {
    Attributes attributes = volume().getattr(root(), inode);
    return time(attributes.atimeSeconds(), attributes.atimeNanos());
  }

  /// Compares an inode that an operation touched, or sees that it is gone.
  private void check(ModelNode node, boolean changes) throws FsException {
    if (model.node(node.inode) != node) {
      requireStale(node.inode);
      return;
    }
    Attributes attributes = volume().getattr(root(), node.inode);
    requireEqual("inode " + node.inode, node.attributes(0), attributes);
    Long before = changeCounters.put(node.inode, attributes.change());
    if (before != null && attributes.change() < before) {
      throw difference("the change counter of inode " + node.inode + " went back", null);
    }
    if (before != null && !changes && attributes.change() != before) {
      throw difference("reading changed the change counter of inode " + node.inode, null);
    }
  }

  private void requireStale(long inode) {
    inodes.gone(inode);
    changeCounters.remove(inode);
    try {
      volume().getattr(root(), inode);
    } catch (FsException e) {
      if (e.error() == FsError.STALE) {
        return;
      }
      throw difference("inode " + inode + " should be gone, but says " + e.error(), e);
    }
    throw difference("inode " + inode + " should be gone", null);
  }

  /// Everything but the change counter, which is the engine's own.
  private void requireEqual(String what, Attributes expected, Attributes got) {
    Attributes same = PosixModel.comparable(got, expected.change(), exactSpace(expected, got));
    if (!same.equals(expected)) {
      throw difference(what + ":\n  expected " + expected + "\n  but got  " + same, null);
    }
  }

  /// Space may be told too high as long as it is a guess, but never too low.
  private long exactSpace(Attributes expected, Attributes got) {
    if (got.allocatedBytes() <= expected.allocatedBytes()) {
      return got.allocatedBytes();
    }
    try {
      volume().recountSpace();
      return volume().getattr(root(), got.inode()).allocatedBytes();
    } catch (FsException e) {
      throw difference("space is counted anew", e);
    }
  }

  private Answer run(Op op) throws FsException {
    Filesystem fs = volume();
    return switch (op) {
      case Op.Lookup it -> lookup(it);
      case Op.Getattr it -> known(fs.getattr(call(it.caller()), it.inode()), it.inode());
      case Op.Access it -> access(it);
      case Op.Readlink it -> readlink(it);
      case Op.Read it -> read(it.caller(), it.inode(), it.offset(), it.length());
      case Op.Readdir it -> readdir(it);
      case Op.Open it -> known(fs.open(call(it.caller()), it.inode(), it.mask()), it.inode());
      case Op.Statfs _ -> statfs();
      case Op.Barrier _ -> {
        fs.barrier(fs.committedSequence());
        yield Answer.NOTHING;
      }
      default -> new Answer(Changes.make(fs, op));
    };
  }

  private static Call call(Caller caller) {
    return Call.waiting(caller);
  }

  private Answer known(Attributes told, long inode) {
    if (told.inode() != inode) {
      throw difference("asked about inode " + inode + ", answered " + told, null);
    }
    return new Answer(told);
  }

  private Answer lookup(Op.Lookup op) throws FsException {
    Attributes told = volume().lookup(call(op.caller()), op.directory(), op.name());
    ModelNode directory = model.require(op.directory());
    ModelNode expected =
        op.name().isDot()
            ? directory
            : op.name().isDotDot() ? directory.parent : directory.entries.get(op.name());
    return known(told, Objects.requireNonNull(expected, "what is looked up").inode);
  }

  private Answer access(Op.Access op) throws FsException {
    int granted = volume().access(call(op.caller()), op.inode(), op.mask());
    int expected = ModelErrors.granted(model.require(op.inode()), op.caller(), op.mask());
    if (granted != expected) {
      throw difference("access granted " + granted + ", expected " + expected, null);
    }
    return Answer.NOTHING;
  }

  private Answer readlink(Op.Readlink op) throws FsException {
    byte[] target = volume().readlink(call(op.caller()), op.inode());
    if (!Name.of(target).equals(Name.of(model.require(op.inode()).target))) {
      throw difference("the target is " + Name.of(target), null);
    }
    return Answer.NOTHING;
  }

  private Answer read(Caller caller, long inode, long offset, int length) throws FsException {
    ByteBuffer target = ByteBuffer.allocate(length);
    int count = volume().read(call(caller), inode, offset, target);
    byte[] expected = model.require(inode).read(offset, length);
    int at = Arrays.mismatch(expected, 0, expected.length, target.array(), 0, count);
    if (at >= 0) {
      throw difference(
          "read "
              + count
              + " bytes of inode "
              + inode
              + " at "
              + offset
              + ", expected "
              + expected.length
              + "; first difference at byte "
              + at,
          null);
    }
    return Answer.NOTHING;
  }

  /// Names in order, each with the right attributes; then the same from a cookie in the middle.
  private Answer readdir(Op.Readdir op) throws FsException {
    List<Long> cookies = new ArrayList<>();
    List<Name> names = new ArrayList<>();
    boolean whole =
        volume()
            .readdir(
                call(op.caller()),
                op.directory(),
                0,
                (cookie, name, inode, type, attributes) -> {
                  requireEntry(op.directory(), name, inode, attributes);
                  cookies.add(cookie);
                  names.add(name);
                  return true;
                });
    List<Name> expected = new ArrayList<>(List.of(Name.of("."), Name.of("..")));
    expected.addAll(model.listing(op.directory()).keySet());
    if (!whole || !names.equals(expected) || !isAscending(cookies)) {
      throw difference("the listing is " + names + ", expected " + expected, null);
    }
    int after = Math.min(op.after(), names.size());
    List<Name> part = new ArrayList<>();
    volume()
        .readdir(
            call(op.caller()),
            op.directory(),
            after == 0 ? 0 : cookies.get(after - 1),
            (cookie, name, inode, type, attributes) -> {
              if (part.size() == op.limit()) {
                return false;
              }
              part.add(name);
              return true;
            });
    int end = (int) Math.min(names.size(), (long) after + op.limit());
    if (!part.equals(names.subList(after, end))) {
      throw difference("from a cookie the listing is " + part + " of " + names, null);
    }
    return Answer.NOTHING;
  }

  private void requireEntry(
      long directory, Name name, long inode, @Nullable Attributes attributes) {
    ModelNode node = model.node(inode);
    if (name.isDotDot() && node == null) {
      return; // The parent of a directory that was removed while open.
    }
    if (node == null || attributes == null) {
      throw difference("the listing of " + directory + " has " + name + " → " + inode, null);
    }
    if (name.isDot() && attributes.atimeSeconds() != node.atime.seconds()) {
      return; // Its own access time may just have been updated.
    }
    boolean own = inode == directory || name.isDotDot();
    if (!own) {
      requireEqual("entry " + name, node.attributes(0), attributes);
    }
  }

  private static boolean isAscending(List<Long> cookies) {
    return IntStream.range(1, cookies.size()).allMatch(i -> cookies.get(i) > cookies.get(i - 1));
  }

  private Answer statfs() throws FsException {
    Filesystem.VolumeStatistics told = volume().statfs(root());
    if (told.bytesUsed() > model.allocated()) {
      volume().recountSpace();
      told = volume().statfs(root());
    }
    if (told.bytesUsed() != model.allocated() || told.inodesUsed() != model.nodes().size()) {
      throw difference(
          "statfs says "
              + told
              + ", expected "
              + model.allocated()
              + " bytes and "
              + model.nodes().size()
              + " inodes",
          null);
    }
    return Answer.NOTHING;
  }

  /// Walks both trees: names, attributes, bytes.
  private void checkWholeTree() throws FsException {
    statfs();
    for (ModelNode node : List.copyOf(model.nodes())) {
      requireEqual("inode " + node.inode, node.attributes(0), volume().getattr(root(), node.inode));
      if (node.isDirectory()) {
        checkDirectory(node);
      } else if (node.isFile()) {
        for (long start : node.extentStarts()) {
          readAsOpened(node, start);
        }
      }
    }
  }

  private void checkDirectory(ModelNode node) throws FsException {
    Map<Name, Long> found =
        new TreeMap<>((one, other) -> Arrays.compareUnsigned(one.toBytes(), other.toBytes()));
    volume()
        .readdir(
            root().asOpened(),
            node.inode,
            2,
            (cookie, name, inode, type, attributes) -> {
              found.put(name, inode);
              return true;
            });
    model
        .listing(node.inode)
        .forEach(
            (name, child) -> {
              Long inode = found.remove(name);
              if (inode == null || inode != child.inode) {
                throw difference("directory " + node.inode + " has " + name + " → " + inode, null);
              }
            });
    if (!found.isEmpty()) {
      throw difference("directory " + node.inode + " has too much: " + found.keySet(), null);
    }
    PosixModel.adoptAtime(node, volume().getattr(root(), node.inode));
  }

  private void readAsOpened(ModelNode node, long start) throws FsException {
    read(Caller.ROOT, node.inode, start, 32 << 10);
    PosixModel.adoptAtime(node, volume().getattr(root(), node.inode));
  }

  private RuntimeException difference(String what, @Nullable Throwable cause) {
    StringBuilder text = new StringBuilder();
    text.append("seed ").append(settings.seed()).append(", operation ").append(done);
    text.append(", start ").append(starts).append(": ").append(what).append("\nlast operations:");
    for (String each : trail) {
      String line = each.length() > 400 ? each.substring(0, 400) + "…" : each;
      text.append("\n  ").append(line);
    }
    return new IllegalStateException(text.toString(), cause);
  }
}
