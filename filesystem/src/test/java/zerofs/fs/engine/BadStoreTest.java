package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// A store that stops working while a volume is served from it.
class BadStoreTest {
  private static final int BYTES = 5000;

  /// A store that fails, or is short of space, as long as the test wants.
  private static final class Moody implements ObjectStore {
    private final MemoryObjectStore memory = new MemoryObjectStore();
    private volatile @Nullable StorageException failure;
    private volatile @Nullable String shortage;

    private void check() throws StorageException {
      StorageException failing = failure;
      if (failing != null) {
        throw failing;
      }
    }

    @Override
    public @Nullable Fetched get(String key, long offset, int length, Cause cause)
        throws StorageException {
      check();
      return memory.get(key, offset, length, cause);
    }

    @Override
    public @Nullable Fetched getSuffix(String key, int length, Cause cause)
        throws StorageException {
      check();
      return memory.getSuffix(key, length, cause);
    }

    @Override
    public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
      check();
      return memory.put(key, body, cause);
    }

    @Override
    public void delete(String key, Cause cause) throws StorageException {
      check();
      memory.delete(key, cause);
    }

    @Override
    public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
        throws StorageException {
      check();
      return memory.list(prefix, startAfter, limit, cause);
    }

    @Override
    public @Nullable String shortage() {
      return shortage;
    }

