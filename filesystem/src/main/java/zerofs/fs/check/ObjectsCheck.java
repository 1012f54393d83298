package zerofs.fs.check;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.codec.ObjectId;
import zerofs.codec.VolumeObject;
import zerofs.fs.check.Finding.Kind;
import zerofs.log.VolumeSnapshot;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.EpochEntry;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.Listed;
import zerofs.objectstore.StorageException;

/// What lies in the store: what each key is, which manifests there are and whether they agree, and
/// which objects nothing needs. What a server has made since the state was read is left alone.
final class ObjectsCheck {
  private static final int LIST_MAX = 1000;
  private static final int KEPT_MAX = 1000;
  private static final String KEYS = "key/";
  private static final String PROBES = "probe/";

  private final ObjectStore store;
  private final ManifestStore manifestStore;
  private final VolumeSnapshot.State state;
  private final Findings findings;
  private final @Nullable References references;
  private final TreeSet<Long> manifests = new TreeSet<>();
  private final List<Segment> segments = new ArrayList<>();
  private final Set<ObjectId> missing;
  private final Queue<Report.Unreferenced> unreferenced = new ConcurrentLinkedQueue<>();
  private final AtomicLong unreferencedObjects = new AtomicLong();
  private final AtomicLong unreferencedBytes = new AtomicLong();
  private final List<String> foreign = new ArrayList<>();

  /// A log object or data segment.
  record Segment(ObjectId id, long bytes) {}

  /// @param references null when it is not known what refers to file data
  ObjectsCheck(
      ObjectStore store,
      ManifestStore manifestStore,
      VolumeSnapshot.State state,
      Findings findings,
      @Nullable References references) {
    this.store = store;
    this.manifestStore = manifestStore;
    this.state = state;
    this.findings = findings;
    this.references = references;
    this.missing = new HashSet<>(references == null ? Set.of() : references.objects().keySet());
  }

  /// Numbers of the manifests, up to the one that was checked.
  List<Long> manifests() {
    return List.copyOf(manifests);
  }

  /// Log objects and data segments.
  List<Segment> segments() {
    return segments;
  }

  /// Those that are referred to and are not there.
  Set<ObjectId> missing() {
    return missing;
  }

  Report.Garbage unreferenced() {
    return new Report.Garbage(
        unreferencedObjects.get(),
        unreferencedBytes.get(),
        unreferenced.stream().sorted(Comparator.comparing(Report.Unreferenced::key)).toList());
  }

  List<String> foreign() {
    return List.copyOf(foreign);
  }

  /// Lists all, and compares what needs no more than names.
  void list() throws StorageException {
    runs();
    Set<ObjectId> tables = new HashSet<>();
    for (RunDescriptor run : state.manifest().runs()) {
      run.tables().forEach(table -> tables.add(table.id()));
    }
    Listed lastKey = null;
    String after = "";
    List<Listed> page;
    do {
      page = store.list("", after, LIST_MAX, Cause.ADMIN);
      for (Listed each : page) {
        if (each.key().startsWith(KEYS)) {
          notNeeded(lastKey); // The highest counts.
          lastKey = each;
        } else {
          object(each, tables);
        }
        after = each.key();
      }
    } while (!page.isEmpty());
    for (long number = 1; number <= state.manifest().number(); number++) {
      if (!manifests.contains(number)) {
        findings.add(
            Kind.MANIFEST_MISSING,
            ManifestStore.key(number) + ", number " + number + ", is missing");
      }
    }
  }

  private void notNeeded(@Nullable Listed object) {
    if (object != null) {
      add(object.key(), object.objectBytes(), 0);
    }
  }

  private void add(String key, long bytes, long wallNanos) {
    unreferencedBytes.addAndGet(bytes);
    if (unreferencedObjects.incrementAndGet() <= KEPT_MAX) {
      unreferenced.add(new Report.Unreferenced(key, bytes, wallNanos));
    }
  }

