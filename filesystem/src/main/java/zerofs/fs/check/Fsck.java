package zerofs.fs.check;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import zerofs.base.Randomness;
import zerofs.base.Tasks;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectEnvelope;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.check.Finding.Kind;
import zerofs.fs.engine.NameHash;
import zerofs.fs.engine.Salts;
import zerofs.log.LogFormat;
import zerofs.log.VolumeOpening;
import zerofs.log.VolumeSecrets;
import zerofs.log.VolumeSnapshot;
import zerofs.lsm.EpochSalts;
import zerofs.lsm.LsmSettings;
import zerofs.lsm.LsmTree;
import zerofs.lsm.SortedRows;
import zerofs.lsm.TableCheck;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// Checks a volume by reading its objects: each by itself, and each against the others. Makes no
/// fence and no claim, so a server may be at work; then the state of a moment is checked.
///
/// ```text
/// manifest, log after it → SSTs → rows, merged: the tree, accounts, references to frames
///   → LIST → manifests, log objects, data segments, their frames → which files suffer
/// ```
///
/// Memory: about 200 bytes for each inode, 100 for each object, 10 for each frame of file data. One
/// use, one task.
public final class Fsck {
  private static final long BLOCK_CACHE_BYTES = 32 << 20;
  private static final int PROGRESS_OBJECTS = 1000;

  private final ObjectStore store;
  private final VolumeSecrets secrets;
  private final Tasks tasks;
  private final Settings settings;
  private final Consumer<String> progress;
  private final FrameCodec codec;
  private final ManifestStore manifests;
  private final LogFormat format;
  private final Findings findings;

  /// @param readsData whether all file data is read: else only that it is there
  /// @param workers objects that are read at a time
  public record Settings(boolean readsData, int workers) {}

  /// @param progress told what is being done, in a line
  public Fsck(
      ObjectStore store,
      VolumeSecrets secrets,
      Tasks tasks,
      Randomness randomness,
      Settings settings,
      Consumer<String> progress) {
    this.store = store;
    this.secrets = secrets;
    this.tasks = tasks;
    this.settings = settings;
    this.progress = progress;
    this.codec = new SealedFrameCodec(secrets.keys());
    this.manifests =
        new ManifestStore(store, new ObjectEnvelope(secrets.keys(), secrets.idBytes(), randomness));
    this.format = new LogFormat(codec, secrets.idBytes());
    this.findings = new Findings(tasks);
  }

  /// @throws StorageException when the store does not answer, or the newest manifest can't be read
  public Report run() throws StorageException {
    progress.accept("reading the newest manifest and the log after it");
    VolumeSnapshot.State state =
        new VolumeSnapshot(store, manifests, format, tasks)
            .read(text -> findings.add(Kind.LOG_BROKEN, text));
    Manifest manifest = state.manifest();
    EpochSalts salts = new Salts(manifest)::of;
    tables(manifest, salts);

    progress.accept("checking rows");
    LsmTree tree = tree(state, salts);
    RowsCheck rows = new RowsCheck(tree, NameHash.of(secrets), findings, manifest.epochs().size());
    boolean allRows = ingested(state, tree) && rows.run(state.lastSequence() == 0);
    References references = allRows ? rows.references() : null;

    SegmentsCheck segments =
        new SegmentsCheck(
            store, codec, format, manifest, findings, references, settings.readsData());
    ObjectsCheck objects = new ObjectsCheck(store, manifests, state, findings, references);
    objects.list();
    progress.accept("reading " + objects.manifests().size() + " manifests");
    Parallel.each(tasks, settings.workers(), objects.manifests(), objects::manifest);
    progress.accept("reading " + objects.segments().size() + " log objects and data segments");
    objects.missing().forEach(segments::missing);
    AtomicLong done = new AtomicLong();
    Parallel.each(
        tasks,
        settings.workers(),
        objects.segments(),
        each -> {
          objects.read(each, segments.check(each.id()));
          if (done.incrementAndGet() % PROGRESS_OBJECTS == 0) {
            progress.accept(done + " of " + objects.segments().size() + " read");
          }
        });
    if (!segments.unreadable().isEmpty()) {
      progress.accept("looking for files whose data can't be read");
      new LostData(tree, rows.nodes(), segments.unreadable(), findings).find();
    }
    return new Report(
        secrets.volumeId(),
        manifest.number(),
        manifest.epoch(),
        state.lastSequence(),
        new Report.Totals(
            objects.manifests().size(),
            manifest.runs().stream().mapToLong(run -> run.tables().size()).sum(),
            objects.segments().size(),
            segments.bytes(),
            segments.frames(),
            rows.rows(),
            rows.inodes(),
            rows.directories(),
            rows.extents(),
            rows.allocated()),
        findings.kept(),
        findings.counts(),
        objects.unreferenced(),
        objects.foreign(),
        notChecked(state, allRows));
  }

  private List<String> notChecked(VolumeSnapshot.State state, boolean allRows) {
    List<String> notChecked = new ArrayList<>();
    if (!allRows) {
      notChecked.add(
          "not all rows could be read: the tree, accounts, and what refers to file data were not"
              + " compared, and nothing is called unreferenced");
    }
    if (!state.whole()) {
      notChecked.add(
          "the log could not be read to its end: what came later was not looked at, and nothing is"
              + " called unreferenced");
    }
    if (!settings.readsData()) {
      notChecked.add("file data was not read, only whether it is there");
    }
    return notChecked;
  }

  private void tables(Manifest manifest, EpochSalts salts) throws StorageException {
    List<TableDescriptor> tables =
        manifest.runs().stream().flatMap(run -> run.tables().stream()).toList();
    progress.accept("reading " + tables.size() + " SSTs");
    TableCheck check = new TableCheck(store, codec, salts);
    Parallel.each(
        tasks,
        settings.workers(),
        tables,
        each -> check.check(each, text -> findings.add(Kind.SST_DAMAGED, text)));
  }

  private LsmTree tree(VolumeSnapshot.State state, EpochSalts salts) {
    LsmTree tree =
        new LsmTree(
            store,
            codec,
            new TolerantMerger(findings),
            tasks,
            LsmSettings.standard(BLOCK_CACHE_BYTES),
            salts);
    tree.open(state.manifest().runs());
    return tree;
  }

  /// Adds the rows of the log.
  private boolean ingested(VolumeSnapshot.State state, LsmTree tree) throws StorageException {
    for (VolumeOpening.Delta each : state.deltas()) {
      try {
        tree.ingest(each.position(), each.lastSequence(), SortedRows.decode(each.rows()));
      } catch (StorageException.Corrupt e) {
        findings.add(
            Kind.ROWS_UNREADABLE, "log position " + each.position() + ": " + e.getMessage());
        return false;
      }
    }
    return true;
  }
}