    @Override
    public void close() {
      memory.close();
    }
  }

  private final Moody store = new Moody();
  private final VolumeFixture fixture;

  BadStoreTest() throws StorageException {
    fixture = new VolumeFixture(store);
  }

  private static long create(Volume volume, String name) throws FsException {
    SetAttributes none = SetAttributes.NONE;
    return volume.create(root(), Filesystem.ROOT, Name.of(name), 0644, true, none).inode();
  }

  private static void write(Volume volume, long inode, int seed) throws FsException {
    volume.write(root(), inode, 0, ByteBuffer.wrap(noise(seed)));
  }

  private static byte[] noise(int seed) {
    byte[] noise = new byte[BYTES];
    new java.util.Random(seed).nextBytes(noise);
    return noise;
  }

  private static byte[] read(Volume volume, String name) throws FsException {
    long inode = volume.lookup(root(), Filesystem.ROOT, Name.of(name)).inode();
    ByteBuffer bytes = ByteBuffer.allocate(2 * BYTES);
    int count = volume.read(root(), inode, 0, bytes);
    return java.util.Arrays.copyOf(bytes.array(), count);
  }

  private static void barrier(Volume volume) throws FsException {
    volume.barrier(volume.committedSequence());
  }

  private static void assertFails(
      FsError error, String part, org.assertj.core.api.ThrowableAssert.ThrowingCallable operation) {
    assertThatThrownBy(operation)
        .isInstanceOfSatisfying(FsException.class, e -> assertThat(e.error()).isEqualTo(error))
        .hasMessageContaining(part);
  }

  private Tasks.Task inBackground(Story story) {
    return fixture.tasks.fork(
        "background",
        Tasks.Kind.WAITING,
        () -> {
          try {
            story.run();
          } catch (FsException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  /// Work that may fail as the engine does.
  @FunctionalInterface
  private interface Story {
    void run() throws FsException;
  }

  private void awaitTrouble(Volume volume, String part) {
    String trouble = volume.health().trouble();
    while (trouble == null || !trouble.contains(part)) {
      fixture.tasks.sleep(1_000_000);
      trouble = volume.health().trouble();
    }
  }

  /// Whatever way it fails in, whoever can wait is told to come again, and writers wait.
  private void awayAndBack(StorageException failure) throws Exception {
    Volume first = fixture.open();
    write(first, create(first, "stored"), 1);
    first.close();

    Volume volume = fixture.open();
    long file = create(volume, "while it is away");
    store.failure = failure;
    assertFails(FsError.UNAVAILABLE, "gone", () -> read(volume, "stored"));
    write(volume, file, 2);
    Tasks.Task barrier = inBackground(() -> barrier(volume));
    awaitTrouble(volume, "gone");
    assertThat(barrier.isDone()).isFalse();
    assertThat(read(volume, "while it is away")).isEqualTo(noise(2));

    store.failure = null;
    barrier.join();
    assertThat(volume.health().trouble()).isNull();
    assertThat(read(volume, "stored")).isEqualTo(noise(1));
    volume.abandon();

    Volume again = fixture.open();
    assertThat(read(again, "stored")).isEqualTo(noise(1));
    assertThat(read(again, "while it is away")).isEqualTo(noise(2));
    again.close();
  }

  @Test
  void anEndpointThatIsGoneIsWaitedFor() throws Exception {
    awayAndBack(new StorageException.Unavailable("gone"));
  }

  @Test
  void aConnectionThatBreaksIsWaitedFor() throws Exception {
    awayAndBack(new StorageException.OutcomeUnknown("gone"));
  }

  @Test
  void aRefusalIsWaitedFor() throws Exception {
    awayAndBack(new StorageException.Refused("the right to write is gone"));
  }

  /// A server that can store nothing any more, and knows, must not go on as if it could.
  @Test
  void whatWaitingDoesNotMendEndsTheVolume() throws Exception {
    List<StorageException> lost = new CopyOnWriteArrayList<>();
    Volume volume = fixture.open(lost::add);
    create(volume, "file");
    store.failure =
        new StorageException.Invalid(
            StorageException.Invalid.Reason.NO_CREATE_ONLY, "no create-only any more");
    assertFails(FsError.CLOSED, "no create-only any more", () -> barrier(volume));
    assertThat(lost).containsExactly(store.failure);
    store.failure = null;
    volume.abandon();
  }

  /// What is left of a full disk is for what was answered, and for what frees space.
  @Test
  void aStoreThatIsShortOfSpaceTakesNoNewDataAndLetsDelete() throws Exception {
    Volume volume = fixture.open();
    Name old = Name.of("old");
    long file = create(volume, "old");
    write(volume, file, 1);
    long directory = Filesystem.ROOT;
    store.shortage = "the disk is full";
    assertFails(FsError.NO_SPACE, "the disk is full", () -> write(volume, file, 2));
    assertFails(FsError.NO_SPACE, "full", () -> create(volume, "new"));
    SetAttributes none = SetAttributes.NONE;
    assertFails(
        FsError.NO_SPACE, "full", () -> volume.mkdir(root(), directory, Name.of("d"), 0755, none));
    assertFails(FsError.NO_SPACE, "full", () -> volume.link(root(), file, directory, Name.of("l")));
    assertThat(volume.statfs(root()).bytesTotal()).isEqualTo(volume.statfs(root()).bytesUsed());

    long before = volume.committedSequence();
    assertThat(read(volume, "old")).isEqualTo(noise(1));
    assertThat(volume.committedSequence()).as("an access time is left out").isEqualTo(before);

    volume.setattr(root(), file, SetAttributes.ofSize(10));
    volume.create(root(), directory, old, 0644, false, SetAttributes.ofSize(0));
    volume.rename(
        root(), directory, old, directory, Name.of("moved"), Filesystem.RenameMode.REPLACE);
    volume.unlink(root(), directory, Name.of("moved"));
    volume.flush();
    assertThat(volume.storedSequence()).isEqualTo(volume.committedSequence());

    store.shortage = null;
    write(volume, create(volume, "new"), 3);
    assertThat(volume.statfs(root()).bytesTotal()).isGreaterThan(1L << 50);
    volume.close();
    Volume again = fixture.open();
    assertThat(read(again, "new")).isEqualTo(noise(3));
    again.close();
  }

  /// A stop says whether everything is stored.
  @Test
  void aCloseThatCouldNotStoreSaysSo() throws Exception {
    Volume volume = fixture.open();
    create(volume, "file");
    store.failure = new StorageException.Corrupt("beyond repair");
    assertThatThrownBy(volume::closeStored).hasMessageContaining("beyond repair");
    store.failure = null;
    volume.close();
    Volume again = fixture.open();
    create(again, "file");
    again.closeStored();
    assertThat(again.storedSequence()).isEqualTo(again.committedSequence());
  }
}
