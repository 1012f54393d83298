package zerofs.log;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Randomness;
import zerofs.base.Tasks;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.EpochEntry;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.PutOutcome;
import zerofs.objectstore.StorageException;

/// How a process becomes the writer of a volume: it ends the newest epoch by a fence, claims the
/// next one by a manifest, and replays what the log holds. docs/RECOVERY.md has the states, and
/// what a crash at each leaves; the names of rules are those of the protocol's model.
///
/// ```text
/// LIST newest manifest → read the log from its mark to the first free position → fence it
///   → probe past the fence for proof of a gap → claim the next manifest → LIST again → replay
/// ```
///
/// One use, one task.
public final class VolumeOpening {
  /// PUTs without an answer, of one fence or claim, after which a start gives up.
  private static final int UNKNOWN_MAX = 10;

  private final ObjectStore store;
  private final ManifestStore manifests;
  private final LogFormat format;
  private final Tasks tasks;
  private final Randomness randomness;
  private final Settings settings;
  private final LogReader reader;

  /// @param host name of this machine, for messages
  /// @param inFlightMax how many log objects this writer will have in flight
  /// @param readAhead log objects that are read at a time
  /// @param journal this machine's
  /// @param takeover whether to go on without what only another journal has
  public record Settings(
      String host, int inFlightMax, int readAhead, LocalJournal journal, boolean takeover) {}

  /// The journal of this machine, as far as a takeover must know it: what it has is replayed.
  public interface LocalJournal {
    /// Names it in manifests; empty = there is none.
    String id();

    /// Whether it has everything that an epoch of its own answered and the store may lack.
    boolean hasAllOf(int epoch) throws StorageException;
  }

  /// What the log says after the runs of the manifest.
  ///
  /// @param manifest the claim, stored
  /// @param nextPosition first log position of the new epoch
  /// @param lastSequence last commit sequence of the recovered history
  /// @param replayed deltas above the manifest's mark, in order
  public record Opened(
      Manifest manifest, long nextPosition, long lastSequence, List<Delta> replayed) {
    public int epoch() {
      return manifest.epoch();
    }

    public String salt() {
      return manifest.epochEntry(manifest.epoch()).salt();
    }
  }

  /// Rows of one log object.
  public record Delta(long position, long lastSequence, ByteBuffer rows) {}

  public VolumeOpening(
      ObjectStore store,
      ManifestStore manifests,
      LogFormat format,
      Tasks tasks,
      Randomness randomness,
      Settings settings) {
    this.store = store;
    this.manifests = manifests;
    this.format = format;
    this.tasks = tasks;
    this.randomness = randomness;
    this.settings = settings;
    this.reader = new LogReader(store, format);
  }

  /// What was read of the log, and where it was fenced.
  ///
  /// @param clean whether its writer did that itself, after it had stored everything
  private record Walk(
      Manifest manifest, List<LogFormat.LogObject> segments, long fence, boolean clean) {
    long lastSequence() {
      return segments.isEmpty()
          ? manifest.markSequence()
          : segments.getLast().header().lastSequence();
    }
  }

  /// Says that the newest manifest has changed under a walk.
  private static final class StartOver extends Exception {
    private static final long serialVersionUID = 1;

    StartOver() {
      super(null, null, false, false);
    }
  }

  /// Takes the volume over.
  ///
  /// @throws StorageException.Fenced when another process took it over at the same time
  /// @throws StorageException.Corrupt when the log has a gap, or an object does not decode
  public Opened open() throws StorageException {
    while (true) {
      Manifest newest = manifests.newest(Cause.RECOVERY);
      if (newest == null) {
        throw new StorageException.Invalid(
            StorageException.Invalid.Reason.NOT_A_VOLUME,
            "the volume has no manifest: its making was cut short; run 'zerofs quickstart' to"
                + " finish it");
      }
      try {
        return takeOver(newest);
      } catch (StartOver e) {
        tasks.yieldPoint();
      }
    }
  }

  private Opened takeOver(Manifest newest) throws StorageException, StartOver {
    Walk walk = newest.epoch() == 0 ? new Walk(newest, List.of(), 0, true) : walk(newest);
    while (true) {
      Manifest claim = claim(walk);
      byte[] sealed = manifests.seal(claim);
      // Rule CREATE_ONLY_MANIFEST.
      switch (answered(() -> manifests.put(claim, sealed, Cause.RECOVERY))) {
        case STORED -> {
          recheck(claim);
          return replay(claim, walk);
        }
        case TAKEN -> walk = afterLoss(walk, claim.number());
        case GONE -> throw new StartOver();
      }
    }
  }

