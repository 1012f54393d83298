package zerofs.fs;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// A file name: 1 or more bytes of any value but `/` and NUL. Immutable.
public final class Name {
  private final byte[] bytes;
  private final int hash;

  private Name(byte[] bytes) {
    this.bytes = bytes;
    this.hash = Arrays.hashCode(bytes);
  }

  /// Copies `bytes`. Not validated: operations answer EINVAL, ENOENT or ENAMETOOLONG as POSIX has
  /// it.
  public static Name of(byte[] bytes) {
    return new Name(bytes.clone());
  }

  /// The UTF-8 form of `text`.
  public static Name of(String text) {
    return new Name(text.getBytes(StandardCharsets.UTF_8));
  }

  public int length() {
    return bytes.length;
  }

  public byte[] toBytes() {
    return bytes.clone();
  }

  /// The bytes themselves, for encoders and hashes: never changed by anyone.
  public byte[] raw() {
    return bytes;
  }

  public boolean isDot() {
    return bytes.length == 1 && bytes[0] == '.';
  }

  public boolean isDotDot() {
    return bytes.length == 2 && bytes[0] == '.' && bytes[1] == '.';
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Name name && Arrays.equals(bytes, name.bytes);
  }

  @Override
  public int hashCode() {
    return hash;
  }

  @Override
  public String toString() {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
