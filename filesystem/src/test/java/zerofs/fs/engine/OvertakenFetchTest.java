package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// A row that is read from the store while the same row changes and is stored anew: what was read
/// must not enter memory.
class OvertakenFetchTest {
  private static final int BYTES = 3 << 20;

  /// Happens once, when a block of rows has arrived and before what it says enters memory.
  private interface Meanwhile {
    void run() throws FsException;
  }

  private @Nullable Meanwhile meanwhile;
  private boolean happened;
  private int skipped;
  private @Nullable Meanwhile due;

  private VolumeFixture fixture(MemoryObjectStore memory) throws StorageException {
    VolumeFixture fixture = new VolumeFixture(slow(memory));
    fixture.tasks = telling(fixture.tasks);
    return fixture;
  }

  private ObjectStore slow(MemoryObjectStore store) {
    return proxy(
        ObjectStore.class,
        store,
        (method, arguments) -> {
          Meanwhile now = meanwhile;
          boolean isRows = now != null && arguments[arguments.length - 1] == Cause.METADATA;
          if (isRows && skipped-- == 0) {
            meanwhile = null;
            due = now;
          }
        },
        answer -> answer);
  }

  /// Tasks that run what is due once those who wait for the block know that it is here.
  private Tasks telling(Tasks tasks) {
    return proxy(
        Tasks.class,
        tasks,
        (method, arguments) -> {},
        answer ->
            answer instanceof Tasks.Mutex mutex
                ? proxy(
                    Tasks.Mutex.class,
                    mutex,
                    (method, arguments) -> {
                      Meanwhile now = due;
                      if (method.equals("unlock") && now != null) {
                        due = null;
                        happened = true;
                        now.run();
                      }
                    },
                    unlocked -> unlocked)
                : answer);
  }

  private interface After {
    void called(String method, Object[] arguments) throws FsException;
  }

