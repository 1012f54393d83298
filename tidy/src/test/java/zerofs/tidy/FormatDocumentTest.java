package zerofs.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// docs/FORMAT.md against the code: each layout is whole, is that of the class's own comment, and
/// finds in checked-in bytes (`zerofs.golden`) what was put there; each number is the constant's.
class FormatDocumentTest {
  private static final Path ROOT = Path.of("..");

  private static final String VOLUME_ID = "00112233445566778899aabbccddeeff";
  private static final String SALT = "5a5b5c5d5e5f60616263646566676869";
  private static final String NONCE = "101112131415161718191a1b1c1d1e1f";
  private static final String PREDECESSOR = "202122232425262728292a2b2c2d2e2f";

  /// A layout of FORMAT.md.
  ///
  /// @param section where it stands
  /// @param source the class that writes it
  /// @param bytes constant: its length
  /// @param golden bytes that hold one
  /// @param atEnd whether it is the end of them
  /// @param values of its fields in `golden`, in order: hexadecimal, or `crc` for the checksum of
  ///   what is before it, or `*`
  record Case(
      String section, String source, String bytes, String golden, boolean atEnd, String values) {
    @Override
    public String toString() {
      return section;
    }
  }

  static List<Case> layouts() {
    return List.of(
        new Case(
            "Volume",
            "storage/src/main/java/zerofs/codec/VolumeObject.java",
            "zerofs.codec.VolumeObject.BYTES",
            "volume",
            false,
            "5a465356 0100 0000 0807060504030201 0000000000000000 0000000000000000 "
                + VOLUME_ID
                + " 8877665544332211 crc"),
        new Case(
            "Key",
            "storage/src/main/java/zerofs/codec/KeyObject.java",
            "zerofs.codec.KeyObject.BYTES",
            "key",
            false,
            "5a46534b 0100 0000 00000100 03000000 04000000 * * *"),
        new Case(
            "Envelope",
            "storage/src/main/java/zerofs/codec/ObjectEnvelope.java",
            "zerofs.codec.ObjectEnvelope.HEADER_BYTES",
            "manifest",
            false,
            "5a465345 01 00 0100 " + VOLUME_ID + " * 5d010000 crc"),
        new Case(
            "Log object",
            "storage/src/main/java/zerofs/log/LogFormat.java",
            "zerofs.log.LogFormat.FOOTER_BYTES",
            "log-segment",
            true,
            "5a46534c 0100 01 00 "
                + VOLUME_ID
                + " 03000000 00000000 0504030201000000 "
                + SALT
                + " "
                + NONCE
                + " "
                + PREDECESSOR
                + " 0104030201000000 3837363534333231"
                + " 4847464544434241 4203000000000000 dd000000 c8000000 47000000 32000000 02000000"
                + " 00000000 0605000000000000 00000000 crc"),
        new Case(
            "SST",
            "storage/src/main/java/zerofs/lsm/Table.java",
            "zerofs.lsm.Table.FOOTER_BYTES",
            "sst",
            true,
            "5a465354 0100 0000 03000000 0402000000000000 91000000 * 80000000 *"
                + " 0000000000000000 crc"),
        new Case(
            "Inode row",
            "filesystem/src/main/java/zerofs/fs/row/InodeFormat.java",
            "zerofs.fs.row.InodeFormat.FIXED_BYTES",
            "inode-file",
            false,
            "01 08 590f 04030201 14131211 feffffff 2827262524232221 3837363534333231 44434241"
                + " 54535251 feffffffffffffffffc99a3b 656463626100000001000000"
                + " 757473727100000002000000 7b7b7c7d7effffff03000000 efcdab9078563412"
                + " 21436587a9cbed0f 9988776655443322 f8f7f6f5f4f3f2f1 0000"));
  }

  private static String document() throws Exception {
    return Files.readString(ROOT.resolve("docs/FORMAT.md"));
  }

