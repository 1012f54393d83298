package zerofs.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.NavigableMap;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import zerofs.base.SeededRandomness;
import zerofs.base.SystemTasks;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.KeyObject;
import zerofs.codec.ObjectEnvelope;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;
import zerofs.codec.VolumeObject;
import zerofs.log.FrameOwner;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.lsm.LsmSettings;
import zerofs.lsm.LsmTree;
import zerofs.lsm.RowMerger;
import zerofs.lsm.SortedRows;
import zerofs.manifest.Manifest;
import zerofs.manifest.Manifest.EpochEntry;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.StorageException;

/// Each kind of object: its checked-in bytes decode to what was put into them, and are what this
/// version writes. Compressed frames are only decoded: another release of zstd may pack better.
class StoredObjectsTest {
  private static final String SALT = "5a5b5c5d5e5f60616263646566676869";
  private static final ObjectId SEGMENT = new ObjectId(ObjectId.Kind.LOG, 3, 0x102030405L);

  private final FrameCodec codec = new SealedFrameCodec(Golden.keys());

  @Test
  void volume() throws Exception {
    VolumeObject volume =
        new VolumeObject(0x0102030405060708L, 0, 0, Golden.VOLUME_ID_HEX, 0x1122334455667788L);
    byte[] golden = Golden.same("volume", volume.encode());
    assertThat(VolumeObject.decode(ByteBuffer.wrap(golden))).isEqualTo(volume);
  }

  @Test
  void key() throws Exception {
    byte[] made =
        KeyObject.create(
            "correct horse", Golden.volumeId(), Golden.dataKey(), new SeededRandomness(11));
    byte[] golden = Golden.same("key", made);
    assertThat(KeyObject.open("correct horse", Golden.volumeId(), ByteBuffer.wrap(golden)))
        .isEqualTo(Golden.dataKey());
  }

  private static Manifest exampleManifest() {
    EpochEntry closed =
        new EpochEntry(1, 1, 7, 40, SALT, "first.example", "journal-1", -5, 4, false);
    EpochEntry open =
        new EpochEntry(2, 8, 0, 0, SALT.replace('5', '7'), "zweiter-ä", "", 1L << 60, 9, true);
    TableDescriptor low =
        new TableDescriptor(
            new ObjectId(ObjectId.Kind.SST, 1, 3), 123_456_789_012L, 4096, 77, "10", "14ff");
    TableDescriptor high =
        new TableDescriptor(new ObjectId(ObjectId.Kind.SST, 2, 1), 9, 8, 1, "20", "f0");
    return new Manifest(
        5,
        2,
        6,
        39,
        true,
        List.of(closed, open),
        List.of(new RunDescriptor(4, 6, List.of()), new RunDescriptor(1, 3, List.of(low, high))));
  }

  private static ManifestStore manifests(MemoryObjectStore store) {
    return new ManifestStore(
        store, new ObjectEnvelope(Golden.keys(), Golden.volumeId(), new SeededRandomness(12)));
  }

  @Test
  void manifest() throws Exception {
    MemoryObjectStore store = new MemoryObjectStore();
    byte[] golden = Golden.same("manifest", manifests(store).seal(exampleManifest()));
    store.put("manifest/7ffffffffffffffa", Body.of(golden), Cause.ADMIN);
    assertThat(manifests(store).newest(Cause.ADMIN)).isEqualTo(exampleManifest());
  }

  private byte[] frame(ObjectId object, int number, byte[] plain, Compression compression) {
    FrameCodec.ObjectKey key = codec.objectKey(object, HexFormat.of().parseHex(SALT));
    ByteBuffer out = ByteBuffer.allocate(plain.length + FrameCodec.OVERHEAD_BYTES);
    codec.encode(key, number, new byte[0], ByteBuffer.wrap(plain), compression, out);
    return Arrays.copyOf(out.array(), out.position());
  }

  private byte[] open(ObjectId object, long number, byte[] aad, byte[] sealed)
      throws StorageException {
    FrameCodec.ObjectKey key = codec.objectKey(object, HexFormat.of().parseHex(SALT));
    ByteBuffer out = ByteBuffer.allocate(1 << 20);
    codec.decode(key, number, aad, ByteBuffer.wrap(sealed), out);
    return Arrays.copyOf(out.array(), out.position());
  }

