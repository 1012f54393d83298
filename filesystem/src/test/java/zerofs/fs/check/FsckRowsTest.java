package zerofs.fs.check;

import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import zerofs.codec.ObjectId;
import zerofs.fs.FileType;
import zerofs.fs.Name;
import zerofs.fs.check.Finding.Kind;
import zerofs.fs.engine.NameHash;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.fs.row.UsageRow;
import zerofs.objectstore.StorageException;

/// Rows that a broken writer might have stored: fsck finds each, and names it.
class FsckRowsTest extends DamagedVolume {
  @TestFactory
  Stream<DynamicTest> rows() {
    return all();
  }

  static Stream<DynamicTest> all() {
    return Stream.of(
            undecodable(),
            names(),
            index(),
            directories(),
            inodes(),
            data(),
            accounts(),
            frames(),
            frameLengths())
        .flatMap(each -> each);
  }

  private static Stream<DynamicTest> undecodable() {
    return Stream.of(
        plantRows(
            "a row of no kind",
            Kind.ROW_UNKNOWN,
            "row 50",
            rows -> rows.put(new byte[] {0x50}, new byte[] {1})),
        plantRows(
            "a row of a reserved kind",
            Kind.ROW_UNKNOWN,
            "row 22",
            rows -> rows.put(RowKeys.cut(is.file, 1), new byte[] {1})),
        plantRows(
            "a key that is too short",
            Kind.ROW_UNKNOWN,
            "row 1400",
            rows -> rows.put(new byte[] {RowKeys.INODE, 0}, new byte[] {1})),
        plantRows(
            "an inode that does not decode",
            Kind.ROW_DAMAGED,
            "row of inode",
            rows -> rows.put(RowKeys.inode(is.file), new byte[] {1, 2, 3})),
        plantRows(
            "an inode of no type",
            Kind.ROW_DAMAGED,
            "type 3",
            rows -> {
              byte[] value = InodeFormat.encode(file(NEW, 0, 0).build());
              value[1] = 3;
              rows.put(RowKeys.inode(NEW), value);
            }),
        plantRows(
            "an entry that does not decode",
            Kind.ROW_DAMAGED,
            "directory entry",
            rows -> rows.put(RowKeys.entry(ROOT, 50), new byte[] {8, 1})),
        plantRows(
            "an index row that does not decode",
            Kind.ROW_DAMAGED,
            "index row of 5 bytes",
            rows -> rows.put(RowKeys.index(ROOT, 1), new byte[5])),
        plantRows(
            "a chunk that does not decode",
            Kind.ROW_DAMAGED,
            "chunk row",
            rows -> rows.put(RowKeys.chunk(is.file, 5), new byte[] {9})),
        plantRows(
            "a chunk over a good one that does not decode",
            Kind.ROW_DAMAGED,
            "one version of it",
            rows -> rows.put(RowKeys.chunk(is.file, 0), new byte[] {9})),
        plantRows(
            "totals that do not decode",
            Kind.ROW_DAMAGED,
            "usage row of 3 bytes",
            rows -> rows.put(RowKeys.usage(), new byte[3])),
        plantRows(
            "an account that does not decode",
            Kind.ROW_DAMAGED,
            "accounting row of 1 bytes",
            rows -> rows.put(RowKeys.segment(OBJECT), new byte[1])));
  }

