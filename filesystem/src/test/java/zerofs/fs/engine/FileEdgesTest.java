package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;

/// File data where generations, cuts, fetches and evictions meet: each a history that went wrong.
class FileEdgesTest {
  private static final int EXTENT = Inode.EXTENT_BYTES;

  private static long create(Filesystem fs, String name) throws FsException {
    return fs.create(root(), Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE)
        .inode();
  }

  private static ByteBuffer ones(int bytes) {
    byte[] ones = new byte[bytes];
    Arrays.fill(ones, (byte) 1);
    return ByteBuffer.wrap(ones);
  }

  private static byte[] read(Filesystem fs, long file, long offset, int bytes) throws FsException {
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

  /// What happens to a page that was completed while its generation was in flight.
  private enum Next {
    WRITE,
    CUT,
    REMOVE
  }

  private void completedPagesComeBack(Next next) {
    SimulatedFixture fixture = new SimulatedFixture(1);
    int pages = 30;
    fixture.simulate(
        () -> {
          Volume volume = fixture.open("p");
          long file = create(volume, "file");
          for (int i = 0; i < pages; i++) {
            volume.write(root(), file, (long) i * EXTENT, ones(EXTENT));
          }
          volume.close();
          Volume again = fixture.open("q");
          for (int i = 0; i < pages; i++) {
            again.write(root(), file, (long) i * EXTENT + 5, ones(10));
          }
          fixture.away = true;
          long sequence = again.committedSequence();
          Tasks.Task barrier =
              fixture.simulation.fork(
                  "barrier", Tasks.Kind.WAITING, fixture.unchecked(() -> again.barrier(sequence)));
          fixture.simulation.sleep(10_000_000L);
          for (int i = pages - 1; i >= 0; i--) {
            assertThat(read(again, file, (long) i * EXTENT, EXTENT))
                .isEqualTo(ones(EXTENT).array());
          }
          switch (next) {
            case WRITE -> {
              for (int i = 0; i < pages; i++) {
                again.write(root(), file, (long) i * EXTENT + 50, ones(10));
              }
            }
            case CUT -> {
              for (int i = pages; i > 0; i--) {
                again.setattr(root(), file, SetAttributes.ofSize((long) i * EXTENT - 100));
              }
            }
            case REMOVE -> again.unlink(root(), Filesystem.ROOT, Name.of("file"));
          }
          fixture.away = false;
          barrier.join();
          if (next != Next.REMOVE) {
            again.unlink(root(), Filesystem.ROOT, Name.of("file"));
          }
          again.barrier(again.committedSequence());
          assertThat(again.health().slabFreeBytes()).isEqualTo(again.health().slabBytes());
          again.close();
        });
  }

  @Test
  void aPageCompletedInFlightAndWrittenAgainGivesItsMemoryBack() {
    completedPagesComeBack(Next.WRITE);
  }

  @Test
  void aPageCompletedInFlightAndCutGivesItsMemoryBack() {
    completedPagesComeBack(Next.CUT);
  }

  @Test
  void aPageCompletedInFlightAndRemovedGivesItsMemoryBack() {
    completedPagesComeBack(Next.REMOVE);
  }
}