  private void object(Listed listed, Set<ObjectId> tables) {
    String key = listed.key();
    ObjectId id = ObjectId.ofKey(key);
    if (id != null && id.epoch() <= state.manifest().epoch()) {
      if (id.kind() != ObjectId.Kind.SST) {
        segments.add(new Segment(id, listed.objectBytes()));
        missing.remove(id);
      } else if (!tables.contains(id)) {
        notNeeded(id, listed.objectBytes());
      }
    } else if (key.startsWith(ManifestStore.PREFIX)) {
      long number = ManifestStore.number(key);
      if (number > 0 && number <= state.manifest().number()) {
        manifests.add(number);
      } else if (number == 0) {
        foreign(key);
      }
    } else if (key.startsWith(PROBES)) {
      notNeeded(listed);
    } else if (id == null && !key.equals(VolumeObject.KEY)) {
      foreign(key);
    }
  }

  private void foreign(String key) {
    if (foreign.size() < KEPT_MAX) {
      foreign.add(key);
    }
  }

  /// Where not all is known that refers to objects, none is called unreferenced.
  private void notNeeded(ObjectId id, long bytes) {
    if (references != null && state.whole()) {
      add(id.key(), bytes, state.manifest().epochEntry(id.epoch()).startedWallNanos());
    }
  }

  /// A log object or data segment was read. Any thread.
  void read(Segment segment, boolean isFence) {
    ObjectId id = segment.id();
    boolean needed =
        isFence
            || references != null && references.of(id) != null
            || id.kind() == ObjectId.Kind.LOG && isInLog(id);
    if (!needed) {
      notNeeded(id, segment.bytes());
    }
  }

  /// Whether its rows count, and no SST has them.
  private boolean isInLog(ObjectId id) {
    EpochEntry epoch = state.manifest().epochEntry(id.epoch());
    long end = epoch.epoch() == state.manifest().epoch() ? state.end() : epoch.end();
    return id.number() > state.manifest().mark() && id.number() < end;
  }

  /// Checks the runs of the manifest against each other.
  private void runs() {
    long below = state.manifest().mark() + 1;
    for (RunDescriptor run : state.manifest().runs()) {
      if (run.highestPosition() >= below || run.lowestPosition() > run.highestPosition()) {
        contradicts(
            "a run of log positions "
                + run.lowestPosition()
                + " to "
                + run.highestPosition()
                + " is not below "
                + below);
      }
      below = run.lowestPosition();
      String last = "";
      for (TableDescriptor table : run.tables()) {
        if (table.firstKey().compareTo(last) <= 0
            || table.lastKey().compareTo(table.firstKey()) < 0) {
          contradicts(table.id().key() + " is not in order in its run");
        }
        last = table.lastKey();
      }
    }
  }

  private void contradicts(String text) {
    findings.add(
        Kind.MANIFEST_CONTRADICTS, ManifestStore.key(state.manifest().number()) + ": " + text);
  }

  /// Compares a manifest with the newest one. Any thread.
  void manifest(long number) throws StorageException {
    Manifest older;
    try {
      older = manifestStore.read(number, Cause.ADMIN);
    } catch (StorageException.Corrupt e) {
      findings.add(Kind.MANIFEST_DAMAGED, String.valueOf(e.getMessage()));
      return;
    }
    Manifest newest = state.manifest();
    if (older == null) {
      return; // Gone since it was listed.
    }
    boolean agrees =
        older.mark() <= newest.mark() && older.epochs().size() <= newest.epochs().size();
    for (int i = 0; agrees && i < older.epochs().size(); i++) {
      agrees = agrees(older.epochs().get(i), newest.epochs().get(i));
    }
    if (!agrees) {
      findings.add(
          Kind.MANIFEST_CONTRADICTS,
          ManifestStore.key(number) + " and the newest manifest tell different histories");
    }
  }

  private static boolean agrees(EpochEntry older, EpochEntry newer) {
    return older.epoch() == newer.epoch()
        && older.start() == newer.start()
        && older.salt().equals(newer.salt())
        && older.journal().equals(newer.journal())
        && (older.end() == 0
            || older.end() == newer.end() && older.endSequence() == newer.endSequence());
  }
}
