package zerofs.log;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.log.VolumeOpening.Delta;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.EpochEntry;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Reads the state of a volume without becoming its writer: the newest manifest, and the log after
/// it as far as it reads on. Plants no fence and changes nothing, so a server may be at work: then
/// this is the state of a moment while it was read. (docs/RECOVERY.md, steps 1 and 2.)
public final class VolumeSnapshot {
  private static final int READ_AHEAD_OBJECTS = 16;

  /// A server that makes manifests all the time may not keep damage from being told.
  private static final int LOOKS_MAX = 10;

  private final ManifestStore manifests;
  private final Tasks tasks;
  private final LogReader reader;

  public VolumeSnapshot(ObjectStore store, ManifestStore manifests, LogFormat format, Tasks tasks) {
    this.manifests = manifests;
    this.tasks = tasks;
    this.reader = new LogReader(store, format);
  }

  /// @param deltas above the manifest's mark, in order
  /// @param end first log position that is not part of it
  /// @param whole whether the log read on to where its writer had come
  public record State(Manifest manifest, List<Delta> deltas, long end, boolean whole) {
    public long lastSequence() {
      return deltas.isEmpty() ? manifest.markSequence() : deltas.getLast().lastSequence();
    }
  }

  /// Reads it. After a gap or damage in the log nothing of it is read.
  ///
  /// @param wrong told, in a sentence, what is wrong with the log
  /// @throws StorageException.Corrupt when the newest manifest can't be read
  public State read(Consumer<String> wrong) throws StorageException {
    for (int looks = 1; true; looks++) {
      Manifest manifest = manifests.newest(Cause.ADMIN);
      if (manifest == null) {
        throw new StorageException.Corrupt("the volume has no manifest");
      }
      List<String> found = new ArrayList<>();
      State state = new Walk(manifest, found).run();
      // What a server did meanwhile may look like damage to who has read the manifest before.
      if (found.isEmpty()
          || looks == LOOKS_MAX
          || manifests.newestNumber(Cause.ADMIN) == manifest.number()) {
        found.forEach(wrong);
        return state;
      }
      tasks.yieldPoint();
    }
  }

  private final class Walk {
    private final Manifest manifest;
    private final List<String> wrong;
    private final List<Delta> deltas = new ArrayList<>();
    private @Nullable LogHeader before;
    private long sequence;

    Walk(Manifest manifest, List<String> wrong) {
      this.manifest = manifest;
      this.wrong = wrong;
      this.sequence = manifest.markSequence();
    }

    State run() throws StorageException {
      long end = manifest.mark() + 1;
      boolean whole = true;
      try {
        for (EpochEntry each : manifest.epochs()) {
          boolean open = each.epoch() == manifest.epoch();
          long from = Math.max(manifest.mark() + 1, each.start());
          if (open) {
            end = newestEpoch(each, from);
          } else {
            end = Math.max(end, closed(each, from));
          }
        }
      } catch (StorageException.Corrupt e) {
        wrong.add(e.getMessage());
        end = deltas.isEmpty() ? end : deltas.getLast().position() + 1;
        whole = false;
      }
      return new State(manifest, deltas, end, whole);
    }

    private long closed(EpochEntry epoch, long from) throws StorageException {
      LogReadAhead ahead = ahead(epoch, from, epoch.end());
      for (long position = from; position < epoch.end(); position++) {
        LogFormat.LogObject object = ahead.take();
        if (object == null || object.header().isFence()) {
          throw new StorageException.Corrupt(
              "log object "
                  + LogFormat.key(epoch.epoch(), position)
                  + (object == null ? " is missing" : " is a fence")
                  + ": the log of epoch "
                  + epoch.epoch()
                  + " ends at "
                  + epoch.end());
        }
        add(object);
      }
      String is = fence(epoch);
      if (is != null) {
        wrong.add(
            "the fence "
                + LogFormat.key(epoch.epoch(), epoch.end())
                + is
                + ": a server of epoch "
                + epoch.epoch()
                + " might not find out that it was followed by another");
      }
      return epoch.end() + 1;
    }

    /// What is wrong with the fence that closed an epoch: no start reads it again.
    private @Nullable String fence(EpochEntry epoch) throws StorageException {
      try {
        LogFormat.LogObject fence = reader.read(epoch.epoch(), epoch.end(), Cause.ADMIN);
        return fence == null ? " is missing" : fence.header().isFence() ? null : " is a segment";
      } catch (StorageException.Corrupt e) {
        return " is damaged (" + e.getMessage() + ")";
      }
    }

    private long newestEpoch(EpochEntry epoch, long from) throws StorageException {
      LogReadAhead ahead = ahead(epoch, from, Long.MAX_VALUE);
      for (long position = from; true; position++) {
        LogFormat.LogObject object = ahead.take();
        if (object == null || object.header().isFence()) {
          requireEnd(epoch, position, object != null);
          return position;
        }
        add(object);
      }
    }

    /// As Rules GAP_PROBE, GAP_SLIDE and PROBE_ANY_FENCE, but for what a server has stored since: a
    /// start that met a gap has planted its fence there.
    private void requireEnd(EpochEntry epoch, long position, boolean isFenced)
        throws StorageException {
      long found = 0;
      for (long step = 1; step <= epoch.inFlightMax() + found; step++) {
        LogFormat.LogObject object = reader.read(epoch.epoch(), position + step, Cause.ADMIN);
        if (object == null) {
          continue;
        }
        found = step;
        boolean proves =
            object.header().kind() != LogHeader.Kind.FENCE
                && object.header().knownStored() >= position;
        if (proves && (isFenced || reader.read(epoch.epoch(), position, Cause.ADMIN) == null)) {
          throw new StorageException.Corrupt(
              "log object "
                  + LogFormat.key(epoch.epoch(), position)
                  + " is missing: "
                  + LogFormat.key(epoch.epoch(), position + step)
                  + " proves that it was stored");
        }
        if (proves) {
          return; // A server is at work.
        }
      }
    }

    private void add(LogFormat.LogObject object) throws StorageException.Corrupt {
      LogHeader header = object.header();
      VolumeOpening.requireSuccessor(before, header, sequence);
      before = header;
      sequence = header.lastSequence();
      deltas.add(new Delta(header.position(), sequence, object.delta()));
    }

    private LogReadAhead ahead(EpochEntry epoch, long from, long end) {
      return new LogReadAhead(tasks, reader, epoch.epoch(), from, end, READ_AHEAD_OBJECTS);
    }
  }
}
