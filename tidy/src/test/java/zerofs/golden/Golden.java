package zerofs.golden;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import zerofs.codec.Keys;

/// The golden files, and the constants that they were made with.
final class Golden {
  /// Whether the files are to be made anew.
  static final boolean REWRITE = Boolean.getBoolean("zerofs.golden.rewrite");

  static final String VOLUME_ID_HEX = "00112233445566778899aabbccddeeff";

  private static final Path DIRECTORY = Path.of("src/test/resources/golden");
  private static final int BYTES_PER_LINE = 48;

  private Golden() {}

  static byte[] volumeId() {
    return HexFormat.of().parseHex(VOLUME_ID_HEX);
  }

  static byte[] dataKey() {
    byte[] key = new byte[32];
    for (int i = 0; i < key.length; i++) {
      key[i] = (byte) (0xa0 + i);
    }
    return key;
  }

  static Keys keys() {
    return new Keys(dataKey(), volumeId());
  }

  /// Bytes that no algorithm makes smaller.
  static byte[] random(int bytes, long seed) {
    byte[] random = new byte[bytes];
    new Random(seed).nextBytes(random);
    return random;
  }

  /// Bytes that any algorithm makes smaller.
  static byte[] text(int bytes, String word) {
    byte[] text = word.repeat(bytes / word.length() + 1).getBytes(StandardCharsets.US_ASCII);
    return java.util.Arrays.copyOf(text, bytes);
  }

  /// The checked-in bytes, which what this version makes must equal.
  static byte[] same(String name, byte[] made) throws IOException {
    byte[] golden = read(name, made);
    assertThat(HexFormat.of().formatHex(made)).as(name).isEqualTo(HexFormat.of().formatHex(golden));
    return golden;
  }

  /// The checked-in bytes; `made` is only what a rewrite writes.
  static byte[] read(String name, byte[] made) throws IOException {
    Path file = DIRECTORY.resolve(name + ".hex");
    if (REWRITE) {
      Files.createDirectories(DIRECTORY);
      Files.writeString(file, lines(made));
    }
    return bytes(Files.readString(file));
  }

  /// A text file.
  static String readText(String name, String made) throws IOException {
    Path file = DIRECTORY.resolve(name);
    if (REWRITE) {
      Files.writeString(file, made);
    }
    return Files.readString(file);
  }

  static String lines(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    Matcher line =
        Pattern.compile(".{1," + 2 * BYTES_PER_LINE + "}").matcher(HexFormat.of().formatHex(bytes));
    while (line.find()) {
      text.append(line.group()).append('\n');
    }
    return text.toString();
  }

  static byte[] bytes(String lines) {
    return HexFormat.of().parseHex(lines.replace("\n", ""));
  }
}
