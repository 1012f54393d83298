package zerofs.fs.check;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import zerofs.codec.Keys;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.check.Finding.Kind;
import zerofs.log.FrameOwner;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.EpochEntry;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Objects that are damaged, missing, or of another history: fsck finds each, and names it.
class FsckObjectsTest extends DamagedVolume {
  @TestFactory
  Stream<DynamicTest> objects() {
    return all();
  }

  static Stream<DynamicTest> all() {
    return Stream.of(
            manifests(),
            log(),
            fences(),
            forgedLog(),
            segments(),
            segmentParts(),
            tables(),
            tableNumbers())
        .flatMap(each -> each);
  }

  private static Stream<DynamicTest> manifests() {
    return Stream.of(
        plant(
            "an old manifest is damaged",
            Kind.MANIFEST_DAMAGED,
            ManifestStore.key(2),
            store -> flip(store, ManifestStore.key(2), 60)),
        plant(
            "an old manifest is missing",
            Kind.MANIFEST_MISSING,
            "number 2",
            store -> store.damage(ManifestStore.key(2), null)),
        plant(
            "an old manifest is of another history",
            Kind.MANIFEST_CONTRADICTS,
            ManifestStore.key(2),
            store -> {
              Manifest second =
                  java.util.Objects.requireNonNull(manifests(store).read(2, Cause.ADMIN));
              EpochEntry first = second.epochs().getFirst();
              EpochEntry other =
                  new EpochEntry(1, first.start() + 1, 0, 0, first.salt(), "", "", 0, 4, true);
              replace(store, with(second, List.of(other), second.runs()));
            }),
        plant(
            "a run is named twice",
            Kind.MANIFEST_CONTRADICTS,
            "a run of log positions",
            store -> {
              Manifest manifest = newest(store);
              List<RunDescriptor> runs = new ArrayList<>(manifest.runs());
              runs.add(runs.getFirst());
              replace(store, with(manifest, manifest.epochs(), runs));
            }),
        plant(
            "tables of a run overlap",
            Kind.MANIFEST_CONTRADICTS,
            "not in order",
            store -> {
              Manifest manifest = newest(store);
              RunDescriptor run = manifest.runs().getFirst();
              TableDescriptor table = run.tables().getFirst();
              replace(
                  store,
                  with(
                      manifest,
                      manifest.epochs(),
                      List.of(
                          new RunDescriptor(
                              run.lowestPosition(),
                              run.highestPosition(),
                              List.of(table, table)))));
            }));
  }

  private static Stream<DynamicTest> fences() {
    return Stream.of(
        plant(
            "a start has fenced the gap in the newest epoch",
            Kind.LOG_BROKEN,
            "proves that it was stored",
            store -> {
              String key = keys(store, "log/000002/").getFirst();
              LogHeader is = header(store, key);
              LogHeader fence =
                  new LogHeader(
                      LogHeader.Kind.FENCE,
                      2,
                      is.position(),
                      is.salt(),
                      "22".repeat(16),
                      LogHeader.NO_NONCE,
                      0,
                      0,
                      is.firstSequence() - 1);
              store.damage(key, bytes(FORMAT.fence(fence)));
            }),
        plant(
            "a log object has something else than rows",
            Kind.ROWS_UNREADABLE,
            "log position",
            store -> {
              String key = keys(store, "log/000002/").getFirst();
              store.damage(
                  key,
                  bytes(
                      FORMAT.segment(
                          header(store, key), List.of(), List.of(), ByteBuffer.allocate(10))));
            }),
        plant(
            "the fence of a closed epoch is damaged",
            Kind.LOG_BROKEN,
            "is damaged",
            store -> flip(store, LogFormat.key(1, newest(store).epochs().getFirst().end()), -20)));
  }