  /// Rule RECHECK_CLAIM: the number may have been free because it was deleted. Only as the newest
  /// manifest does a claim count. Rule MANIFEST_BEFORE_LOG: nobody has the epoch's number and salt
  /// before this has returned, so nothing of it was sent.
  private void recheck(Manifest claim) throws StorageException {
    long number = manifests.newestNumber(Cause.RECOVERY);
    if (number != claim.number()) {
      throw new StorageException.Fenced(
          "another process took the volume over at the same time (manifest "
              + number
              + " is newer than the claim "
              + claim.number()
              + ")");
    }
  }

  /// Rule LOSER_READS: who loses the number to a flush of the old epoch reads that manifest and
  /// claims the next number; to another claim, gives way.
  private Walk afterLoss(Walk walk, long number) throws StorageException, StartOver {
    Manifest winner = manifests.read(number, Cause.RECOVERY);
    if (winner == null) {
      throw new StartOver();
    }
    if (winner.claim() || winner.epoch() != walk.manifest().epoch()) {
      throw new StorageException.Fenced(
          "another process took the volume over at the same time (manifest " + number + ")");
    }
    if (winner.mark() >= walk.fence()) {
      throw new StartOver(); // Rule REFENCE: the mark has passed the fence, which fences nobody.
    }
    return new Walk(winner, walk.segments(), walk.fence(), walk.clean());
  }

  private Walk walk(Manifest manifest) throws StorageException, StartOver {
    try {
      List<LogFormat.LogObject> segments = new ArrayList<>();
      for (EpochEntry each : manifest.epochs()) {
        boolean open = each.epoch() == manifest.epoch();
        long from = Math.max(manifest.mark() + 1, each.start());
        // Rule EPOCH_END: what an old writer stored past its recorded end is never read.
        if (!open && from < each.end()) {
          closed(each, from, segments);
        } else if (open) {
          Fence fence = newestEpoch(manifest, each, from, segments);
          // Before the claim: each start that meets the damage would leave one more epoch behind.
          deltas(manifest, segments);
          return new Walk(manifest, segments, fence.position(), fence.clean());
        }
      }
      throw new StorageException.Corrupt("manifest " + manifest.number() + " has no open epoch");
    } catch (StorageException.Corrupt e) {
      relist(manifest);
      throw e;
    }
  }

  /// Rule RELIST: before "corrupt" is said, the newest manifest is listed again.
  private void relist(Manifest manifest) throws StorageException, StartOver {
    if (manifests.newestNumber(Cause.RECOVERY) != manifest.number()) {
      throw new StartOver();
    }
  }

  private void closed(EpochEntry epoch, long from, List<LogFormat.LogObject> segments)
      throws StorageException {
    LogReadAhead ahead = ahead(epoch, from, epoch.end());
    for (long position = from; position < epoch.end(); position++) {
      LogFormat.LogObject object = ahead.take();
      if (object == null || object.header().isFence()) {
        throw new StorageException.Corrupt(
            "log object "
                + LogFormat.key(epoch.epoch(), position)
                + " is missing: the log of epoch "
                + epoch.epoch()
                + " ends at "
                + epoch.end());
      }
      segments.add(object);
    }
  }

  private LogReadAhead ahead(EpochEntry epoch, long from, long end) {
    return new LogReadAhead(tasks, reader, epoch.epoch(), from, end, settings.readAhead());
  }

  private record Fence(long position, boolean clean) {}

  /// Rule UNCLOSED_EPOCH: what an epoch answered that no clean fence of its own ends may be in its
  /// writer's journal alone.
  ///
  /// @param end its first free position, or a fence of another's
  private void requireReplayable(Manifest manifest, EpochEntry epoch, long end)
      throws StorageException, StartOver {
    boolean foreign =
        !epoch.journal().isEmpty() && !epoch.journal().equals(settings.journal().id());
    if (foreign && !settings.takeover()) {
      try {
        probe(manifest, epoch, end); // It may be a gap, with the clean fence behind it.
      } catch (StorageException.Corrupt e) {
        requireFilled(epoch, end, e);
      }
      throw new StorageException.Invalid(
          StorageException.Invalid.Reason.UNCLOSED_EPOCH,
          "the volume's last server (on "
              + epoch.host()
              + ", started "
              + Instant.ofEpochSecond(Math.floorDiv(epoch.startedWallNanos(), 1_000_000_000L))
              + ") still runs, or was ended before it had stored everything, and its journal may"
              + " hold changes that the bucket lacks: stop it, or start it there once more and stop"
              + " it; or go on without what only that journal has, by 'run --takeover'");
    }
  }

