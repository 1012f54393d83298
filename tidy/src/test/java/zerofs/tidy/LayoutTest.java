package zerofs.tidy;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/// All constants of what is stored, as one text. Where it changes, the format may: whoever changes
/// it looks at docs/FORMAT.md and at the golden files too. `-Dzerofs.golden.rewrite=true` rewrites
/// it.
class LayoutTest {
  private static final Path TEXT = Path.of("src/test/resources/layout.txt");

  private static final List<String> CLASSES =
      List.of(
          "zerofs.codec.FrameCodec",
          "zerofs.codec.KeyObject",
          "zerofs.codec.ObjectEnvelope",
          "zerofs.codec.ObjectId$Kind",
          "zerofs.codec.SealedFrameCodec",
          "zerofs.codec.VolumeObject",
          "zerofs.fs.FileType",
          "zerofs.fs.extent.ChunkRow",
          "zerofs.fs.extent.ChunkRowFormat",
          "zerofs.fs.extent.ExtentState",
          "zerofs.fs.row.DirectoryEntry",
          "zerofs.fs.row.Inode",
          "zerofs.fs.row.InodeFormat",
          "zerofs.fs.row.RowKeys",
          "zerofs.fs.row.SegmentUsage",
          "zerofs.fs.row.UsageRow",
          "zerofs.log.LogFormat",
          "zerofs.log.LogHeader$Kind",
          "zerofs.lsm.Block",
          "zerofs.lsm.BloomFilter",
          "zerofs.lsm.SortedRows",
          "zerofs.lsm.Table",
          "zerofs.manifest.ManifestFormat",
          "zerofs.manifest.ManifestStore");

  private static String layout() throws ReflectiveOperationException {
    StringBuilder text = new StringBuilder();
    for (String name : CLASSES) {
      constants(name).forEach((field, value) -> text.append(field + " = " + value + "\n"));
    }
    return text.toString();
  }

  private static SortedMap<String, String> constants(String name)
      throws ReflectiveOperationException {
    SortedMap<String, String> constants = new TreeMap<>();
    Class<?> type = Class.forName(name);
    String prefix = name.substring("zerofs.".length()).replace('$', '.') + ".";
    for (Field field : type.getDeclaredFields()) {
      boolean isConstant =
          Modifier.isStatic(field.getModifiers()) && Modifier.isFinal(field.getModifiers());
      boolean isValue = field.getType().isPrimitive() || field.getType() == String.class;
      if (field.isEnumConstant()) {
        constants.put(prefix + field.getName(), "" + Constants.code(name, field.getName()));
      } else if (isConstant && isValue && !field.isSynthetic()) {
        field.setAccessible(true);
        constants.put(prefix + field.getName(), shown(field.get(null)));
      }
    }
    return constants;
  }

  private static String shown(Object value) {
    return value instanceof Integer number && number > 0xffff
        ? number + " (0x" + Integer.toHexString(number) + ")"
        : String.valueOf(value);
  }

  @Test
  void constantsOfWhatIsStoredAreThoseCheckedIn() throws Exception {
    if (Boolean.getBoolean("zerofs.golden.rewrite")) {
      Files.writeString(TEXT, layout());
    }
    assertThat(layout()).isEqualTo(Files.readString(TEXT));
  }

  /// Whoever writes a format of its own cites the document, and then stands in the list.
  @Test
  void everyClassThatCitesTheFormatIsListed() throws Exception {
    List<String> missing = new ArrayList<>();
    for (SourceFile file : SourceTree.read(Path.of("..").toRealPath()).main()) {
      String name = file.packageName() + "." + file.fileName().replace(".java", "");
      boolean isFormat =
          file.prose().contains("Spec: docs/FORMAT.md") && !file.fileName().startsWith("package");
      if (isFormat && !CLASSES.contains(name)) {
        missing.add(name);
      }
    }
    assertThat(missing).isEmpty();
  }
}
