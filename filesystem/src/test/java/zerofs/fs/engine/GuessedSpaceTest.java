package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.fs.row.Inode;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Files whose space is a guess ([Recounter]): each a history that went wrong.
class GuessedSpaceTest {
  private static final int EXTENT = Inode.EXTENT_BYTES;

  private static long create(Volume volume, String name) throws FsException {
    return volume
        .create(root(), Filesystem.ROOT, Name.of(name), 0644, false, SetAttributes.NONE)
        .inode();
  }

  private static void write(Volume volume, long file, long offset, int bytes) throws FsException {
    byte[] noise = new byte[bytes];
    new Random(offset).nextBytes(noise);
    volume.write(root(), file, offset, ByteBuffer.wrap(noise));
  }

  /// A file with an extent in each of some chunks, stored in a sorted run.
  private static long sparse(Volume volume, int chunks) throws FsException {
    long file = create(volume, "sparse");
    for (int i = 0; i < chunks; i++) {
      write(volume, file, i * Files.CHUNK_BYTES, 400);
    }
    volume.flush();
    return file;
  }

  /// The written bytes are cut off while they are on their way to the store; the extent stays.
  @Test
  void anExtentOfWhichACutLeavesNoWrittenBytesIsCounted() {
    SimulatedFixture fixture = new SimulatedFixture(1);
    fixture.simulate(
        () -> {
          Volume first = fixture.open("p");
          long file = create(first, "f");
          write(first, file, 5 * Files.CHUNK_BYTES, 100);
          first.flush();
          first.close();

          Volume volume = fixture.open("q");
          write(volume, file, 3 * Files.CHUNK_BYTES + 1000, 100);
          fixture.away = true;
          Tasks.Task barrier =
              fixture.simulation.fork(
                  "barrier",
                  Tasks.Kind.WAITING,
                  fixture.unchecked(() -> volume.barrier(volume.committedSequence())));
          fixture.simulation.sleep(10_000_000);
          volume.setattr(root(), file, SetAttributes.ofSize(3 * Files.CHUNK_BYTES + 500));
          volume.recountSpace();
          fixture.away = false;
          barrier.join();
          volume.barrier(volume.committedSequence());
          assertThat(volume.getattr(root(), file).allocatedBytes()).isEqualTo(EXTENT);
          volume.close();
          Volume last = fixture.open("r");
          volumeIsExact(last, file, EXTENT);
          last.close();
        });
  }

  private static void volumeIsExact(Volume volume, long file, long bytes) throws FsException {
    volume.setattr(root(), file, SetAttributes.ofSize(100 * Files.CHUNK_BYTES));
    write(volume, file, 50 * Files.CHUNK_BYTES, 100);
    volume.recountSpace();
    assertThat(volume.getattr(root(), file).allocatedBytes()).isEqualTo(bytes + EXTENT);
    assertThat(volume.statfs(root()).bytesUsed()).isEqualTo(bytes + EXTENT);
  }

  /// Nobody is told that there is no space while another counts.
  @Test
  void whoNeedsSpaceWhileAnotherCountsIsNotToldThatThereIsNone() {
    SimulatedFixture fixture = new SimulatedFixture(2);
    fixture.simulate(
        () -> {
          Volume first = fixture.open("p");
          long file = sparse(first, 2000);
          first.close();

          fixture.bytesMax = 2002 * EXTENT;
          Volume volume = fixture.open("q");
          write(volume, file, 100, 10);
          write(volume, file, 100 + Files.CHUNK_BYTES, 10);
          long one = create(volume, "one");
          long two = create(volume, "two");
          Tasks.Task other =
              fixture.simulation.fork(
                  "other",
                  Tasks.Kind.WAITING,
                  fixture.unchecked(
                      () -> {
                        fixture.simulation.sleep(SimulatedFixture.LATENCY_NANOS / 2);
                        write(volume, two, 0, 100);
                      }));
          write(volume, one, 0, 100);
          other.join();
          volume.close();
        });
  }

  /// A count that failed is none.
  @Test
  void aCountThatFailedIsTriedAgain() throws Exception {
    MemoryObjectStore memory = new MemoryObjectStore();
    boolean[] fails = {false};
    ObjectStore store =
        (ObjectStore)
            Proxy.newProxyInstance(
                ObjectStore.class.getClassLoader(),
                new Class<?>[] {ObjectStore.class},
                (proxy, method, arguments) -> {
                  if (fails[0]
                      && arguments != null
                      && arguments[arguments.length - 1] == Cause.METADATA) {
                    throw new StorageException.Unavailable("away");
                  }
                  try {
                    return method.invoke(memory, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    VolumeFixture fixture = new VolumeFixture(store);
    Volume first = fixture.open();
    long file = sparse(first, 2000);
    first.close();

    fixture.bytesMax = 2002 * EXTENT;
    Volume volume = fixture.open();
    write(volume, file, 100, 10);
    write(volume, file, 100 + Files.CHUNK_BYTES, 10);
    long one = create(volume, "one");
    fails[0] = true;
    assertThatThrownBy(() -> write(volume, one, 0, 100)).isInstanceOf(FsException.class);
    fails[0] = false;
    write(volume, one, 0, 100);
    volume.close();
  }

  /// A count of a file with more rows than memory is to hold.
  @Test
  void aCountKeepsNoMoreRowsThanMemoryIsToHold() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume first = fixture.open();
    long file = sparse(first, 3000);
    first.close();

    Volume volume = fixture.open();
    write(volume, file, 100, 10);
    volume.recountSpace();
    assertThat(volume.getattr(root(), file).allocatedBytes()).isEqualTo(3000L * EXTENT);
    assertThat(volume.chunksInMemory()).isLessThan(600);
    volume.close();
  }

  /// Each new attempt makes room by the rows that the one before it fetched.
  @Test
  @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aCutThatMustKnowMoreRowsThanMemoryIsToHoldEnds() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume first = fixture.open();
    long file = sparse(first, 1000);
    first.close();

    Volume volume = fixture.open();
    volume.setattr(root(), file, SetAttributes.ofSize(50 * Files.CHUNK_BYTES));
    assertThat(volume.getattr(root(), file).allocatedBytes()).isEqualTo(50L * EXTENT);
    volume.close();
  }
}