  @Test
  void framesOfEachAlgorithm() throws Exception {
    byte[] plain = Golden.text(3000, "all work and no play makes a dull frame. ");
    byte[] none = new byte[0];
    byte[] raw = Golden.same("frame-raw", frame(SEGMENT, 0, plain, new Compression.None()));
    assertThat(open(SEGMENT, 0, none, raw)).isEqualTo(plain);
    byte[] zstd = Golden.read("frame-zstd", frame(SEGMENT, 1, plain, new Compression.Zstd(3)));
    assertThat(open(SEGMENT, 1, none, zstd)).isEqualTo(plain);
    byte[] lz4 = Golden.read("frame-lz4", frame(SEGMENT, 2, plain, new Compression.Lz4()));
    assertThat(open(SEGMENT, 2, none, lz4)).isEqualTo(plain);
    assertThat(zstd.length).isLessThan(1000);
    assertThat(lz4.length).isLessThan(1000).isNotEqualTo(zstd.length);
  }

  private static LogHeader header(LogHeader.Kind kind, boolean rows) {
    return new LogHeader(
        kind,
        SEGMENT.epoch(),
        SEGMENT.number(),
        SALT,
        "101112131415161718191a1b1c1d1e1f",
        "202122232425262728292a2b2c2d2e2f",
        0x102030401L,
        rows ? 0x3132333435363738L : 0,
        0x4142434445464748L);
  }

  private LogFormat.LogObject decode(byte[] object) throws StorageException {
    return new LogFormat(codec, Golden.volumeId())
        .decode(
            SEGMENT.epoch(),
            SEGMENT.number(),
            new Fetched(ByteBuffer.wrap(object), object.length),
            (offset, length) -> new Fetched(ByteBuffer.wrap(object, (int) offset, length), 0));
  }

  private static byte[] bytes(Body body) {
    ByteBuffer out = ByteBuffer.allocate((int) body.bytes());
    body.parts().forEach(part -> out.put(part.duplicate()));
    return out.array();
  }

  @Test
  void logSegment() throws Exception {
    byte[] first = frame(SEGMENT, 0, Golden.random(300, 1), new Compression.None());
    byte[] second = frame(SEGMENT, 1, Golden.random(500, 2), new Compression.None());
    byte[] delta = Golden.random(200, 3);
    LogHeader header = header(LogHeader.Kind.SEGMENT, true);
    Body made =
        new LogFormat(codec, Golden.volumeId())
            .segment(
                header,
                List.of(ByteBuffer.wrap(first), ByteBuffer.wrap(second)),
                List.of(
                    new FrameOwner(0, first.length, 0x7172737475767778L, 5, false),
                    new FrameOwner(1, second.length, 1, 0x6162636465666768L, true)),
                ByteBuffer.wrap(delta));
    byte[] golden = Golden.same("log-segment", bytes(made));
    LogFormat.LogObject decoded = decode(golden);
    assertThat(decoded.header()).isEqualTo(header);
    assertThat(decoded.delta()).isEqualTo(ByteBuffer.wrap(delta));
    byte[] none = new byte[0];
    assertThat(open(SEGMENT, 0, none, Arrays.copyOf(golden, first.length)))
        .isEqualTo(Golden.random(300, 1));
    int end = first.length + second.length;
    assertThat(open(SEGMENT, 1, none, Arrays.copyOfRange(golden, first.length, end)))
        .isEqualTo(Golden.random(500, 2));
    checkDirectory(golden, first.length, second.length);
  }

  /// Reads the directory as docs/FORMAT.md describes it.
  private void checkDirectory(byte[] object, int first, int second) throws StorageException {
    ByteBuffer in = ByteBuffer.wrap(object).order(ByteOrder.LITTLE_ENDIAN);
    int footer = object.length - 160;
    int start = footer - in.getInt(footer + 128);
    int stored = in.getInt(start);
    byte[] aad = Arrays.copyOfRange(object, footer, footer + 112);
    byte[] sealed = Arrays.copyOfRange(object, start + 4, start + 4 + stored);
    byte[] plain = open(SEGMENT, (1L << 32) + (1 << 20), aad, sealed);
    ByteBuffer expected = ByteBuffer.allocate(50).order(ByteOrder.LITTLE_ENDIAN);
    expected.putInt(0).putInt(first).putLong(0x7172737475767778L).putLong(5).put((byte) 0);
    expected.putInt(1).putInt(second).putLong(1).putLong(0x6162636465666768L).put((byte) 1);
    assertThat(plain).isEqualTo(expected.array());
    assertThat(in.getInt(footer + 136)).as("frames").isEqualTo(2);
  }