  private static <T> T proxy(
      Class<T> type, T target, After after, UnaryOperator<@Nullable Object> answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              try {
                Object result = method.invoke(target, arguments);
                after.called(method.getName(), arguments == null ? new Object[0] : arguments);
                return answer.apply(result);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  private static long create(Volume volume, String name) throws FsException {
    return volume
        .create(root(), Filesystem.ROOT, Name.of(name), 0644, false, SetAttributes.NONE)
        .inode();
  }

  /// A file of two chunks whose rows are in an SST, in a volume that has nothing of it in memory.
  private static long file(VolumeFixture fixture, byte[] data) throws Exception {
    Volume volume = fixture.open();
    makeRows(volume, "before");
    long file = create(volume, "f");
    for (int at = 0; at < data.length; at += 1 << 20) {
      volume.write(root(), file, at, ByteBuffer.wrap(data, at, 1 << 20));
    }
    volume.write(root(), file, 20L << 20, ByteBuffer.wrap(new byte[] {1}));
    makeRows(volume, "after");
    volume.flush();
    volume.close();
    return file;
  }

  /// Rows around those of the file, so that they share their blocks with none that is read before.
  private static void makeRows(Volume volume, String prefix) throws FsException {
    for (int i = 0; i < 1000; i++) {
      long other = create(volume, prefix + i);
      byte[] inline = new byte[400];
      new Random(i).nextBytes(inline);
      volume.write(root(), other, 0, ByteBuffer.wrap(inline));
    }
  }

  private static byte[] read(Volume volume, long file, int bytes) throws FsException {
    ByteBuffer target = ByteBuffer.allocate(bytes);
    while (target.hasRemaining()) {
      int before = target.position();
      target.limit(Math.min(bytes, before + (1 << 20)));
      volume.read(root(), file, before, target);
      target.limit(bytes);
    }
    return target.array();
  }

  /// Writes and stores other data until all pages of the file have left memory.
  private static void forget(Volume volume) throws FsException {
    long other = create(volume, "other");
    for (int i = 0; i < 24; i++) {
      volume.write(root(), other, (long) i << 20, ByteBuffer.wrap(new byte[1 << 20]));
      volume.barrier(volume.committedSequence());
    }
  }

  @Test
  void aWriteThatIsStoredWhileItsRowIsReadIsNotLost() throws Exception {
    MemoryObjectStore memory = new MemoryObjectStore();
    VolumeFixture fixture = fixture(memory);
    fixture.slabBytes = 8 << 20;
    byte[] data = new byte[BYTES];
    new Random(1).nextBytes(data);
    long file = file(fixture, data);

    Volume volume = fixture.open();
    volume.getattr(root(), file);
    byte[] patch = new byte[300];
    Arrays.fill(patch, (byte) 7);
    meanwhile =
        () -> {
          volume.write(root(), file, 100_000, ByteBuffer.wrap(patch));
          forget(volume);
        };
    assertThat(read(volume, file, 1000)).isEqualTo(Arrays.copyOf(data, 1000));
    assertThat(happened).isTrue();
    System.arraycopy(patch, 0, data, 100_000, patch.length);
    assertThat(Arrays.mismatch(read(volume, file, BYTES), data)).isEqualTo(-1);
    volume.close();
  }

  @Test
  void aCutThatIsStoredWhileItsRowIsReadDoesNotComeBack() throws Exception {
    MemoryObjectStore memory = new MemoryObjectStore();
    VolumeFixture fixture = fixture(memory);
    fixture.slabBytes = 8 << 20;
    byte[] data = new byte[BYTES];
    new Random(2).nextBytes(data);
    long file = file(fixture, data);

    Volume volume = fixture.open();
    volume.getattr(root(), file);
    meanwhile =
        () -> {
          volume.setattr(root(), file, SetAttributes.ofSize(50_000));
          volume.setattr(root(), file, SetAttributes.ofSize(BYTES));
          forget(volume);
        };
    assertThat(read(volume, file, 1000)).isEqualTo(Arrays.copyOf(data, 1000));
    assertThat(happened).isTrue();
    Arrays.fill(data, 50_000, BYTES, (byte) 0);
    assertThat(Arrays.mismatch(read(volume, file, BYTES), data)).isEqualTo(-1);
    volume.close();
  }

  /// A count of extents goes on beside writes, and begins anew after a cut.
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatIsWrittenOrCutWhileExtentsAreCountedIsCounted(boolean cut) throws Exception {
    VolumeFixture fixture = fixture(new MemoryObjectStore());
    Volume volume = fixture.open();
    long file = create(volume, "f");
    byte[] inline = new byte[400];
    for (long chunk = 0; chunk < 1000; chunk++) {
      new Random(chunk).nextBytes(inline);
      volume.write(root(), file, chunk * Files.CHUNK_BYTES, ByteBuffer.wrap(inline));
    }
    volume.flush();
    volume.close();

    Volume again = fixture.open();
    again.write(root(), file, 77, ByteBuffer.wrap(new byte[9]));
    assertThat(again.getattr(root(), file).allocatedBytes()).isEqualTo(1001 * 32_768);
    skipped = 2; // Some hundred chunks are counted already.
    meanwhile =
        () -> {
          long hole = 100_000;
          for (long chunk : new long[] {1, 900}) {
            again.write(root(), file, chunk * Files.CHUNK_BYTES + hole, ByteBuffer.wrap(inline));
          }
          again.barrier(again.committedSequence());
          if (cut) {
            again.setattr(root(), file, SetAttributes.ofSize(50 * Files.CHUNK_BYTES));
          }
        };
    again.recountSpace();
    assertThat(happened).isTrue();
    long extents = cut ? 51 : 1002;
    assertThat(again.getattr(root(), file).allocatedBytes()).isEqualTo(extents * 32_768);
    again.close();
    Volume third = fixture.open();
    assertThat(third.getattr(root(), file).allocatedBytes()).isEqualTo(extents * 32_768);
    third.close();
  }
}
