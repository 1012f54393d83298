package zerofs.fuzz;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import zerofs.codec.Keys;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;
import zerofs.codec.VolumeObject;
import zerofs.fs.FileType;
import zerofs.fs.Name;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.SegmentUsage;
import zerofs.fs.row.UsageRow;
import zerofs.log.FrameOwner;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.lsm.SortedRows;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestTarget;
import zerofs.objectstore.ObjectStore;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.xdr.XdrWriter;

/// What fuzzing begins with: something that decodes, of each target, and what was found since.
public final class Seeds {
  private static final ObjectId OBJECT = new ObjectId(ObjectId.Kind.LOG, 3, 5);
  private static final String SALT = "00".repeat(16);

  private static final String CONFIG =
      """
      [storage]
      url = "file:///store"
      encryption_password = "password"
      [servers.nfs]
      addresses = ["127.0.0.1:2049"]
      durability = "store"
      [journal]
      dir = "/journal"
      size_gb = 1.5
      [cache]
      dir = "/cache"
      disk_size_gb = 2
      """;

  private Seeds() {}

  /// Seeds of a target, and the files of its corpus.
  ///
  /// @param corpora where corpora lie
  static List<byte[]> of(Target target, Path corpora) throws IOException {
    List<byte[]> seeds = new ArrayList<>(of(target));
    Path corpus = corpora.resolve(target.corpus());
    if (Files.isDirectory(corpus)) {
      try (Stream<Path> files = Files.list(corpus)) {
        for (Path each : files.sorted().toList()) {
          seeds.add(Files.readAllBytes(each));
        }
      }
    }
    return seeds;
  }

  /// Writes the seeds of a target into a directory.
  public static void write(Target target, Path directory) throws IOException {
    int number = 0;
    for (byte[] each : of(target)) {
      Files.write(directory.resolve("seed-" + number++), each);
    }
  }

  static List<byte[]> of(Target target) {
    return switch (target) {
      case CHUNK_ROW -> List.of(ChunkRowFormat.encode(chunk()));
      case INODE_ROW -> List.of(inode());
      case ENTRY_ROW ->
          List.of(new DirectoryEntry(3, FileType.REGULAR, 9, Name.of("a name")).encode());
      case ACCOUNT_ROW ->
          List.of(
              new UsageRow(5, 6).encode(),
              new SegmentUsage(1, 2, 3, 4).encode(),
              DirectoryEntry.encodeCookies(new long[] {3, 4, 5}));
      case REDO_RECORD -> List.of(redo());
      case SORTED_ROWS -> List.of(bytes(rows().encode()));
      case TABLE -> List.of(bytes(rows().encode().position(9).slice()));
      case MANIFEST -> List.of(ManifestTarget.seed(manifest()));
      case SEGMENT -> List.of(segment(LogHeader.Kind.SEGMENT), segment(LogHeader.Kind.DATA));
      case VOLUME -> List.of(new VolumeObject(0, 0, 0, FuzzVolume.ID, 5).encode());
      case RPC_CALL -> List.of(call());
      case NFS -> nfs();
      case CONFIG -> List.of(CONFIG.getBytes(StandardCharsets.UTF_8));
    };
  }

  private static byte[] bytes(ByteBuffer from) {
    byte[] bytes = new byte[from.remaining()];
    from.get(bytes);
    return bytes;
  }

  private static ChunkRow chunk() {
    ExtentState base = ExtentState.frame(new FrameRef(OBJECT, 0, 0, 100), 32768, 5);
    Patch patch = new Patch(new FrameRef(OBJECT, 2, 250, 50), 6, new int[] {3, 10, 20, 40}, 32768);
    return new ChunkRow.Builder()
        .set(0, base)
        .set(1, ExtentState.frame(new FrameRef(OBJECT, 1, 100, 150), 32768, 5))
        .set(3, ExtentState.patch(patch))
        .set(7, ExtentState.inline(new byte[] {1, 2, 3}, 8))
        .set(9, ExtentState.clip(77, 9))
        .build();
  }

  private static byte[] inode() {
    Inode.Draft draft = Inode.create(7, FileType.SYMLINK);
    draft.target = new byte[] {'t', 'o'};
    draft.size = 2;
    return InodeFormat.encode(draft.build());
  }

  /// A row and a removed inode: `kind 1 | …`, as RedoRecord has them.
  private static byte[] redo() {
    byte[] row = inode();
    return ByteBuffer.allocate(26 + row.length)
        .order(java.nio.ByteOrder.LITTLE_ENDIAN)
        .put((byte) 2)
        .putLong(7)
        .putInt(row.length)
        .put(row)
        .put((byte) 2)
        .putLong(8)
        .putInt(0)
        .array();
  }

  private static SortedRows rows() {
    SortedRows.Builder rows = new SortedRows.Builder();
    for (int i = 0; i < 40; i++) {
      rows.add(new byte[] {0x14, 0, (byte) i}, new byte[] {1, 2, (byte) i});
    }
    return rows.finish();
  }

  private static Manifest manifest() {
    Manifest.TableDescriptor table =
        new Manifest.TableDescriptor(
            new ObjectId(ObjectId.Kind.SST, 1, 1), 5000, 200, 40, "1400", "f0ff");
    return new Manifest(
        3,
        1,
        9,
        100,
        false,
        List.of(new Manifest.EpochEntry(1, 1, 0, 0, SALT, "host", "journal", 5, 4, false)),
        List.of(new Manifest.RunDescriptor(1, 9, List.of(table))));
  }

  private static byte[] segment(LogHeader.Kind kind) {
    LogFormat format =
        new LogFormat(new SealedFrameCodec(new Keys(new byte[32], new byte[16])), new byte[16]);
    LogHeader header =
        new LogHeader(kind, 3, 5, SALT, "11".repeat(16), LogHeader.NO_NONCE, 4, 10, 12);
    ObjectStore.Body body =
        format.segment(
            header,
            List.of(ByteBuffer.wrap(new byte[40])),
            List.of(new FrameOwner(0, 40, 7, 0, false)),
            rows().encode());
    ByteBuffer out = ByteBuffer.allocate((int) body.bytes());
    body.parts().forEach(part -> out.put(part.duplicate()));
    return out.array();
  }

  private static byte[] call() {
    XdrWriter out = new XdrWriter(ByteBuffer.allocate(200));
    out.int32(7).int32(0).int32(2).int32(100003).int32(3).int32(6);
    out.int32(1).int32(28).int32(5).int32(2).fixed(new byte[] {'h', 'i', 0, 0});
    out.int32(10).int32(20).int32(1).int32(30).int32(0).int32(0);
    return bytes(out.buffer().flip());
  }

  /// Calls of procedures, with a handle of the root and some of what each takes.
  private static List<byte[]> nfs() {
    List<byte[]> calls = new ArrayList<>();
    for (int procedure = 0; procedure < 22; procedure++) {
      ByteBuffer bytes = ByteBuffer.allocate(300).put((byte) procedure);
      XdrWriter out = new XdrWriter(bytes.slice());
      new FileHandle(FuzzVolume.ID, 1).encode(out);
      out.int32(4).fixed(new byte[] {'n', 'a', 'm', 'e'});
      for (int i = 0; i < 12; i++) {
        out.int32(i % 3);
      }
      ByteBuffer arguments = out.buffer().flip();
      calls.add(bytes(bytes.position(0).limit(1 + arguments.remaining())));
    }
    return calls;
  }
}