  /// Before a fence stands there (PROBE_AFTER_FENCE), a writer that is at work may have filled what
  /// looks like a gap between two looks.
  private void requireFilled(EpochEntry epoch, long position, StorageException.Corrupt gap)
      throws StorageException, StartOver {
    LogFormat.LogObject there = reader.read(epoch.epoch(), position, Cause.RECOVERY);
    if (there == null || there.header().kind() == LogHeader.Kind.FENCE) {
      throw gap;
    }
    if (there.header().kind() == LogHeader.Kind.CLEAN_FENCE) {
      throw new StartOver();
    }
  }

  /// Reads the newest epoch to its first free position or fence, and sees to it that a fence is
  /// there. Rule FENCE_FIRST.
  private Fence newestEpoch(
      Manifest manifest, EpochEntry epoch, long from, List<LogFormat.LogObject> segments)
      throws StorageException, StartOver {
    LogReadAhead ahead = ahead(epoch, from, Long.MAX_VALUE);
    long position = from;
    boolean clean = false;
    long distance = epoch.inFlightMax();
    long ended = from - 1;
    while (true) {
      LogFormat.LogObject object = ahead.take();
      if (object == null) {
        // Before the fence, which would end a server that still runs.
        requireReplayable(manifest, epoch, position);
        long last =
            segments.isEmpty()
                ? manifest.markSequence()
                : segments.getLast().header().lastSequence();
        if (!plantFence(epoch, position, last)) {
          if (position > ended) {
            distance *= 2;
            ended = plantAhead(epoch, position + distance) ? position + distance : ended;
          }
          ahead = ahead(epoch, position, Long.MAX_VALUE);
          continue;
        }
        break;
      }
      if (object.header().isFence()) {
        clean = object.header().kind() == LogHeader.Kind.CLEAN_FENCE; // Rule CLEAN_IS_OWN.
        if (!clean) {
          requireReplayable(manifest, epoch, position);
        }
        break; // Rule PROBE_ANY_FENCE: also past one that another recovery has planted.
      }
      segments.add(object);
      position++;
    }
    probe(manifest, epoch, position);
    return new Fence(position, clean);
  }

  /// A writer that is busy takes the next position faster than who comes after it finds out that it
  /// is free. A fence further on ends that race: the writer runs into it. Nothing is read past the
  /// first fence, and to that one the log is walked as ever; so this one only has to stand.
  ///
  /// @return whether it does
  private boolean plantAhead(EpochEntry epoch, long position) throws StorageException {
    String key = LogFormat.key(epoch.epoch(), position);
    try {
      return store.put(key, format.fence(fence(epoch, position, 0)), Cause.RECOVERY)
          == PutOutcome.CREATED;
    } catch (StorageException.OutcomeUnknown e) {
      return false; // If it does, it is met on the way.
    }
  }

  private LogHeader fence(EpochEntry epoch, long position, long lastSequence) {
    byte[] nonce = new byte[16];
    randomness.secret(nonce);
    return new LogHeader(
        LogHeader.Kind.FENCE,
        epoch.epoch(),
        position,
        epoch.salt(),
        HexFormat.of().formatHex(nonce),
        LogHeader.NO_NONCE,
        0,
        0,
        lastSequence);
  }

  /// @return whether the fence stands; else something else took the position
  private boolean plantFence(EpochEntry epoch, long position, long lastSequence)
      throws StorageException {
    LogHeader header = fence(epoch, position, lastSequence);
    String key = LogFormat.key(epoch.epoch(), position);
    ObjectStore.Body body = format.fence(header);
    if (answered(() -> store.put(key, body, Cause.RECOVERY)) == PutOutcome.CREATED) {
      return true;
    }
    LogFormat.LogObject there = reader.read(epoch.epoch(), position, Cause.RECOVERY);
    return there != null && there.header().nonce().equals(header.nonce());
  }

  @FunctionalInterface
  private interface Put<T> {
    T run() throws StorageException;
  }

  /// Sends what tells by its nonce whether it is there, until there is an answer.
  private static <T> T answered(Put<T> put) throws StorageException {
    for (int tries = 1; true; tries++) {
      try {
        return put.run();
      } catch (StorageException.OutcomeUnknown e) {
        if (tries == UNKNOWN_MAX) {
          throw e;
        }
      }
    }
  }