  private static Stream<DynamicTest> log() {
    return Stream.of(
        plant(
            "a closed epoch lacks a log object",
            Kind.LOG_BROKEN,
            "is missing",
            store -> {
              long fence = newest(store).epochs().getFirst().end();
              store.damage(LogFormat.key(1, fence - 1), null);
            }),
        plant(
            "a closed epoch lacks its fence",
            Kind.LOG_BROKEN,
            "the fence",
            store -> store.damage(LogFormat.key(1, newest(store).epochs().getFirst().end()), null)),
        plant(
            "the newest epoch lacks a log object",
            Kind.LOG_BROKEN,
            "proves that it was stored",
            store -> store.damage(keys(store, "log/000002/").getFirst(), null)),
        plant(
            "the rows of a log object are damaged",
            Kind.LOG_BROKEN,
            "log/000002/",
            store -> flip(store, keys(store, "log/000002/").getFirst(), EXTENT + 60)),
        plant(
            "the footer of a log object is damaged",
            Kind.LOG_BROKEN,
            "the footer is damaged",
            store -> flip(store, keys(store, "log/000002/").getFirst(), -20)),
        plant(
            "a log object lies at the place of another",
            Kind.LOG_BROKEN,
            "holds the object of",
            store -> {
              List<String> keys = keys(store, "log/000002/");
              store.damage(keys.get(1), read(store, keys.get(0)));
            }),
        plant(
            "a log object follows another one",
            Kind.LOG_BROKEN,
            "does not follow",
            store -> {
              String key = keys(store, "log/000002/").get(1);
              LogHeader is = header(store, key);
              forge(
                  store,
                  new LogHeader(
                      is.kind(),
                      2,
                      is.position(),
                      is.salt(),
                      is.nonce(),
                      LogHeader.NO_NONCE,
                      is.knownStored(),
                      is.firstSequence(),
                      is.lastSequence()));
            }));
  }

  private static Stream<DynamicTest> forgedLog() {
    return Stream.of(
        plant(
            "commits are missing between log objects",
            Kind.LOG_BROKEN,
            "does not follow",
            store -> {
              String key = keys(store, "log/000002/").get(1);
              LogHeader is = header(store, key);
              forge(
                  store,
                  new LogHeader(
                      is.kind(),
                      2,
                      is.position(),
                      is.salt(),
                      is.nonce(),
                      is.predecessor(),
                      is.knownStored(),
                      is.firstSequence() + 1,
                      is.lastSequence() + 1));
            }),
        plant(
            "a log object is of another volume",
            Kind.LOG_BROKEN,
            "another volume",
            store -> {
              String key = keys(store, "log/000002/").get(1);
              LogFormat other =
                  new LogFormat(
                      new SealedFrameCodec(new Keys(new byte[32], new byte[16])), new byte[16]);
              store.damage(key, bytes(other.fence(header(store, key))));
            }));
  }

  private static Stream<DynamicTest> segments() {
    return Stream.of(
        plant(
            "a log object below the mark is truncated",
            Kind.SEGMENT_DAMAGED,
            "log/000001/",
            store -> truncate(store, data(store), 3 * EXTENT)),
        plant(
            "a log object below the mark is empty",
            Kind.SEGMENT_DAMAGED,
            "only 0 bytes",
            store -> truncate(store, data(store), 0)),
        plant(
            "the directory of a segment is damaged",
            Kind.SEGMENT_DAMAGED,
            "log/000001/",
            store -> flip(store, data(store), -LogFormat.FOOTER_BYTES - 3)),
        plant(
            "a data segment is damaged",
            Kind.SEGMENT_DAMAGED,
            "data/07/000001/0000000007",
            store -> {
              LogHeader header = dataHeader(store);
              store.damage(header.id().key(), bytes(FORMAT.data(header, List.of(), List.of())));
              flip(store, header.id().key(), -100);
            }),
        plant(
            "a data segment is of another writer",
            Kind.SEGMENT_DAMAGED,
            "another writer",
            store -> {
              LogHeader is = dataHeader(store);
              LogHeader forged =
                  new LogHeader(
                      is.kind(), 1, 7, "ab".repeat(16), is.nonce(), is.predecessor(), 0, 0, 0);
              store.damage(forged.id().key(), bytes(FORMAT.data(forged, List.of(), List.of())));
            }));
  }

