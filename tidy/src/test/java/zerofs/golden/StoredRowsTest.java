package zerofs.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import zerofs.codec.ObjectId;
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
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.fs.row.UsageRow;

/// Each kind of metadata row.
class StoredRowsTest {
  private static final long INODE = 0x1112131415161718L;

  @Test
  void keysOfAllKinds() throws Exception {
    List<byte[]> keys = new ArrayList<>();
    keys.add(RowKeys.entry(INODE, 0x2122232425262728L));
    keys.add(RowKeys.index(INODE, 0x3132333435363738L));
    keys.add(RowKeys.inode(INODE));
    keys.add(RowKeys.orphan(INODE));
    keys.add(RowKeys.guessed(INODE));
    keys.add(RowKeys.chunk(INODE, 0x4142434445464748L));
    keys.add(RowKeys.cut(INODE, 0x5152535455565758L));
    keys.add(RowKeys.usage());
    keys.add(RowKeys.segment(new ObjectId(ObjectId.Kind.LOG, 0x616263, 0x7172737475L)));
    keys.add(RowKeys.segment(new ObjectId(ObjectId.Kind.DATA, 1, 2)));
    keys.add(RowKeys.segment(new ObjectId(ObjectId.Kind.SST, 1, 2)));
    StringBuilder text = new StringBuilder();
    keys.forEach(key -> text.append(HexFormat.of().formatHex(key)).append('\n'));
    assertThat(text.toString()).isEqualTo(Golden.readText("row-keys.txt", text.toString()));
    assertThat(keys).isSortedAccordingTo(java.util.Arrays::compareUnsigned);
  }

  private static Inode.Draft draft(FileType type) {
    Inode.Draft draft = Inode.create(INODE, type);
    draft.mode = 07531;
    draft.nlink = 0x01020304;
    draft.uid = 0x11121314;
    draft.gid = 0xfffffffe;
    draft.size = 0x2122232425262728L;
    draft.units = 0x3132333435363738L;
    draft.major = 0x41424344;
    draft.minor = 0x51525354;
    draft.atime = -2;
    draft.atimeNanos = 999_999_999;
    draft.mtime = 0x6162636465L;
    draft.mtimeNanos = 1;
    draft.ctime = 0x7172737475L;
    draft.ctimeNanos = 2;
    draft.btime = -0x8182838485L;
    draft.btimeNanos = 3;
    draft.change = 0x1234567890abcdefL;
    draft.parent = 0x0fedcba987654321L;
    draft.nextCookie = 0x2233445566778899L;
    draft.verifier = 0xf1f2f3f4f5f6f7f8L;
    return draft;
  }

  private static void checkInode(String name, Inode inode) throws Exception {
    byte[] golden = Golden.same(name, InodeFormat.encode(inode));
    Inode decoded = InodeFormat.decode(INODE, golden);
    assertThat(decoded).usingRecursiveComparison().isEqualTo(inode);
  }

  @Test
  void inodes() throws Exception {
    checkInode("inode-file", draft(FileType.REGULAR).build());
    Inode.Draft link = draft(FileType.SYMLINK);
    link.target = "../zür/Seite".getBytes(StandardCharsets.UTF_8);
    checkInode("inode-symlink", link.build());
    Inode.Draft guessed = draft(FileType.REGULAR);
    guessed.guessed = true;
    checkInode("inode-guessed", guessed.build());
  }

  @Test
  void directoryEntryAndIndex() throws Exception {
    DirectoryEntry entry = new DirectoryEntry(9, FileType.SOCKET, INODE, Name.of("Zürich"));
    byte[] golden = Golden.same("entry", entry.encode());
    assertThat(DirectoryEntry.decode(9, golden)).isEqualTo(entry);
    long[] cookies = {3, 0x7172737475767778L};
    byte[] index = Golden.same("index", DirectoryEntry.encodeCookies(cookies));
    assertThat(DirectoryEntry.decodeCookies(index)).isEqualTo(cookies);
  }

  @Test
  void typesOfInodes() throws Exception {
    StringBuilder text = new StringBuilder();
    for (FileType type : FileType.values()) {
      assertThat(FileType.ofCode(type.code())).isEqualTo(type);
      text.append(type.code()).append(' ').append(type).append('\n');
    }
    assertThat(text.toString()).isEqualTo(Golden.readText("types.txt", text.toString()));
  }

  @Test
  void usage() throws Exception {
    UsageRow usage = new UsageRow(0x0102030405060708L, 0x1112131415161718L);
    assertThat(UsageRow.decode(Golden.same("usage", usage.encode()))).isEqualTo(usage);
    SegmentUsage segment =
        new SegmentUsage(-3, 0x2122232425262728L, 0x4142434445464748L, 0x3132333435363738L);
    assertThat(SegmentUsage.decode(Golden.same("segment-usage", segment.encode())))
        .isEqualTo(segment);
  }

  /// Every item of the grammar, with and without patches, and numbers of one and more bytes.
  private static ChunkRow exampleChunk() {
    ObjectId own = new ObjectId(ObjectId.Kind.LOG, 3, 300);
    ObjectId older = new ObjectId(ObjectId.Kind.LOG, 2, 12);
    ObjectId data = new ObjectId(ObjectId.Kind.DATA, 70_000, 1L << 35);
    int[] one = {0, 1};
    int[] two = {17, 400, 5000, 32_768};
    Patch first = new Patch(new FrameRef(older, 2, 500, 20), 12, one, 32_768);
    Patch second = new Patch(new FrameRef(own, 9, 90_000, 44), 300, two, 6000);
    ChunkRow.Builder row = new ChunkRow.Builder();
    row.set(0, ExtentState.frame(new FrameRef(own, 0, 0, 700), 32_768, 300));
    row.set(1, ExtentState.frame(new FrameRef(own, 1, 700, 32_785), 32_768, 300));
    row.set(2, ExtentState.frame(new FrameRef(own, 2, 33_485, 60), 100, 300));
    row.set(3, ExtentState.inline(Golden.random(5, 4), 299));
    row.set(4, ExtentState.clip(0, 298));
    row.set(5, ExtentState.clip(0, 298));
    row.set(6, ExtentState.clip(1234, 1L << 40));
    row.set(7, ExtentState.patch(first));
    row.set(60, ExtentState.frame(new FrameRef(data, 5, 1 << 20, 128), 32_767, 300));
    ChunkRow patches = patched(second, 0, 3, 6, 7);
    return ChunkRow.merge(patches, row.build(), (frame, death) -> {});
  }

  private static ChunkRow patched(Patch patch, int... extents) {
    ChunkRow.Builder row = new ChunkRow.Builder();
    for (int extent : extents) {
      row.set(extent, ExtentState.patch(patch));
    }
    return row.build();
  }

  @Test
  void chunk() throws Exception {
    byte[] golden = Golden.same("chunk", ChunkRowFormat.encode(exampleChunk()));
    assertThat(ChunkRowFormat.decode(golden)).isEqualTo(exampleChunk());
    ByteArrayOutputStream empty = new ByteArrayOutputStream();
    empty.writeBytes(new byte[] {1, 0, 0, 64});
    assertThat(ChunkRowFormat.encode(ChunkRow.EMPTY)).isEqualTo(empty.toByteArray());
  }
}
