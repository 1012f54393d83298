package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import zerofs.base.SimulatedTasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;

/// A client of a volume in virtual time, and its file: it writes, cuts and reads for ever, against
/// a byte array, and knows what the file was at each commit. Offsets prefer the edges of extents
/// and chunks.
final class FileClient {
  private static final int EXTENT = Inode.EXTENT_BYTES;
  private static final int SIZE_MAX = 5_000_000;

  /// A change that was made, or is under way.
  ///
  /// @param data null = a change of size to `offset`
  private record Change(int offset, byte @Nullable [] data) {
    void apply(Model model) {
      if (data == null) {
        model.resize(offset);
      } else {
        model.write(offset, data);
      }
    }
  }

  private record Committed(long sequence, Change change) {}

  /// An answer of class `journal`.
  ///
  /// @param beganNanos when it was asked for: who is put to sleep just before he answers is late
  private record Synced(long sequence, long beganNanos) {}

  /// What a file holds.
  private static final class Model {
    private byte[] bytes = new byte[0];
    private final boolean[] extents = new boolean[SIZE_MAX / EXTENT + 2];

    Model copy() {
      Model copy = new Model();
      copy.bytes = bytes.clone();
      System.arraycopy(extents, 0, copy.extents, 0, extents.length);
      return copy;
    }