  @Test
  void fences() throws Exception {
    for (LogHeader.Kind kind : List.of(LogHeader.Kind.FENCE, LogHeader.Kind.CLEAN_FENCE)) {
      LogHeader header = header(kind, false);
      String name = kind == LogHeader.Kind.FENCE ? "log-fence" : "log-clean-fence";
      byte[] golden =
          Golden.same(name, bytes(new LogFormat(codec, Golden.volumeId()).fence(header)));
      assertThat(golden).hasSize(LogFormat.FOOTER_BYTES);
      assertThat(decode(golden).header()).isEqualTo(header);
      assertThat(decode(golden).delta().hasRemaining()).isFalse();
    }
  }

  /// Rows with keys that share beginnings, enough for some blocks and restarts.
  private static NavigableMap<String, byte[]> exampleRows() {
    NavigableMap<String, byte[]> rows = new TreeMap<>();
    for (int i = 0; i < 100; i++) {
      rows.put(String.format("row/%03d%s", i * 7, "x".repeat(i % 3)), Golden.random(90, i));
    }
    rows.put("removed", new byte[0]);
    return rows;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static SortedRows sorted() {
    SortedRows.Builder builder = new SortedRows.Builder();
    exampleRows().forEach((key, value) -> builder.add(ascii(key), value));
    return builder.finish();
  }

  @Test
  void sortedRows() throws Exception {
    byte[] golden = Golden.same("sorted-rows", bytes(new Body(List.of(sorted().encode()))));
    SortedRows decoded = SortedRows.decode(ByteBuffer.wrap(golden));
    assertThat(decoded.rows()).isEqualTo(exampleRows().size());
    LsmTree tree = tree(new MemoryObjectStore());
    tree.ingest(1, 1, decoded);
    requireRows(tree);
  }

  private static void requireRows(LsmTree tree) throws StorageException {
    for (var each : exampleRows().entrySet()) {
      assertThat(tree.get(ascii(each.getKey()), true)).as(each.getKey()).isEqualTo(each.getValue());
    }
    assertThat(tree.get(ascii("row/001"), true)).isNull();
  }

  private static final RowMerger NEWEST =
      new RowMerger() {
        @Override
        public byte[] merge(byte[] key, byte[] newer, byte[] older, SideRows side) {
          return newer;
        }

        @Override
        public byte @Nullable [] bottom(byte[] key, byte[] value) {
          return value;
        }

        @Override
        public boolean hidesOlder(byte[] key, byte[] value) {
          return true;
        }
      };

  private LsmTree tree(MemoryObjectStore store) {
    return new LsmTree(
        store,
        codec,
        NEWEST,
        new SystemTasks(
            (name, e) -> {
              throw new AssertionError(name, e);
            }),
        new LsmSettings(1 << 20, 1 << 20, 4, 12, new Compression.None()),
        epoch -> HexFormat.of().parseHex(SALT));
  }

  @Test
  void sst() throws Exception {
    MemoryObjectStore written = new MemoryObjectStore();
    LsmTree writer = tree(written);
    writer.ingest(1, 1, sorted());
    AtomicLong numbers = new AtomicLong(0x203);
    LsmTree.Flushed flushed = Objects.requireNonNull(writer.flush(3, numbers::incrementAndGet));
    TableDescriptor table = flushed.run().tables().getFirst();
    assertThat(table.id().key()).isEqualTo("sst/000003/0000000204");
    Fetched object =
        Objects.requireNonNull(written.getSuffix(table.id().key(), 1 << 20, Cause.ADMIN));
    byte[] golden = Golden.same("sst", bytes(new Body(List.of(object.bytes()))));

    TableDescriptor expected =
        new TableDescriptor(
            new ObjectId(ObjectId.Kind.SST, 3, 0x204),
            golden.length,
            table.tailBytes(),
            101,
            HexFormat.of().formatHex(ascii("removed")),
            HexFormat.of().formatHex(ascii("row/693")));
    assertThat(table).isEqualTo(expected);
    MemoryObjectStore store = new MemoryObjectStore();
    store.put(table.id().key(), Body.of(golden), Cause.ADMIN);
    LsmTree reader = tree(store);
    reader.open(new ArrayList<>(List.of(new RunDescriptor(1, 1, List.of(table)))));
    requireRows(reader);
  }
}
