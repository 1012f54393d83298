package zerofs.log;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.StorageException;

/// A log object: a segment, or a fence (a segment without frames and rows). A data segment is laid
/// out likewise, without rows.
///
/// ```text
/// object    = frames | delta | directory | footer
/// delta     = (stored 4 | frame)*   pieces of at most 512 KiB; the rows, opaque here
/// directory = (stored 4 | frame)*   per frame: number 4 | stored 4 | owner 8 | index 8
///             | isPatch 1
/// footer (160 bytes)
///   0 magic 4 | 4 version 2 | 6 kind 1 | 7 reserved 1 | 8 volumeId 16 | 24 epoch 4 | 28 reserved 4
///  32 position 8 | 40 salt 16 | 56 nonce 16 | 72 predecessor 16 | 88 knownStored 8
///  96 firstSequence 8 | 104 lastSequence 8
/// 112 framesBytes 8 | 120 deltaStored 4 | 124 deltaPlain 4 | 128 directoryStored 4
/// 132 directoryPlain 4 | 136 frameCount 4 | 140 reserved 4 | 144 objectBytes 8 | 152 reserved 4
/// 156 crc32c of the footer before it
/// ```
///
/// Little-endian. The footer is written last, so a whole footer means a whole object. Its first 112
/// bytes are the AAD of delta and directory, whose frame numbers start at SECTION_FRAMES_START and
/// 2^20 later. Spec: docs/FORMAT.md "Log object".
public final class LogFormat {
  /// "ZFSL".
  public static final int MAGIC = 0x4c53465a;

  public static final int VERSION = 1;
  public static final int FOOTER_BYTES = 160;

  private static final int AAD_BYTES = 112;
  private static final int PIECE_BYTES = 512 << 10;
  private static final long DELTA_FRAMES = FrameCodec.SECTION_FRAMES_START;
  private static final long DIRECTORY_FRAMES = DELTA_FRAMES + (1 << 20);
  private static final int OWNER_BYTES = 25;
  private static final int SECTION_BYTES_MAX = 256 << 20;

  private final FrameCodec codec;
  private final byte[] volumeId;

  /// @param volumeId 16 bytes
  public LogFormat(FrameCodec codec, byte[] volumeId) {
    this.codec = codec;
    this.volumeId = volumeId.clone();
  }

  /// The key of a log position.
  public static String key(int epoch, long position) {
    return new ObjectId(ObjectId.Kind.LOG, epoch, position).key();
  }

  /// Puts a segment together.
  ///
  /// @param frames encoded frames, one after the other
  /// @param directory one entry per frame, in order
  /// @param delta the rows
  public Body segment(
      LogHeader header, List<ByteBuffer> frames, List<FrameOwner> directory, ByteBuffer delta) {
    byte[] footer = identity(header);
    byte[] aad = Arrays.copyOf(footer, AAD_BYTES);
    FrameCodec.ObjectKey key = objectKey(header);
    List<ByteBuffer> parts = new ArrayList<>(frames);
    long framesBytes = new Body(frames).bytes();
    ByteBuffer owners = encode(directory);
    int deltaPlain = delta.remaining();
    int deltaStored = section(key, DELTA_FRAMES, aad, delta, parts);
    int directoryStored = section(key, DIRECTORY_FRAMES, aad, owners, parts);
    ByteBuffer out = ByteBuffer.wrap(footer).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(112, framesBytes).putInt(120, deltaStored).putInt(124, deltaPlain);
    out.putInt(128, directoryStored).putInt(132, owners.limit()).putInt(136, directory.size());
    out.putLong(144, framesBytes + deltaStored + directoryStored + FOOTER_BYTES);
    out.putInt(FOOTER_BYTES - 4, crc(footer));
    parts.add(out);
    return new Body(parts);
  }

  /// A data segment.
  ///
  /// @param frames encoded frames, one after the other
  /// @param directory one entry per frame, in order
  public Body data(LogHeader header, List<ByteBuffer> frames, List<FrameOwner> directory) {
    return segment(header, frames, directory, ByteBuffer.allocate(0));
  }

  /// A fence.
  public Body fence(LogHeader header) {
    return segment(header, List.of(), List.of(), ByteBuffer.allocate(0));
  }

  /// The key of its frames.
  public FrameCodec.ObjectKey objectKey(LogHeader header) {
    return codec.objectKey(header.id(), HexFormat.of().parseHex(header.salt()));
  }

  private byte[] identity(LogHeader header) {
    HexFormat hex = HexFormat.of();
    ByteBuffer out = ByteBuffer.allocate(FOOTER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).putShort((short) VERSION).put((byte) header.kind().code()).put((byte) 0);
    out.put(volumeId).putInt(header.epoch()).putInt(0).putLong(header.position());
    out.put(hex.parseHex(header.salt()));
    out.put(hex.parseHex(header.nonce()));
    out.put(hex.parseHex(header.predecessor()));
    out.putLong(header.knownStored());
    out.putLong(header.firstSequence()).putLong(header.lastSequence());
    return out.array();
  }

