package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.extent.ExtentState;
import zerofs.objectstore.StoreCounters;

class VolumeTest {
  private static final Call ROOT = Call.waiting(Caller.ROOT);

  private static Attributes create(Filesystem fs, String name) throws FsException {
    return fs.create(ROOT, Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE);
  }

  private static byte[] random(int bytes, long seed) {
    byte[] random = new byte[bytes];
    new Random(seed).nextBytes(random);
    return random;
  }

  private static byte[] read(Filesystem fs, long inode, long offset, int length)
      throws FsException {
    ByteBuffer target = ByteBuffer.allocateDirect(length);
    fs.read(ROOT, inode, offset, target);
    byte[] bytes = new byte[target.position()];
    target.flip().get(bytes);
    return bytes;
  }

  @Test
  void whatABarrierCoveredIsThereAfterACrash() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    byte[] data = random(300_000, 1);
    Volume volume = fixture.open();
    Attributes file = create(volume, "file");
    volume.write(ROOT, file.inode(), 12_345, ByteBuffer.wrap(data));
    volume.barrier(volume.committedSequence());
    create(volume, "lost");
    volume.abandon();

    Volume again = fixture.open();
    Attributes found = again.lookup(ROOT, Filesystem.ROOT, Name.of("file"));
    assertThat(found.size()).isEqualTo(12_345 + data.length);
    assertThat(read(again, found.inode(), 12_345, 300_000)).isEqualTo(data);
    assertThat(read(again, found.inode(), 0, 100)).containsOnly(0);
    assertThatThrownBy(() -> again.lookup(ROOT, Filesystem.ROOT, Name.of("lost")))
        .isInstanceOf(FsException.class)
        .hasMessage(FsError.NOT_FOUND.name());
    again.close();
  }

  @Test
  void aPartialWriteToAColdPageReadsNothingAndCostsOnePut() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    byte[] data = random(900_000, 2);
    Volume volume = fixture.open();
    Attributes file = create(volume, "file");
    volume.write(ROOT, file.inode(), 0, ByteBuffer.wrap(data));
    volume.flush();
    volume.close();

    Volume again = fixture.open();
    again.getattr(ROOT, file.inode());
    StoreCounters before = fixture.store.counters();
    byte[] patch = random(5001, 3);
    again.write(ROOT, file.inode(), 100_001, ByteBuffer.wrap(patch));
    again.barrier(again.committedSequence());
    StoreCounters spent = fixture.store.counters().since(before);
    assertThat(spent.of(StoreCounters.Request.PUT)).isEqualTo(1);
    assertThat(spent.total()).isEqualTo(1);
    System.arraycopy(patch, 0, data, 100_001, patch.length);
    assertThat(read(again, file.inode(), 0, 900_000)).isEqualTo(data);
    again.close();
    Volume third = fixture.open();
    assertThat(read(third, file.inode(), 0, 900_000)).isEqualTo(data);
    third.close();
  }

  @Test
  void aPartialWriteToAColdPageOfAFileWithHolesReadsNothingEither() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    Attributes file = create(volume, "file");
    long far = 100L << 30;
    volume.write(ROOT, file.inode(), 0, ByteBuffer.wrap(random(200_000, 2)));
    volume.write(ROOT, file.inode(), far, ByteBuffer.wrap(random(200_000, 3)));
    long allocated = volume.getattr(ROOT, file.inode()).allocatedBytes();
    volume.flush();
    volume.close();

    Volume again = fixture.open();
    again.getattr(ROOT, file.inode());
    StoreCounters before = fixture.store.counters();
    byte[] patch = random(5001, 4);
    again.write(ROOT, file.inode(), far + 100_001, ByteBuffer.wrap(patch));
    again.write(ROOT, file.inode(), far / 2 + 1, ByteBuffer.wrap(patch));
    again.barrier(again.committedSequence());
    StoreCounters spent = fixture.store.counters().since(before);
    assertThat(spent.of(StoreCounters.Request.PUT)).isEqualTo(1);
    assertThat(spent.total()).isEqualTo(1);
    assertThat(again.getattr(ROOT, file.inode()).allocatedBytes())
        .isEqualTo(allocated + 2 * 32_768);
    again.close();

    Volume third = fixture.open();
    byte[] expected = random(200_000, 3);
    System.arraycopy(patch, 0, expected, 100_001, patch.length);
    assertThat(read(third, file.inode(), far, 200_000)).isEqualTo(expected);
    assertThat(read(third, file.inode(), far / 2 + 1, 5001)).isEqualTo(patch);
    assertThat(read(third, file.inode(), far / 2 + 5002, 100)).containsOnly(0);
    third.recountSpace();
    assertThat(third.getattr(ROOT, file.inode()).allocatedBytes()).isEqualTo(allocated + 32_768);
    assertThat(third.statfs(ROOT).bytesUsed()).isEqualTo(allocated + 32_768);
    third.close();
    fixture.bytesMax = allocated + 65_536;
    Volume fourth = fixture.open();
    fourth.write(ROOT, file.inode(), 5, ByteBuffer.wrap(patch)); // Charged as new, and it fits.
    fourth.write(ROOT, file.inode(), far / 4, ByteBuffer.wrap(patch)); // Only once that is settled.
    assertThatThrownBy(() -> fourth.write(ROOT, file.inode(), far / 8, ByteBuffer.wrap(patch)))
        .isInstanceOf(FsException.class)
        .hasMessage(FsError.NO_SPACE.name());
    fourth.write(ROOT, file.inode(), far + 5, ByteBuffer.wrap(patch)); // No new extent.
    assertThat(fourth.statfs(ROOT).bytesUsed()).isEqualTo(allocated + 65_536);
    fourth.close();
  }

  @Test
  void patchesAreFoldedInTheBackground() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    byte[] data = random(32_768, 2);
    Volume volume = fixture.open();
    long file = create(volume, "file").inode();
    volume.write(ROOT, file, 0, ByteBuffer.wrap(data));
    volume.close();
    for (int i = 0; i < 12; i++) {
      Volume each = fixture.open();
      byte[] patch = random(100, 10 + i);
      each.write(ROOT, file, 1000L * i, ByteBuffer.wrap(patch));
      System.arraycopy(patch, 0, data, 1000 * i, patch.length);
      each.flush();
      each.awaitUpkeep();
      each.close();
    }
    Volume last = fixture.open();
    StoreCounters before = fixture.store.counters();
    assertThat(read(last, file, 0, 32_768)).isEqualTo(data);
    StoreCounters spent = fixture.store.counters().since(before);
    assertThat(spent.of(StoreCounters.Request.GET))
        .isLessThanOrEqualTo(ExtentState.PATCHES_MAX + 3);
    last.close();
  }

  @Test
  void hundredSyncedWritesAreHundredPuts() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    Attributes file = create(volume, "file");
    volume.barrier(volume.committedSequence());
    StoreCounters before = fixture.store.counters();
    for (int i = 0; i < 100; i++) {
      volume.write(ROOT, file.inode(), i * 4096L, ByteBuffer.wrap(random(4096, i)));
      volume.barrier(volume.committedSequence());
      volume.barrier(volume.committedSequence());
    }
    StoreCounters spent = fixture.store.counters().since(before);
    assertThat(spent.of(StoreCounters.Request.PUT)).isEqualTo(100);
    assertThat(spent.total()).isEqualTo(100);
    volume.close();
  }
}