  private static String section(String heading) throws Exception {
    String text = document();
    int start = text.indexOf("\n## " + heading + "\n");
    assertThat(start).as("section " + heading).isPositive();
    int end = text.indexOf("\n## ", start + 1);
    return text.substring(start, end < 0 ? text.length() : end);
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void aLayoutIsWholeAndThatOfTheClass(Case each) throws Exception {
    int bytes = (int) Constants.number(each.bytes());
    Layout layout = Layout.ofCells(section(each.section()));
    assertThat(layout.fields()).hasSizeGreaterThan(5);
    Layout whole = withoutWhatFollows(layout, bytes);
    assertThat(whole.misfits(bytes)).isEmpty();
    List<Integer> drawn =
        new ArrayList<>(
            Layout.offsetsIn(
                new SourceFile(each.source(), Files.readString(ROOT.resolve(each.source())))));
    drawn.removeIf(offset -> offset >= bytes);
    assertThat(drawn).as("offsets in " + each.source()).isEqualTo(whole.offsets());
    assertThat(section(each.section()))
        .contains(
            each.source().endsWith("ObjectEnvelope.java") ? "48 sealed payload" : bytes + " bytes");
  }

  /// The envelope's drawing goes on after its header.
  private static Layout withoutWhatFollows(Layout layout, int bytes) {
    return new Layout(layout.fields().stream().filter(field -> field.offset() < bytes).toList());
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void aLayoutFindsTheFieldsInCheckedInBytes(Case each) throws Exception {
    int bytes = (int) Constants.number(each.bytes());
    Layout layout = withoutWhatFollows(Layout.ofCells(section(each.section())), bytes);
    Path file = Path.of("src/test/resources/golden", each.golden() + ".hex");
    byte[] golden = HexFormat.of().parseHex(Files.readString(file).replace("\n", ""));
    int start = each.atEnd() ? golden.length - bytes : 0;
    List<String> values = List.of(each.values().split(" "));
    assertThat(layout.fields()).hasSameSizeAs(values);
    for (int i = 0; i < values.size(); i++) {
      String found = HexFormat.of().formatHex(layout.cut(i, golden, start, bytes));
      String expected =
          switch (values.get(i)) {
            case "*" -> found;
            case "crc" -> crc(Arrays.copyOfRange(golden, start, start + bytes - 4));
            default -> values.get(i);
          };
      assertThat(found).as("%s: %s", each, layout.fields().get(i)).isEqualTo(expected);
    }
  }

  private static String crc(byte[] before) {
    CRC32C crc = new CRC32C();
    crc.update(before);
    return HexFormat.of().toHexDigits(Integer.reverseBytes((int) crc.getValue()));
  }

  /// Sentences that hold a number of the code's.
  private static List<String> sentences() {
    List<String> all = new ArrayList<>();
    for (String kind : List.of("ENTRY", "INDEX", "INODE", "ORPHAN", "CHUNK", "CUT", "USAGE")) {
      all.add("| %02x %s |".formatted(Constants.number("zerofs.fs.row.RowKeys." + kind), kind));
    }
    all.add("| %02x SEGMENT |".formatted(Constants.number("zerofs.fs.row.RowKeys.SEGMENT") & 0xff));
    String codec = "zerofs.codec.SealedFrameCodec.";
    all.add(
        "Algorithm: %d raw, %d zstd, %d lz4"
            .formatted(
                Constants.number(codec + "RAW"),
                Constants.number(codec + "ZSTD"),
                Constants.number(codec + "LZ4")));
    all.add(
        "kind: %d log object, %d data segment, %d SST"
            .formatted(
                Constants.code("zerofs.codec.ObjectId$Kind", "LOG"),
                Constants.code("zerofs.codec.ObjectId$Kind", "DATA"),
                Constants.code("zerofs.codec.ObjectId$Kind", "SST")));
    all.add(
        "Kind: %d segment, %d fence, %d clean fence, %d data segment."
            .formatted(
                Constants.code("zerofs.log.LogHeader$Kind", "SEGMENT"),
                Constants.code("zerofs.log.LogHeader$Kind", "FENCE"),
                Constants.code("zerofs.log.LogHeader$Kind", "CLEAN_FENCE"),
                Constants.code("zerofs.log.LogHeader$Kind", "DATA")));
    all.add(
        "Kind %d: manifest".formatted(Constants.number("zerofs.codec.ObjectEnvelope.MANIFEST")));
    all.add(
        "pieces of at most %d KiB"
            .formatted(Constants.number("zerofs.log.LogFormat.PIECE_BYTES") >> 10));
    long aad = Constants.number("zerofs.log.LogFormat.AAD_BYTES");
    all.add("Bytes 0 to %d are the AAD of delta and directory".formatted(aad - 1));
    all.add(
        "AAD: bytes 0 to %d. Kind".formatted(aadEnd("zerofs.codec.ObjectEnvelope.HEADER_BYTES")));
    all.add(
        "Its first %d bytes are the AAD".formatted(1 + aadEnd("zerofs.lsm.Table.FOOTER_BYTES")));
    long header = Constants.number("zerofs.codec.KeyObject.HEADER_BYTES");
    all.add("AAD: volume id, then bytes 0 to %d.".formatted(header - 1));
    all.add("a restart every %d rows".formatted(Constants.number("zerofs.lsm.Block.RESTART_ROWS")));
    all.add(
        "Bloom, %d bits per key, %d probes over xxh3-64"
            .formatted(
                Constants.number("zerofs.lsm.BloomFilter.BITS_PER_KEY"),
                Constants.number("zerofs.lsm.BloomFilter.PROBES")));
    all.add(
        "`version %d | block count 4".formatted(Constants.number("zerofs.lsm.SortedRows.VERSION")));
    all.add(
        "%d extents of %d KiB"
            .formatted(
                Constants.number("zerofs.fs.extent.ChunkRow.EXTENTS"),
                Constants.number("zerofs.fs.row.Inode.EXTENT_BYTES") >> 10));
    all.add(
        "(at most %d bytes)"
            .formatted(Constants.number("zerofs.fs.extent.ChunkRowFormat.INLINE_BYTES_MAX")));
    long counter = Constants.number("zerofs.fs.engine.Volume.INODE_COUNTER_BITS");
    all.add("its epoch (%d bits) and a counter (%d bits)".formatted(64 - counter, counter));
    all.add(types());
    return all;
  }

  private static long aadEnd(String constant) {
    return Constants.number(constant) - 5;
  }

  private static String types() {
    String type = "zerofs.fs.FileType";
    return ("Type of an inode: %d fifo, %d character device, %d directory,"
                + " %d block device, %d regular,")
            .formatted(
                Constants.code(type, "FIFO"),
                Constants.code(type, "CHARACTER_DEVICE"),
                Constants.code(type, "DIRECTORY"),
                Constants.code(type, "BLOCK_DEVICE"),
                Constants.code(type, "REGULAR"))
        + " %d symlink, %d socket."
            .formatted(Constants.code(type, "SYMLINK"), Constants.code(type, "SOCKET"));
  }

  @Test
  void theNumbersAreTheConstants() throws Exception {
    String text = document().replaceAll("\\s+", " ");
    for (String sentence : sentences()) {
      assertThat(text).contains(sentence);
    }
  }
}