  /// Rules GAP_PROBE, PROBE_AFTER_FENCE: the fence may stand in a gap. A later object whose writer
  /// knew this position stored proves that something is missing. Rule GAP_SLIDE: counted anew from
  /// each object found, since the proof may lie behind segments that were in flight.
  private void probe(Manifest manifest, EpochEntry epoch, long fence)
      throws StorageException, StartOver {
    long found = 0;
    for (long step = 1; step <= epoch.inFlightMax() + found; step++) {
      LogFormat.LogObject object = reader.read(epoch.epoch(), fence + step, Cause.RECOVERY);
      if (object == null) {
        continue;
      }
      // A clean fence proves as well: its writer plants it once everything before it is stored.
      if (object.header().kind() != LogHeader.Kind.FENCE
          && object.header().knownStored() >= fence) {
        relist(manifest);
        throw new StorageException.Corrupt(
            "log object "
                + LogFormat.key(epoch.epoch(), fence)
                + " is missing: "
                + LogFormat.key(epoch.epoch(), fence + step)
                + " proves that it was stored");
      }
      found = step;
    }
  }

  private Manifest claim(Walk walk) throws StorageException {
    Manifest before = walk.manifest();
    List<EpochEntry> epochs = new ArrayList<>();
    for (EpochEntry each : before.epochs()) {
      epochs.add(each.epoch() == before.epoch() ? closed(each, walk) : each);
    }
    byte[] salt = new byte[16];
    randomness.secret(salt);
    epochs.add(
        new EpochEntry(
            before.epoch() + 1,
            walk.fence() + 1, // Rule AFTER_FENCE.
            0,
            0,
            HexFormat.of().formatHex(salt),
            settings.host(),
            settings.journal().id(),
            tasks.wallNanos(),
            settings.inFlightMax(),
            losesPossibly(walk)));
    return new Manifest(
        before.number() + 1,
        before.epoch() + 1,
        before.mark(),
        before.markSequence(),
        true,
        epochs,
        before.runs());
  }

  /// Whether something that the epoch before answered may be gone.
  private boolean losesPossibly(Walk walk) throws StorageException {
    if (walk.clean()) {
      return false;
    }
    EpochEntry last = walk.manifest().epochEntry(walk.manifest().epoch());
    boolean own = !last.journal().isEmpty() && last.journal().equals(settings.journal().id());
    return !own || !settings.journal().hasAllOf(last.epoch());
  }

  private static EpochEntry closed(EpochEntry entry, Walk walk) {
    return new EpochEntry(
        entry.epoch(),
        entry.start(),
        walk.fence(),
        walk.lastSequence(),
        entry.salt(),
        entry.host(),
        entry.journal(),
        entry.startedWallNanos(),
        entry.inFlightMax(),
        entry.lossPossible());
  }

  private static Opened replay(Manifest claim, Walk walk) throws StorageException {
    List<Delta> replayed = deltas(claim, walk.segments());
    long sequence = replayed.isEmpty() ? claim.markSequence() : replayed.getLast().lastSequence();
    return new Opened(claim, walk.fence() + 1, sequence, replayed);
  }

  /// Checks the chain and hands out what lies above the mark.
  private static List<Delta> deltas(Manifest manifest, List<LogFormat.LogObject> segments)
      throws StorageException {
    List<Delta> replayed = new ArrayList<>();
    long sequence = manifest.markSequence();
    LogHeader before = null;
    for (LogFormat.LogObject each : segments) {
      LogHeader header = each.header();
      if (header.position() > manifest.mark()) {
        requireSuccessor(before, header, sequence);
        sequence = header.lastSequence();
        replayed.add(new Delta(header.position(), sequence, each.delta()));
      }
      before = header;
    }
    return replayed;
  }

  /// Rule PREDECESSOR: guards against a bucket restored or merged by hand.
  static void requireSuccessor(@Nullable LogHeader before, LogHeader header, long sequence)
      throws StorageException.Corrupt {
    boolean chained =
        before == null
            || before.epoch() != header.epoch()
            || before.nonce().equals(header.predecessor());
    if (!chained || header.firstSequence() != sequence + 1) {
      throw new StorageException.Corrupt(
          "log object "
              + LogFormat.key(header.epoch(), header.position())
              + " does not follow the one before it (first sequence="
              + header.firstSequence()
              + ", expected "
              + (sequence + 1)
              + ")");
    }
  }
}