  private static Stream<DynamicTest> names() {
    return Stream.of(
        plantRows(
            "no root",
            Kind.ROOT_MISSING,
            "inode 1",
            rows -> rows.put(RowKeys.inode(ROOT), new byte[0])),
        plantRows(
            "a name with a slash",
            Kind.ENTRY_NAME,
            "no file can have this name",
            rows -> rows.entry(ROOT, 50, FileType.REGULAR, is.file, "a/b")),
        plantRows(
            "the name '..'",
            Kind.ENTRY_NAME,
            "entry 50 '..'",
            rows -> rows.entry(ROOT, 50, FileType.REGULAR, is.file, "..")),
        plantRows(
            "a name that is too long",
            Kind.ENTRY_NAME,
            "entry 50",
            rows -> rows.entry(ROOT, 50, FileType.REGULAR, is.file, "x".repeat(256))),
        plantRows(
            "a name of nothing",
            Kind.ENTRY_DANGLING,
            "(/nothing) is named",
            rows -> rows.entry(ROOT, 50, FileType.REGULAR, NEW, "nothing")),
        plantRows(
            "a name of another type",
            Kind.ENTRY_TYPE,
            "entry 50 'fifo'",
            rows -> rows.entry(ROOT, 50, FileType.FIFO, is.file, "fifo")),
        plantRows(
            "an inode of another type than its entry",
            Kind.ENTRY_TYPE,
            "its entry says",
            rows -> {
              rows.entry(ROOT, 50, FileType.FIFO, NEW, "fifo");
              rows.inode(file(NEW, 0, 0));
            }),
        plantRows(
            "a cookie that will be given again",
            Kind.ENTRY_COOKIE,
            "has an entry 1000",
            rows -> rows.entry(ROOT, 1000, FileType.REGULAR, is.file, "late")),
        plantRows(
            "entries in a file",
            Kind.ENTRY_NO_DIRECTORY,
            "(/hard link), a REGULAR",
            rows -> rows.entry(is.file, 5, FileType.REGULAR, is.other, "x")),
        plantRows(
            "entries nowhere",
            Kind.ENTRY_NO_DIRECTORY,
            "which is not there",
            rows -> rows.entry(NEW, 5, FileType.REGULAR, is.other, "x")));
  }

  private static Stream<DynamicTest> index() {
    return Stream.of(
        plantRows(
            "a name twice",
            Kind.ENTRY_DUPLICATE,
            "'twice'",
            rows -> {
              rows.entry(ROOT, 50, FileType.REGULAR, is.file, "twice");
              rows.entry(ROOT, 51, FileType.REGULAR, is.other, "twice");
              rows.put(
                  RowKeys.index(ROOT, NameHash.of(SECRETS).of(Name.of("twice"))),
                  DirectoryEntry.encodeCookies(new long[] {50, 51}));
            }),
        plantRows(
            "a name that is not in the index",
            Kind.INDEX_WRONG,
            "'unlisted'",
            rows -> rows.entry(ROOT, 50, FileType.REGULAR, is.file, "unlisted")),
        plantRows(
            "an index without its entry",
            Kind.INDEX_WRONG,
            "has entry 77",
            rows ->
                rows.put(RowKeys.index(ROOT, 1), DirectoryEntry.encodeCookies(new long[] {77}))),
        plantRows(
            "a name under another hash",
            Kind.INDEX_WRONG,
            "'moved' in",
            rows -> {
              rows.entry(ROOT, 50, FileType.REGULAR, is.file, "moved");
              rows.put(RowKeys.index(ROOT, 1), DirectoryEntry.encodeCookies(new long[] {50}));
            }),
        plantRows(
            "an index of no directory",
            Kind.INDEX_WRONG,
            "the index of directory " + NEW,
            rows -> rows.put(RowKeys.index(NEW, 1), DirectoryEntry.encodeCookies(new long[] {5}))));
  }

  private static Stream<DynamicTest> directories() {
    return Stream.of(
        plantRows(
            "a directory with two names",
            Kind.DIRECTORY_NAMED_TWICE,
            "has another name",
            rows -> rows.entry(ROOT, 50, FileType.DIRECTORY, is.inner, "second")),
        plantRows(
            "a directory in itself",
            Kind.DIRECTORY_LOOP,
            "it contains itself",
            rows -> {
              rows.entry(NEW, 5, FileType.DIRECTORY, NEW + 1, "down");
              rows.entry(NEW + 1, 5, FileType.DIRECTORY, NEW, "up");
              rows.inode(directory(NEW, NEW + 1, 3, 1));
              rows.inode(directory(NEW + 1, NEW, 3, 1));
            }),
        plantRows(
            "a directory that thinks it is elsewhere",
            Kind.DIRECTORY_PARENT,
            "says that it is in directory 1",
            rows -> rows.inode(directory(is.inner, ROOT, 2, 1))),
        plantRows(
            "a directory that counts wrong",
            Kind.DIRECTORY_ENTRIES,
            "says that it has 5 entries, has 1",
            rows -> rows.inode(directory(is.inner, is.directory, 2, 5))),
        plantRows(
            "an inode without a name",
            Kind.INODE_LOST,
            "has no name",
            rows -> rows.inode(file(NEW, 0, 0))),
        plantRows(
            "a file with too many links",
            Kind.INODE_LINKS,
            "its link count is 9, should be 2",
            rows -> {
              Inode.Draft draft = file(is.file, 5 * EXTENT, 5);
              draft.nlink = 9;
              rows.inode(draft);
            }),
        plantRows(
            "a directory with too many links",
            Kind.INODE_LINKS,
            "its link count is 7, should be 2",
            rows -> rows.inode(directory(is.inner, is.directory, 7, 1))));
  }