  private static Stream<DynamicTest> segmentParts() {
    return Stream.of(
        plant(
            "a segment's directory does not add up",
            Kind.SEGMENT_DAMAGED,
            "frames of 40 bytes",
            store -> {
              LogHeader header = dataHeader(store);
              store.damage(
                  header.id().key(),
                  bytes(
                      FORMAT.data(header, List.of(), List.of(new FrameOwner(0, 40, 1, 0, false)))));
            }),
        plant(
            "a fence has rows",
            Kind.SEGMENT_DAMAGED,
            "is no segment of the log",
            store -> {
              String key = LogFormat.key(1, newest(store).epochs().getFirst().end());
              store.damage(
                  key,
                  bytes(
                      FORMAT.segment(
                          header(store, key), List.of(), List.of(), ByteBuffer.allocate(10))));
            }),
        plant(
            "a segment with file data is missing",
            Kind.SEGMENT_MISSING,
            "log/000001/",
            store -> store.damage(data(store), null)),
        plant(
            "a segment is missing: its files are named",
            Kind.DATA_UNREADABLE,
            "(/hard link): bytes 0 to " + (5 * EXTENT - 1),
            store -> store.damage(data(store), null)),
        plant(
            "a frame is damaged",
            Kind.FRAME_DAMAGED,
            "frame 1",
            store -> flip(store, data(store), EXTENT + 500)),
        plant(
            "a frame is damaged: its file is named",
            Kind.DATA_UNREADABLE,
            "bytes 32768 to 65535",
            store -> flip(store, data(store), EXTENT + 500)));
  }

  private static Stream<DynamicTest> tables() {
    return Stream.of(
        plant(
            "an SST is missing",
            Kind.SST_DAMAGED,
            "is missing",
            store -> store.damage(sst(store), null)),
        plant(
            "an SST is missing: the rest is not called whole",
            Kind.ROWS_UNREADABLE,
            "after row",
            store -> store.damage(sst(store), null)),
        plant(
            "the footer of an SST is damaged",
            Kind.SST_DAMAGED,
            "footer",
            store -> flip(store, sst(store), -10)),
        plant(
            "the index of an SST is damaged",
            Kind.SST_DAMAGED,
            "sst/000001/",
            store -> flip(store, sst(store), -60)),
        plant(
            "the filter of an SST is damaged",
            Kind.SST_DAMAGED,
            "sst/000001/",
            store ->
                flip(
                    store,
                    sst(store),
                    -newest(store).runs().getLast().tables().getFirst().tailBytes() + 5)),
        plant(
            "a block of an SST is damaged",
            Kind.SST_DAMAGED,
            "block 0",
            store -> flip(store, sst(store), 30)));
  }

  private static Stream<DynamicTest> tableNumbers() {
    return Stream.of(
        plant(
            "an SST is longer than it should be",
            Kind.SST_DAMAGED,
            "the manifest says",
            store -> truncate(store, sst(store), read(store, sst(store)).length + 1)),
        plant(
            "an SST has fewer rows than it should",
            Kind.SST_DAMAGED,
            "rows=",
            store ->
                table(
                    store,
                    is ->
                        new TableDescriptor(
                            is.id(),
                            is.bytes(),
                            is.tailBytes(),
                            is.rows() + 1,
                            is.firstKey(),
                            is.lastKey()))),
        plant(
            "an SST begins elsewhere",
            Kind.SST_DAMAGED,
            "begins at another key",
            store ->
                table(
                    store,
                    is ->
                        new TableDescriptor(
                            is.id(), is.bytes(), is.tailBytes(), is.rows(), "10", is.lastKey()))),
        plant(
            "an SST ends elsewhere",
            Kind.SST_DAMAGED,
            "ends at another key",
            store ->
                table(
                    store,
                    is ->
                        new TableDescriptor(
                            is.id(), is.bytes(), is.tailBytes(), is.rows(), is.firstKey(), "f1"))));
  }

  private static LogHeader dataHeader(MemoryObjectStore store) throws StorageException {
    String salt = newest(store).epochs().getFirst().salt();
    return new LogHeader(
        LogHeader.Kind.DATA, 1, 7, salt, "11".repeat(16), LogHeader.NO_NONCE, 0, 0, 0);
  }
}
