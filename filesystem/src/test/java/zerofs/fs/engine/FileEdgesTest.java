package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;

/// File data where generations, cuts, fetches and evictions meet: each a history that went wrong.
class FileEdgesTest {
  private static final int EXTENT = Inode.EXTENT_BYTES;

  private static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  private static long create(Filesystem fs, String name) throws FsException {
    return fs.create(root(), Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE)
        .inode();
  }

  private static ByteBuffer ones(int bytes) {
    byte[] ones = new byte[bytes];
    Arrays.fill(ones, (byte) 1);
    return ByteBuffer.wrap(ones);
  }

  private static byte[] read(Filesystem fs, long file, long offset, int bytes)
      throws FsException {
    ByteBuffer target = ByteBuffer.allocate(bytes);
    fs.read(root(), file, offset, target);
    return Arrays.copyOf(target.array(), target.position());
  }

  /// The cut goes through the last extent of a chunk whose row is not in memory; nothing from the
  /// next chunk on needed to be looked at.
  @Test
  void aCutThroughTheLastExtentOfAnUnknownChunkOfASparseFileHolds() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    long file = create(volume, "sparse");
    volume.write(root(), file, Files.CHUNK_BYTES - EXTENT, ones(EXTENT));
    volume.close();
    volume = fixture.open();
    volume.setattr(root(), file, SetAttributes.ofSize(Files.CHUNK_BYTES - 100));
    volume.close();
    volume = fixture.open();
    volume.setattr(root(), file, SetAttributes.ofSize(Files.CHUNK_BYTES));
    assertThat(read(volume, file, Files.CHUNK_BYTES - 100, 100)).isEqualTo(new byte[100]);
    volume.close();
  }
}