  private static Stream<DynamicTest> inodes() {
    return Stream.of(
        plantRows(
            "an inode of an epoch to come",
            Kind.INODE_NUMBER,
            "is of epoch 9",
            rows -> rows.inode(file(9L << 40, 0, 0))),
        plantRows(
            "a symlink of another length",
            Kind.INODE_SIZE,
            "a SYMLINK: size=5",
            rows -> {
              Inode.Draft draft = draft(is.link, FileType.SYMLINK);
              draft.target = new byte[] {'x'};
              draft.size = 5;
              rows.inode(draft);
            }),
        plantRows(
            "a file with more extents than it can have",
            Kind.INODE_SIZE,
            "units=9",
            rows -> rows.inode(file(is.other, 4 * EXTENT, 9))),
        plantRows(
            "a named inode that is to be removed",
            Kind.ORPHAN_WRONG,
            "(/other) has a name",
            rows -> rows.put(RowKeys.orphan(is.other), new byte[] {1})),
        plantRows(
            "nothing that is to be removed",
            Kind.ORPHAN_WRONG,
            "is not there",
            rows -> rows.put(RowKeys.orphan(NEW), new byte[] {1})),
        plantRows(
            "a count that is called a guess by one row",
            Kind.GUESSED_WRONG,
            "(/other)",
            rows -> rows.put(RowKeys.guessed(is.other), new byte[] {1})),
        plantRows(
            "a guess without its row",
            Kind.GUESSED_WRONG,
            "(/other)",
            rows -> {
              Inode.Draft draft = file(is.other, 4 * EXTENT, 4);
              draft.guessed = true;
              rows.inode(draft);
            }),
        plantRows(
            "a guess of nothing",
            Kind.GUESSED_WRONG,
            "is not there",
            rows -> rows.put(RowKeys.guessed(NEW), new byte[] {1})));
  }

  private static Stream<DynamicTest> data() {
    return Stream.of(
        plantRows(
            "data of no file",
            Kind.CHUNK_NO_FILE,
            "which is not there",
            rows -> rows.chunk(NEW, 0, 0, ExtentState.inline(new byte[10], 9))),
        plantRows(
            "data of a directory",
            Kind.CHUNK_NO_FILE,
            "a DIRECTORY",
            rows -> rows.chunk(is.inner, 0, 0, ExtentState.inline(new byte[10], 9))),
        plantRows(
            "data beyond the end",
            Kind.CHUNK_BEYOND_END,
            "extent 63",
            rows -> rows.chunk(is.other, 0, 63, ExtentState.inline(new byte[10], 9))),
        plantRows(
            "bytes beyond the end",
            Kind.CHUNK_BEYOND_END,
            "the file ends at byte 5",
            rows -> {
              rows.entry(ROOT, 50, FileType.REGULAR, NEW, "short");
              rows.inode(file(NEW, 5, 1));
              rows.chunk(NEW, 0, 0, ExtentState.inline(new byte[10], 9));
            }),
        plantRows(
            "a file that counts its extents wrong",
            Kind.EXTENT_COUNT,
            "says that it has 3 extents, has 4",
            rows -> rows.inode(file(is.other, 4 * EXTENT, 3))));
  }

  private static Stream<DynamicTest> accounts() {
    return Stream.of(
        plantRows(
            "an account of no object",
            Kind.ROW_DAMAGED,
            "accounting row of no object",
            rows -> {
              byte[] key = RowKeys.segment(OBJECT);
              key[1] = 9;
              rows.put(key, new SegmentUsage(0, 0, 0, 0).encode());
            }),
        plantRows(
            "a frame of two extents",
            Kind.FRAME_SHARED,
            "two extents",
            rows ->
                rows.chunk(
                    is.file,
                    0,
                    2,
                    ExtentState.frame(
                        new FrameRef(dataObject(), 1, EXTENT + 17, EXTENT + 17), EXTENT, 9))),
        plantRows(
            "totals of inodes",
            Kind.USAGE_WRONG,
            "the volume says that it has 3 inodes",
            rows -> rows.put(RowKeys.usage(), new UsageRow(7 << 20, 3).encode())),
        plantRows(
            "an account of nothing",
            Kind.ACCOUNT_WRONG,
            OBJECT.key(),
            rows -> rows.put(RowKeys.segment(OBJECT), new SegmentUsage(1, 5, 5, 0).encode())),
        plantRows(
            "data without an account",
            Kind.ACCOUNT_WRONG,
            "has no account",
            rows ->
                rows.chunk(
                    is.other, 0, 0, ExtentState.frame(new FrameRef(OBJECT, 0, 0, 100), EXTENT, 9))),
        plantRows(
            "data in an object that is not there",
            Kind.SEGMENT_MISSING,
            OBJECT.key(),
            rows ->
                rows.chunk(
                    is.other,
                    0,
                    0,
                    ExtentState.frame(new FrameRef(OBJECT, 0, 0, 100), EXTENT, 9))));
  }