    void write(int offset, byte[] data) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length, offset + data.length));
      System.arraycopy(data, 0, bytes, offset, data.length);
      Arrays.fill(extents, offset / EXTENT, (offset + data.length - 1) / EXTENT + 1, true);
    }

    void resize(int size) {
      bytes = Arrays.copyOf(bytes, size);
      Arrays.fill(extents, (int) Inode.extentsOf(size), extents.length, false);
    }

    long allocated() {
      long count = 0;
      for (boolean each : extents) {
        count += each ? 1 : 0;
      }
      return Inode.allocated(count, bytes.length);
    }
  }

  private final SimulatedTasks simulation;
  private final Volume volume;
  private final String what;
  private final long file;
  private final Random random;
  private final Model before;
  private final Model model;
  private final List<Committed> history = new ArrayList<>();
  private @Nullable Change underWay;
  private int answers;

  /// How long it pauses at most, now and then.
  int pauseNanosMax = 3_000_000;

  /// Whether half of its writes are large.
  boolean writesBulk;

  /// Whether it syncs now and then.
  boolean syncs = true;

  /// When it was last answered.
  long answeredNanos;

  private final List<Synced> synced = new ArrayList<>();

  /// Makes its file.
  FileClient(SimulatedTasks simulation, Volume volume, long seed, int number) throws FsException {
    this.simulation = simulation;
    this.volume = volume;
    this.what = "seed " + seed + " client " + number;
    this.random = new Random(seed * 31 + number);
    this.file =
        volume
            .create(
                root(), Filesystem.ROOT, Name.of("file" + number), 0644, true, SetAttributes.NONE)
            .inode();
    this.before = new Model();
    this.model = new Model();
  }

  /// Goes on with the file of another one.
  private FileClient(FileClient other, Volume volume, Model model, Random random) {
    this.simulation = other.simulation;
    this.volume = volume;
    this.what = other.what + "'";
    this.file = other.file;
    this.random = random;
    this.before = model;
    this.model = model.copy();
  }

  /// Works until the volume is closed. Who is told to come later goes on with something else.
  void work() throws FsException {
    while (true) {
      try {
        step();
        answeredNanos = simulation.nanoTime();
      } catch (FsException e) {
        if (e.error() == FsError.CLOSED) {
          return;
        }
        if (e.error() != FsError.UNAVAILABLE) {
          throw e;
        }
        underWay = null; // It was never committed.
      }
      if (random.nextInt(3) == 0) {
        simulation.sleep(random.nextInt(pauseNanosMax));
      }
    }
  }

  private void step() throws FsException {
    int kind = random.nextInt(10);
    if (kind < 4) {
      byte[] data = new byte[length()];
      random.nextBytes(data);
      change(new Change(Math.min(offset(), SIZE_MAX - data.length), data));
    } else if (kind < 6) {
      change(new Change(random.nextInt(6) == 0 ? 0 : offset(), null));
    } else {
      read();
    }
  }

  private int length() {
    return switch (random.nextInt(writesBulk ? 2 : 4)) {
      case 0 -> 1 + random.nextInt(writesBulk ? 500_000 : 200_000);
      case 1 -> EXTENT;
      default -> 1 + random.nextInt(5000);
    };
  }

  private int offset() {
    int edge = random.nextInt(2) == 0 ? EXTENT : (int) Files.CHUNK_BYTES;
    int near = (1 + random.nextInt(SIZE_MAX / edge)) * edge - 6000 + random.nextInt(8000);
    return switch (random.nextInt(4)) {
      case 0 -> random.nextInt(SIZE_MAX);
      case 1 -> model.bytes.length;
      case 2 -> random.nextInt(model.bytes.length + 1);
      default -> Math.clamp(near, 0, SIZE_MAX);
    };
  }

  private void change(Change change) throws FsException {
    Call call = root();
    underWay = change;
    byte[] data = change.data();
    Attributes after =
        data == null
            ? volume.setattr(call, file, SetAttributes.ofSize(change.offset()))
            : volume.write(call, file, change.offset(), ByteBuffer.wrap(data));
    underWay = null;
    history.add(new Committed(call.sequence(), change));
    if (syncs && random.nextInt(8) == 0) {
      long began = simulation.nanoTime();
      volume.journalBarrier(call.sequence());
      synced.add(new Synced(call.sequence(), began));
    }
    change.apply(model);
    assertThat(after.size()).as(what).isEqualTo(model.bytes.length);
    assertThat(after.allocatedBytes()).as(what).isGreaterThanOrEqualTo(model.allocated());
    answers++;
  }

  private void read() throws FsException {
    int offset = random.nextInt(3) == 0 ? offset() : random.nextInt(model.bytes.length + 1);
    int length = random.nextInt(random.nextBoolean() ? 5000 : 300_000);
    check(volume, model, offset, length, what + " after " + history.size());
    answers++;
  }

  private void check(Volume from, Model expected, int offset, int length, String which)
      throws FsException {
    ByteBuffer target = ByteBuffer.allocate(length);
    from.read(root(), file, offset, target);
    int end = Math.min(expected.bytes.length, offset + length);
    byte[] bytes = offset >= end ? new byte[0] : Arrays.copyOfRange(expected.bytes, offset, end);
    byte[] got = Arrays.copyOf(target.array(), target.position());
    assertThat(Arrays.mismatch(bytes, got))
        .as("%s: first wrong byte, offset=%d length=%d", which, offset, length)
        .isEqualTo(-1);
  }

  int answers() {
    return answers;
  }

  /// The last commit that was answered in class `journal`.
  long synced() {
    return synced.isEmpty() ? 0 : synced.getLast().sequence();
  }

  /// When class `journal` was last asked for, and answered, for a commit after `sequence`.
  long lastSyncedNanos(long sequence) {
    return synced.stream()
        .filter(each -> each.sequence() > sequence)
        .mapToLong(Synced::beganNanos)
        .max()
        .orElse(0);
  }

  /// The last commit that was answered.
  long lastAnswered() {
    return history.isEmpty() ? 0 : history.getLast().sequence();
  }

  /// What another process finds is this file at `sequence`, its space not guessed.
  ///
  /// @return the space it takes
  long checkRecovered(Volume again, long sequence) throws FsException {
    return recovered(again, sequence).allocated();
  }

  /// As [#checkRecovered]; this one may still be at work.
  ///
  /// @return who goes on with the file
  FileClient resumed(Volume again, long sequence, Random another) throws FsException {
    return new FileClient(this, again, recovered(again, sequence), another);
  }

  private Model recovered(Volume again, long sequence) throws FsException {
    Model expected = before.copy();
    boolean all = true;
    Change last = underWay;
    for (Committed each : List.copyOf(history)) {
      if (each.sequence() <= sequence) {
        each.change().apply(expected);
      } else {
        all = false;
      }
    }
    Attributes found = again.getattr(root(), file);
    if (all && last != null && !same(again, found, expected)) {
      last.apply(expected); // It was committed, but not answered.
    }
    assertThat(found.size()).as(what + " recovered").isEqualTo(expected.bytes.length);
    assertThat(found.allocatedBytes()).as(what + " recovered").isEqualTo(expected.allocated());
    for (int at = 0; at < expected.bytes.length; at += 1 << 19) {
      check(again, expected, at, 1 << 19, what + " recovered");
    }
    return expected;
  }

  private boolean same(Volume again, Attributes found, Model expected) throws FsException {
    if (found.size() != expected.bytes.length) {
      return false;
    }
    for (int at = 0; at < expected.bytes.length; at += 1 << 19) {
      int length = Math.min(1 << 19, expected.bytes.length - at);
      ByteBuffer target = ByteBuffer.allocate(length);
      again.read(root(), file, at, target);
      if (Arrays.mismatch(target.array(), Arrays.copyOfRange(expected.bytes, at, at + length))
          >= 0) {
        return false;
      }
    }
    return true;
  }
}
