package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;

/// Random histories of a few files against byte arrays: writes of odd ranges, truncations both
/// ways, reads, removals, barriers, flushes, closes and crashes, in little memory so that pages
/// leave it.
class FileHistoryTest {
  private static final Call ROOT = Call.waiting(Caller.ROOT);
  private static final int FILES = 4;
  private static final int SIZE_MAX = 5_000_000;

  /// What a file holds.
  private static final class Model {
    private byte[] bytes = new byte[0];
    private boolean[] extents = new boolean[SIZE_MAX / Inode.EXTENT_BYTES + 2];

    Model copy() {
      Model copy = new Model();
      copy.bytes = bytes.clone();
      copy.extents = extents.clone();
      return copy;
    }

    void write(int offset, byte[] data) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length, offset + data.length));
      System.arraycopy(data, 0, bytes, offset, data.length);
      for (int at = offset; at < offset + data.length; at++) {
        extents[at / Inode.EXTENT_BYTES] = true;
      }
    }

    void resize(int size) {
      bytes = Arrays.copyOf(bytes, size);
      int kept = (int) Inode.extentsOf(size);
      Arrays.fill(extents, kept, extents.length, false);
    }

    long allocated() {
      long count = 0;
      for (boolean each : extents) {
        count += each ? 1 : 0;
      }
      return Inode.allocated(count, bytes.length);
    }
  }

  private final Map<String, Model> models = new HashMap<>();
  private final Map<String, Model> stored = new HashMap<>();

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void engineAndByteArraysAgree(long seed) throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    fixture.slabBytes = 4 << 20;
    fixture.flushObjects = 8;
    Random random = new Random(seed);
    Volume volume = fixture.open();
    for (int step = 0; step < 1500; step++) {
      String name = "f" + random.nextInt(FILES);
      String what = "seed " + seed + " step " + step;
      int kind = random.nextInt(100);
      if (kind < 45) {
        write(volume, name, random);
      } else if (kind < 55) {
        resize(volume, name, random);
      } else if (kind < 85) {
        read(volume, name, random, what);
      } else if (kind < 87) {
        remove(volume, name);
      } else if (kind < 95) {
        volume.barrier(volume.committedSequence());
        remember();
      } else if (kind < 97) {
        volume.flush();
        remember();
      } else if (kind < 98) {
        volume.close();
        remember();
        volume = fixture.open();
      } else if (kind < 99) {
        volume.barrier(volume.committedSequence());
        remember();
        volume.abandon();
        volume = fixture.open();
        checkAll(volume, what);
      }
    }
    checkAll(volume, "seed " + seed + " end");
    volume.close();
    checkAll(fixture.open(), "seed " + seed + " reopened");
  }

  private void remember() {
    stored.clear();
    models.forEach((name, model) -> stored.put(name, model.copy()));
  }

  private Attributes file(Filesystem fs, String name) throws FsException {
    models.putIfAbsent(name, new Model());
    return fs.create(ROOT, Filesystem.ROOT, Name.of(name), 0644, false, SetAttributes.NONE);
  }

  private void write(Filesystem fs, String name, Random random) throws FsException {
    Attributes file = file(fs, name);
    int length = random.nextInt(4) == 0 ? random.nextInt(300_000) : 1 + random.nextInt(9000);
    int offset =
        random.nextBoolean()
            ? (int) Math.min(file.size(), SIZE_MAX - length)
            : random.nextInt(SIZE_MAX - length);
    byte[] data = new byte[length];
    if (random.nextInt(8) > 0) {
      random.nextBytes(data);
    }
    fs.write(ROOT, file.inode(), offset, ByteBuffer.wrap(data));
    if (length > 0) {
      model(name).write(offset, data);
    }
  }

  private Model model(String name) {
    return java.util.Objects.requireNonNull(models.get(name));
  }

  private void resize(Filesystem fs, String name, Random random) throws FsException {
    Attributes file = file(fs, name);
    int size =
        random.nextInt(5) == 0
            ? 0
            : random.nextInt(2) == 0
                ? random.nextInt((int) file.size() + 1)
                : random.nextInt(SIZE_MAX);
    fs.setattr(ROOT, file.inode(), SetAttributes.ofSize(size));
    model(name).resize(size);
  }

  private void remove(Filesystem fs, String name) throws FsException {
    if (models.remove(name) != null) {
      fs.unlink(ROOT, Filesystem.ROOT, Name.of(name));
    }
  }

  private void read(Volume fs, String name, Random random, String what) throws FsException {
    Attributes file = file(fs, name);
    Model model = model(name);
    int offset = random.nextInt(model.bytes.length + 10);
    int length = random.nextInt(random.nextBoolean() ? 5000 : 400_000);
    check(fs, file, model, offset, length, what + " " + name);
  }

  private static void check(
      Volume fs, Attributes file, Model model, int offset, int length, String what)
      throws FsException {
    ByteBuffer target = ByteBuffer.allocate(length);
    fs.read(ROOT, file.inode(), offset, target);
    int end = Math.min(model.bytes.length, offset + length);
    byte[] expected = offset >= end ? new byte[0] : Arrays.copyOfRange(model.bytes, offset, end);
    byte[] got = Arrays.copyOf(target.array(), target.position());
    int mismatch = Arrays.mismatch(expected, got);
    assertThat(mismatch)
        .as("%s: first wrong byte, offset=%d length=%d", what, offset, length)
        .isEqualTo(-1);
    assertThat(file.size()).as(what + " size").isEqualTo(model.bytes.length);
    long guess = file.allocatedBytes();
    assertThat(guess).as(what + " allocated").isGreaterThanOrEqualTo(model.allocated());
    if (guess != model.allocated()) {
      fs.recountSpace();
      Attributes exact = fs.getattr(ROOT, file.inode());
      assertThat(exact.allocatedBytes()).as(what + " recounted").isEqualTo(model.allocated());
    }
  }

  private void checkAll(Volume volume, String what) throws FsException {
    long allocated = 0;
    for (Map.Entry<String, Model> each : models.entrySet()) {
      Attributes file = volume.lookup(ROOT, Filesystem.ROOT, Name.of(each.getKey()));
      Model model = each.getValue();
      for (int at = 0; at == 0 || at < model.bytes.length; at += 1 << 20) {
        check(volume, file, model, at, 1 << 20, what + " " + each.getKey());
      }
      allocated += model.allocated();
    }
    volume.awaitReaper();
    volume.recountSpace();
    assertThat(volume.statfs(ROOT).bytesUsed()).as(what + " usage").isEqualTo(allocated);
  }
}