  private static Stream<DynamicTest> frameLengths() {
    return Stream.of(
        plantRows(
            "an extent of more bytes than its frame",
            Kind.FRAME_WRONG,
            "it holds 1000 bytes, what refers to it says 2000",
            rows ->
                rows.chunk(
                    is.sparse,
                    5,
                    0,
                    ExtentState.frame(
                        new FrameRef(dataObject(), 6, 5 * (EXTENT + 17), 1000 + 17), 2000, 9))),
        plantRows(
            "a patch of another length",
            Kind.FRAME_WRONG,
            "what refers to it says 50",
            rows ->
                rows.chunk(
                    is.file,
                    0,
                    0,
                    ExtentState.patch(
                        new Patch(
                            new FrameRef(patchObject(), 0, 0, 100 + 17),
                            9,
                            new int[] {0, 50},
                            EXTENT)))));
  }

  private static Stream<DynamicTest> frames() {
    return Stream.of(
        plantRows(
            "a frame elsewhere in its segment",
            Kind.FRAME_WRONG,
            "what refers to it says",
            rows ->
                rows.chunk(
                    is.file,
                    0,
                    1,
                    ExtentState.frame(new FrameRef(dataObject(), 1, 5, EXTENT + 17), EXTENT, 9))),
        plantRows(
            "a frame of another file",
            Kind.FRAME_WRONG,
            "it holds extent 1 of inode",
            rows -> {
              rows.chunk(is.file, 0, 1, ExtentState.inline(new byte[10], 9));
              rows.chunk(
                  is.other,
                  0,
                  1,
                  ExtentState.frame(
                      new FrameRef(dataObject(), 1, EXTENT + 17, EXTENT + 17), EXTENT, 9));
            }),
        plantRows(
            "a frame that its segment does not have",
            Kind.FRAME_WRONG,
            "there is none",
            rows ->
                rows.chunk(
                    is.file,
                    0,
                    1,
                    ExtentState.frame(new FrameRef(dataObject(), 900, 5, EXTENT + 17), EXTENT, 9))),
        plantRows(
            "a frame that no segment can have",
            Kind.FRAME_WRONG,
            "no segment has one",
            rows ->
                rows.chunk(
                    is.file,
                    0,
                    1,
                    ExtentState.frame(
                        new FrameRef(dataObject(), 1 << 30, 5, EXTENT + 17), EXTENT, 9))));
  }

  private static Inode.Draft draft(long inode, FileType type) {
    Inode.Draft draft = Inode.create(inode, type);
    draft.mode = 0644;
    return draft;
  }

  private static Inode.Draft directory(long inode, long parent, int links, long entries) {
    Inode.Draft draft = draft(inode, FileType.DIRECTORY);
    draft.nlink = links;
    draft.parent = parent;
    draft.units = entries;
    draft.nextCookie = 100;
    return draft;
  }

  private static Inode.Draft file(long inode, long size, long extents) {
    Inode.Draft draft = draft(inode, FileType.REGULAR);
    draft.size = size;
    draft.units = extents;
    return draft;
  }

  private static final long NEW = (1L << 40) + 1000;
  private static final ObjectId OBJECT = new ObjectId(ObjectId.Kind.DATA, 1, 99);

  private static ObjectId dataObject() throws StorageException {
    return java.util.Objects.requireNonNull(ObjectId.ofKey(data(healthy)));
  }

  private static ObjectId patchObject() {
    return java.util.Objects.requireNonNull(ObjectId.ofKey(keys(healthy, "log/000002/").get(2)));
  }
}
