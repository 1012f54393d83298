package zerofs.wire.xdr;

import java.nio.ByteBuffer;

/// Reads XDR items from a buffer (RFC 4506 §4). One thread.
public final class XdrReader {
  private final ByteBuffer in;

  /// Reads from the position of `in` to its limit; `in` itself is not moved.
  public XdrReader(ByteBuffer in) {
    this.in = in.slice();
  }

  public int remaining() {
    return in.remaining();
  }

  /// A reader of what is left, which moves on its own.
  public XdrReader rest() {
    return new XdrReader(in);
  }

  public int int32() throws XdrException {
    require(4);
    return in.getInt();
  }

  public long int64() throws XdrException {
    require(8);
    return in.getLong();
  }

  public boolean bool() throws XdrException {
    int value = int32();
    if (value != 0 && value != 1) {
      throw new XdrException("bool " + value);
    }
    return value == 1;
  }

  /// Variable-length opaque data of at most `max` bytes.
  public byte[] opaque(int max) throws XdrException {
    ByteBuffer view = opaqueView(max);
    byte[] bytes = new byte[view.remaining()];
    view.get(bytes);
    return bytes;
  }

  /// The same without a copy.
  public ByteBuffer opaqueView(int max) throws XdrException {
    int length = int32();
    if (length < 0 || length > max) {
      throw new XdrException(
          "opaque of " + Integer.toUnsignedString(length) + " bytes, max " + max);
    }
    int padded = (length + 3) & ~3;
    require(padded);
    ByteBuffer view = in.slice(in.position(), length);
    in.position(in.position() + padded);
    return view;
  }

  private void require(int bytes) throws XdrException {
    if (in.remaining() < bytes) {
      throw new XdrException(bytes + " bytes wanted, " + in.remaining() + " left");
    }
  }
}
