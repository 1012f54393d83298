package zerofs.wire.xdr;

import java.nio.ByteBuffer;

/// Writes XDR items to a buffer, which must be large enough: replies have known bounds. One thread.
public final class XdrWriter {
  private final ByteBuffer out;

  public XdrWriter(ByteBuffer out) {
    this.out = out;
  }

  public ByteBuffer buffer() {
    return out;
  }

  public int position() {
    return out.position();
  }

  /// Takes back what was written after `position`.
  public void rewindTo(int position) {
    out.position(position);
  }

  public XdrWriter int32(int value) {
    out.putInt(value);
    return this;
  }

  public XdrWriter int64(long value) {
    out.putLong(value);
    return this;
  }

  public XdrWriter bool(boolean value) {
    return int32(value ? 1 : 0);
  }

  public XdrWriter opaque(byte[] bytes) {
    int32(bytes.length);
    return fixed(bytes);
  }

  /// Fixed-length opaque data.
  public XdrWriter fixed(byte[] bytes) {
    out.put(bytes);
    return pad(bytes.length);
  }

  /// Zero bytes up to the next multiple of four after `length` bytes of data.
  public XdrWriter pad(int length) {
    for (int i = length; (i & 3) != 0; i++) {
      out.put((byte) 0);
    }
    return this;
  }
}
