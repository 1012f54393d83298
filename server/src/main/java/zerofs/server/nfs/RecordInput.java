package zerofs.server.nfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Filesystem;
import zerofs.wire.xdr.XdrException;

/// The records that one connection sends (RFC 5531 §11). A small buffer of its own holds most; for
/// a large record it borrows a large one. The connection's thread.
final class RecordInput {
  /// Largest record: a WRITE of 1 MiB and its header.
  static final int RECORD_BYTES_MAX = Filesystem.IO_BYTES_MAX + (64 << 10);

  private static final int LAST_FRAGMENT = 0x80000000;
  private static final int FRAGMENTS_MAX = 64;
  private static final int SMALL_BYTES = 32 << 10;
  private static final int LARGE_BYTES = RECORD_BYTES_MAX + (64 << 10);

  private final WireMemory memory;
  private final WireMemory.Holder holder;
  private final ReplyBuffers buffers;
  private final ByteBuffer small = ByteBuffer.allocateDirect(SMALL_BYTES);
  private ByteBuffer buffer = small;
  private int start;
  private int end;

  /// Bytes from `start` that are known to belong to the record there.
  private int wanted = 4;

  RecordInput(WireMemory memory, WireMemory.Holder holder, ReplyBuffers buffers) {
    this.memory = memory;
    this.holder = holder;
    this.buffers = buffers;
  }

  /// Whether a part of a record is here, so that its client is expected to send the rest.
  boolean isWithinRecord() {
    return end > start;
  }

  /// Whether memory is held that others may wait for.
  boolean isLarge() {
    return buffer != small;
  }

  /// Makes room for the rest of the record that has begun, where memory for it may have to be
  /// waited for.
  void prepare() {
    int kept = end - start;
    boolean needsLarge = wanted > SMALL_BYTES;
    if (needsLarge && buffer == small) {
      memory.take(holder, LARGE_BYTES);
      moveTo(buffers.take(LARGE_BYTES), kept);
    } else if (!needsLarge && buffer != small && kept <= SMALL_BYTES / 2) {
      ByteBuffer large = buffer;
      moveTo(small, kept);
      buffers.giveBack(large);
      memory.giveBack(holder, LARGE_BYTES);
    } else if (start > 0) {
      moveTo(buffer, kept);
    }
  }

  private void moveTo(ByteBuffer target, int kept) {
    target.clear().put(0, buffer, start, kept);
    buffer = target;
    start = 0;
    end = kept;
  }

  /// Reads what the client has sent, at least a byte; false when it has left.
  boolean read(SocketChannel channel) throws IOException {
    int count = channel.read(buffer.limit(buffer.capacity()).position(end));
    end += Math.max(count, 0);
    return count >= 0;
  }

  /// The next record, if it is whole: valid until [#prepare].
  ///
  /// @throws XdrException when it is too long: nothing after it can be found
  @Nullable ByteBuffer next() throws XdrException {
    int at = start;
    int length = 0;
    int fragments = 0;
    boolean last = false;
    while (!last) {
      wanted = at - start + 4;
      if (end - at < 4) {
        return null;
      }
      int mark = buffer.getInt(at);
      int bytes = mark & ~LAST_FRAGMENT;
      last = (mark & LAST_FRAGMENT) != 0;
      fragments++;
      if (bytes > RECORD_BYTES_MAX - length || fragments > FRAGMENTS_MAX) {
        throw new XdrException("a record of more than " + RECORD_BYTES_MAX + " bytes");
      }
      length += bytes;
      wanted += bytes;
      if (end - at - 4 < bytes) {
        return null;
      }
      at += 4 + bytes;
    }
    if (fragments > 1) {
      joinFragments();
    }
    ByteBuffer record = buffer.slice(start + 4, length);
    start = at;
    wanted = 4;
    return record;
  }

  /// Moves the data of all fragments of the record at `start` behind its first mark.
  private void joinFragments() {
    int from = start;
    int to = start + 4;
    boolean last = false;
    while (!last) {
      int mark = buffer.getInt(from);
      int bytes = mark & ~LAST_FRAGMENT;
      last = (mark & LAST_FRAGMENT) != 0;
      buffer.limit(buffer.capacity()).put(to, buffer, from + 4, bytes);
      to += bytes;
      from += 4 + bytes;
    }
  }

  void release() {
    if (buffer != small) {
      buffers.giveBack(buffer);
      buffer = small;
      memory.giveBack(holder, LARGE_BYTES);
    }
    start = 0;
    end = 0;
  }
}
