package zerofs.journal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;

/// Records in shared memory, which outlives the process: a ring, in which a record lies at its
/// position modulo the size. Which of them are copied in is also kept beside it, so that no reader
/// takes the record of an earlier lap for a new one.
///
/// Any number of threads copy records in, each where nobody else does.
final class Stage {
  static final int HEADER_BYTES = 4096;

  private static final byte[] MAGIC = {'Z', 'F', 'S', 'S', 'T', 'A', 'G', 'E'};
  private static final int VERSION = 1;
  private static final int IDENTITY_AT = 16;
  private static final int BASE_AT = 1024;

  private static final VarHandle LONGS =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final ByteBuffer memory;
  private final int size;

  /// By place: the end of the record that was copied in there last.
  private final ByteBuffer ends;

  private Stage(ByteBuffer memory) {
    this.memory = memory.order(ByteOrder.LITTLE_ENDIAN);
    this.size = memory.capacity() - HEADER_BYTES;
    Checks.invariant(Integer.bitCount(size) == 1, "the size of a stage is a power of two");
    this.ends = ByteBuffer.allocateDirect(size / RecordFormat.UNIT_BYTES * Long.BYTES);
  }

  /// Makes an empty stage.
  static Stage create(ByteBuffer memory, byte[] identity) {
    Stage stage = new Stage(memory);
    stage.setBase(0);
    stage.memory.putInt(8, VERSION).put(IDENTITY_AT, identity);
    stage.memory.put(IDENTITY_AT + identity.length, (byte) 0);
    stage.memory.put(0, MAGIC); // Last: before it, this is no stage.
    return stage;
  }

  /// A stage that another process left; null when it is not one, or not of that identity.
  static @Nullable Stage open(ByteBuffer memory, byte[] identity) {
    int size = memory.capacity() - HEADER_BYTES;
    if (size <= 0 || Integer.bitCount(size) != 1) {
      return null;
    }
    Stage stage = new Stage(memory);
    byte[] magic = new byte[MAGIC.length];
    byte[] found = new byte[identity.length];
    stage.memory.get(0, magic).get(IDENTITY_AT, found);
    boolean same =
        Arrays.equals(magic, MAGIC)
            && stage.memory.getInt(8) == VERSION
            && Arrays.equals(found, identity);
    return same ? stage : null;
  }

  int size() {
    return size;
  }

  /// Says that nothing before `position` is needed of the stage: others may lie there by now.
  void setBase(long position) {
    LONGS.setRelease(memory, BASE_AT, position);
  }

  long base() {
    return (long) LONGS.getAcquire(memory, BASE_AT);
  }

  /// Copies a record in; its place is free.
  void put(long sequence, long position, List<ByteBuffer> payload, int payloadBytes) {
    int at = place(position);
    memory.putLong(HEADER_BYTES + at + 8, sequence).putLong(HEADER_BYTES + at + 16, position);
    long to = position + RecordFormat.HEADER_BYTES;
    for (ByteBuffer each : payload) {
      copyIn(to, each);
      to += each.remaining();
    }
    int checksum = RecordFormat.checksum(sequence, position, payload);
    LONGS.setRelease(
        memory, HEADER_BYTES + at, (long) checksum << 32 | Integer.toUnsignedLong(payloadBytes));
    // Volatile, not release: of two that finish beside each other, one must see the other.
    LONGS.setVolatile(ends, slot(position), position + RecordFormat.bytes(payloadBytes));
  }

  /// The end of the record that was copied in at `position`; 0 or lower = none yet.
  long endOf(long position) {
    long end = (long) LONGS.getVolatile(ends, slot(position));
    return end > position ? end : 0;
  }

  private int place(long position) {
    return (int) (position & size - 1);
  }

  private int slot(long position) {
    return place(position) / RecordFormat.UNIT_BYTES * Long.BYTES;
  }

  private void copyIn(long position, ByteBuffer source) {
    int at = place(position);
    int first = Math.min(source.remaining(), size - at);
    memory.put(HEADER_BYTES + at, source, source.position(), first);
    memory.put(HEADER_BYTES, source, source.position() + first, source.remaining() - first);
  }

  /// Copies what lies at a position to `target`, as much as it takes.
  void get(long position, ByteBuffer target) {
    int at = place(position);
    int first = Math.min(target.remaining(), size - at);
    int second = target.remaining() - first;
    target.put(memory.slice(HEADER_BYTES + at, first)).put(memory.slice(HEADER_BYTES, second));
  }
}