  private static ByteBuffer encode(List<FrameOwner> directory) {
    ByteBuffer out =
        ByteBuffer.allocate(directory.size() * OWNER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (FrameOwner each : directory) {
      out.putInt(each.frame())
          .putInt(each.storedBytes())
          .putLong(each.owner())
          .putLong(each.index());
      out.put((byte) (each.isPatch() ? 1 : 0));
    }
    return out.flip();
  }

  private int section(
      FrameCodec.ObjectKey key, long frame, byte[] aad, ByteBuffer plain, List<ByteBuffer> parts) {
    int stored = 0;
    long number = frame;
    for (int at = 0; at < plain.limit(); at += PIECE_BYTES) {
      ByteBuffer piece = plain.slice(at, Math.min(PIECE_BYTES, plain.limit() - at));
      ByteBuffer out =
          ByteBuffer.allocate(4 + piece.remaining() + FrameCodec.OVERHEAD_BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .position(4);
      int bytes = codec.encode(key, number++, aad, piece, new Compression.Zstd(1), out);
      out.putInt(0, bytes);
      parts.add(out.flip());
      stored += 4 + bytes;
    }
    return stored;
  }

  /// A log object that was read, without its directory.
  public record LogObject(LogHeader header, ByteBuffer delta) {}

  /// Reads the rest of an object: bytes from `offset` on.
  @FunctionalInterface
  public interface MoreBytes {
    @Nullable Fetched get(long offset, int length) throws StorageException;
  }

  /// Decodes a log object from its last bytes.
  ///
  /// @param suffix last bytes of the object; `more` is asked when they are too few
  public LogObject decode(int epoch, long position, Fetched suffix, MoreBytes more)
      throws StorageException {
    Sections sections = sections(new ObjectId(ObjectId.Kind.LOG, epoch, position), suffix, more);
    return new LogObject(sections.header(), delta(sections));
  }

  /// A log object or data segment, all but its frames.
  ///
  /// @param framesBytes bytes of its frames, which lie at its start
  /// @param directory one entry per frame, in order
  public record Segment(
      LogHeader header, ByteBuffer delta, long framesBytes, List<FrameOwner> directory) {}

  /// Decodes a log object or data segment from its last bytes, as [#decode] does.
  public Segment decodeSegment(ObjectId id, Fetched suffix, MoreBytes more)
      throws StorageException {
    Sections sections = sections(id, suffix, more);
    return new Segment(
        sections.header(), delta(sections), sections.framesBytes(), directory(sections));
  }

  /// Where the sections of an object lie, still encoded.
  private record Sections(
      LogHeader header, long framesBytes, byte[] footer, ByteBuffer delta, ByteBuffer directory) {
    String name() {
      return header.id().key();
    }

    int footer(int at) {
      return ByteBuffer.wrap(footer).order(ByteOrder.LITTLE_ENDIAN).getInt(at);
    }

    byte[] aad() {
      return Arrays.copyOf(footer, AAD_BYTES);
    }

    @Override
    public boolean equals(Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  private Sections sections(ObjectId id, Fetched suffix, MoreBytes more) throws StorageException {
    String name = id.key();
    ByteBuffer tail = suffix.bytes().slice().order(ByteOrder.LITTLE_ENDIAN);
    if (tail.remaining() < FOOTER_BYTES) {
      throw new StorageException.Corrupt(name + " has only " + tail.remaining() + " bytes");
    }
    byte[] footer = new byte[FOOTER_BYTES];
    tail.get(tail.limit() - FOOTER_BYTES, footer);
    ByteBuffer in = ByteBuffer.wrap(footer).order(ByteOrder.LITTLE_ENDIAN);
    LogHeader header = header(name, footer, in);
    boolean isData = header.kind() == LogHeader.Kind.DATA;
    if (isData != (id.kind() == ObjectId.Kind.DATA)) {
      throw new StorageException.Corrupt(name + (isData ? " is a" : " is not a") + " data segment");
    }
    if (header.epoch() != id.epoch() || header.position() != id.number()) {
      throw new StorageException.Corrupt(
          name
              + " holds the object of epoch "
              + header.epoch()
              + ", position "
              + header.position());
    }
    long framesBytes = in.getLong(112);
    int deltaStored = in.getInt(120);
    int directoryStored = in.getInt(128);
    long sum = framesBytes + deltaStored + directoryStored + FOOTER_BYTES;
    boolean bounded =
        framesBytes >= 0
            && deltaStored >= 0
            && deltaStored <= SECTION_BYTES_MAX
            && directoryStored >= 0
            && directoryStored <= SECTION_BYTES_MAX;
    if (!bounded || sum != in.getLong(144) || sum != suffix.objectBytes()) {
      throw new StorageException.Corrupt(
          name + " has " + suffix.objectBytes() + " bytes, its footer says " + in.getLong(144));
    }
    int wanted = deltaStored + directoryStored + FOOTER_BYTES;
    ByteBuffer sections = tail;
    if (tail.remaining() < wanted) {
      Fetched rest = more.get(framesBytes, wanted);
      if (rest == null || rest.bytes().remaining() != wanted) {
        throw new StorageException.Corrupt(name + " changed while it was read");
      }
      sections = rest.bytes().slice();
    }
    int start = sections.limit() - wanted;
    return new Sections(
        header,
        framesBytes,
        footer,
        sections.slice(start, deltaStored),
        sections.slice(start + deltaStored, directoryStored));
  }

  private ByteBuffer delta(Sections sections) throws StorageException {
    return decodeSection(sections, DELTA_FRAMES, sections.delta(), sections.footer(124));
  }

  private List<FrameOwner> directory(Sections sections) throws StorageException {
    ByteBuffer in =
        decodeSection(sections, DIRECTORY_FRAMES, sections.directory(), sections.footer(132))
            .order(ByteOrder.LITTLE_ENDIAN);
    int count = sections.footer(136);
    if (in.remaining() != (long) count * OWNER_BYTES) {
      throw new StorageException.Corrupt(
          sections.name() + ": a directory of " + in.remaining() + " bytes, frames=" + count);
    }
    List<FrameOwner> directory = new ArrayList<>();
    boolean ascends = true;
    int last = -1;
    long sum = 0;
    for (int i = 0; i < count; i++) {
      FrameOwner owner =
          new FrameOwner(in.getInt(), in.getInt(), in.getLong(), in.getLong(), in.get() != 0);
      ascends &= owner.frame() > last && owner.storedBytes() >= FrameCodec.OVERHEAD_BYTES;
      last = owner.frame();
      sum += owner.storedBytes();
      directory.add(owner);
    }
    if (!ascends || sum != sections.framesBytes()) {
      throw new StorageException.Corrupt(
          sections.name() + ": frames of " + sum + " bytes, its footer says otherwise");
    }
    return directory;
  }

  private ByteBuffer decodeSection(Sections of, long frame, ByteBuffer stored, int plainBytes)
      throws StorageException {
    String name = of.name();
    FrameCodec.ObjectKey key = objectKey(of.header());
    byte[] aad = of.aad();
    ByteBuffer in = stored.order(ByteOrder.LITTLE_ENDIAN);
    // Nobody vouches for the footer yet: no more memory than the pieces can fill.
    if (plainBytes < 0
        || plainBytes > SECTION_BYTES_MAX
        || plainBytes > (long) pieces(name, in.duplicate().order(in.order())) * PIECE_BYTES) {
      throw new StorageException.Corrupt(name + ": a section of " + plainBytes + " bytes");
    }
    ByteBuffer plain = ByteBuffer.allocate(plainBytes);
    long number = frame;
    while (in.hasRemaining()) {
      int bytes = in.getInt();
      try {
        codec.decode(key, number++, aad, in.slice(in.position(), bytes), plain);
      } catch (StorageException.Corrupt e) {
        throw new StorageException.Corrupt(name + ": " + e.getMessage(), e);
      }
      in.position(in.position() + bytes);
    }
    if (plain.hasRemaining()) {
      throw new StorageException.Corrupt(name + ": a section ends early");
    }
    return plain.flip();
  }

  private static int pieces(String name, ByteBuffer in) throws StorageException.Corrupt {
    int pieces = 0;
    while (in.hasRemaining()) {
      int bytes = in.remaining() < 4 ? -1 : in.getInt();
      if (bytes < 0 || bytes > in.remaining()) {
        throw new StorageException.Corrupt(name + ": a section's piece has " + bytes + " bytes");
      }
      in.position(in.position() + bytes);
      pieces++;
    }
    return pieces;
  }

  private LogHeader header(String name, byte[] footer, ByteBuffer in) throws StorageException {
    if (in.getInt(0) != MAGIC || crc(footer) != in.getInt(FOOTER_BYTES - 4)) {
      throw new StorageException.Corrupt(name + ": the footer is damaged");
    }
    if (Short.toUnsignedInt(in.getShort(4)) > VERSION) {
      throw new StorageException.Invalid(
          StorageException.Invalid.Reason.FORMAT_TOO_NEW,
          name + " has format version " + in.getShort(4) + ": use a newer release");
    }
    if (!Arrays.equals(footer, 8, 24, volumeId, 0, 16)) {
      throw new StorageException.Corrupt(name + " is an object of another volume");
    }
    HexFormat hex = HexFormat.of();
    return new LogHeader(
        kind(name, footer[6]),
        in.getInt(24),
        in.getLong(32),
        hex.formatHex(footer, 40, 56),
        hex.formatHex(footer, 56, 72),
        hex.formatHex(footer, 72, 88),
        in.getLong(88),
        in.getLong(96),
        in.getLong(104));
  }

  private static LogHeader.Kind kind(String name, int code) throws StorageException.Corrupt {
    for (LogHeader.Kind each : LogHeader.Kind.values()) {
      if (each.code() == code) {
        return each;
      }
    }
    throw new StorageException.Corrupt(name + ": kind " + code);
  }

  private static int crc(byte[] footer) {
    CRC32C crc = new CRC32C();
    crc.update(footer, 0, FOOTER_BYTES - 4);
    return (int) crc.getValue();
  }
}
