package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// Files with more chunks than one commit cuts off (docs/adr/0007).
@SuppressWarnings("NullAway.Init")
class HugeFilesTest {
  private static final Call ROOT = Call.waiting(Caller.ROOT);
  private static final Name NAME = Name.of("scattered");
  private static final long EXTENT = 32 << 10;

  private VolumeFixture fixture;
  private Volume fs;
  private long inode;

  @BeforeEach
  void open() throws Exception {
    fixture = new VolumeFixture();
    fs = fixture.open();
    inode = fs.create(ROOT, Filesystem.ROOT, NAME, 0644, true, SetAttributes.NONE).inode();
  }

  @AfterEach
  void close() {
    fs.close();
  }

  /// A byte at the start of chunks that lie `step` apart, the first 1000 without gaps.
  private void scatter(long chunks, long step) throws FsException {
    ByteBuffer one = ByteBuffer.wrap(new byte[] {1});
    for (long i = 0; i < chunks; i++) {
      long chunk = i < 1000 ? i : step * i;
      fs.write(ROOT, inode, chunk * Files.CHUNK_BYTES + 77, one.rewind());
    }
  }

  private void restart() throws Exception {
    fs.close();
    fs = fixture.open();
  }

  @Test
  void aFileOfManyDistantChunksIsCutInSteps() throws Exception {
    scatter(Files.CUT_CHUNKS_MAX + 900, 1000);
    restart();
    Attributes before = fs.getattr(ROOT, inode);
    long size = 100 * Files.CHUNK_BYTES + 78;
    SetAttributes.Time ctime = new SetAttributes.Time(before.ctimeSeconds(), before.ctimeNanos());
    Attributes cut =
        fs.setattr(ROOT, inode, new SetAttributes(null, null, null, size, null, null, ctime));
    assertThat(cut.size()).isEqualTo(size);
    assertThat(cut.allocatedBytes()).isEqualTo(101 * EXTENT);
    fs.write(ROOT, inode, 8L << 40, ByteBuffer.wrap(new byte[] {1}));
    fs.setattr(ROOT, inode, SetAttributes.ofSize(50));
    restart();
    assertThat(fs.getattr(ROOT, inode).allocatedBytes()).isEqualTo(4096);
    ByteBuffer bytes = ByteBuffer.allocate(100);
    assertThat(fs.read(ROOT, inode, 0, bytes)).isEqualTo(50);
    assertThat(bytes.array()).containsOnly(0);
    fs.setattr(ROOT, inode, SetAttributes.ofSize(8L << 40));
    bytes.clear();
    fs.read(ROOT, inode, Files.CHUNK_BYTES + 10, bytes);
    assertThat(bytes.array()).as("what was cut off stays away").containsOnly(0);
  }

  @Test
  void itsRemovalGoesOnInTheBackgroundOverRestarts() throws Exception {
    scatter(2 * Files.CUT_CHUNKS_MAX, 3);
    restart();
    fs.unlink(ROOT, Filesystem.ROOT, NAME);
    fs.barrier(fs.committedSequence());
    fs.abandon();
    fs = fixture.open();
    fs.awaitReaper();
    assertThat(fs.statfs(ROOT).bytesUsed()).isZero();
    assertThat(fs.statfs(ROOT).inodesUsed()).isEqualTo(1);
    restart();
    assertThat(fs.statfs(ROOT).bytesUsed()).isZero();
  }

  @Test
  void creatingOverItCutsItToo() throws Exception {
    scatter(Files.CUT_CHUNKS_MAX + 10, 2);
    fs.create(ROOT, Filesystem.ROOT, NAME, 0644, false, SetAttributes.ofSize(0));
    assertThat(fs.getattr(ROOT, inode).allocatedBytes()).isZero();
  }
}
