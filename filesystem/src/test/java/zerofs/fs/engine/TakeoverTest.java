package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;
import zerofs.log.LogFormat;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;

/// Two writers of one volume, lost replies, and objects that are damaged or gone.
class TakeoverTest {
  private static final Call ROOT = Call.waiting(Caller.ROOT);

  private static Attributes create(Filesystem fs, String name) throws FsException {
    return fs.create(ROOT, Filesystem.ROOT, Name.of(name), 0644, true, SetAttributes.NONE);
  }

  private static boolean exists(Filesystem fs, String name) {
    try {
      fs.lookup(ROOT, Filesystem.ROOT, Name.of(name));
      return true;
    } catch (FsException e) {
      return false;
    }
  }

  @Test
  void theSecondWriterSeesWhatWasStoredAndTheFirstAcknowledgesNothingMore() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume first = fixture.open();
    create(first, "stored");
    first.barrier(first.committedSequence());
    Volume second = fixture.open();
    assertThat(exists(second, "stored")).isTrue();
    create(first, "late");
    assertThatThrownBy(() -> first.barrier(first.committedSequence()))
        .isInstanceOf(FsException.class)
        .hasMessageContaining("deposed");
    create(second, "second");
    second.barrier(second.committedSequence());
    first.abandon();
    second.close();
    Volume third = fixture.open();
    assertThat(exists(third, "stored")).isTrue();
    assertThat(exists(third, "second")).isTrue();
    assertThat(exists(third, "late")).isFalse();
    assertThat(third.epoch()).isEqualTo(3);
    third.close();
  }

  @Test
  void aFlushOfTheDeposedWriterIsRefused() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume first = fixture.open();
    create(first, "stored");
    first.barrier(first.committedSequence());
    Volume second = fixture.open();
    assertThatThrownBy(first::flush).isInstanceOf(FsException.class);
    first.abandon();
    second.close();
  }

  /// Answers a few PUTs of log objects with "outcome unknown" after applying them.
  private static final class LostReplies implements ObjectStore {
    private final MemoryObjectStore store = new MemoryObjectStore();
    private int puts;

    @Override
    public @org.jspecify.annotations.Nullable Fetched get(
        String key, long offset, int length, Cause cause) {
      return store.get(key, offset, length, cause);
    }

    @Override
    public @org.jspecify.annotations.Nullable Fetched getSuffix(
        String key, int length, Cause cause) {
      return store.getSuffix(key, length, cause);
    }

    @Override
    public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
      PutOutcome outcome = store.put(key, body, cause);
      if (++puts % 3 == 0) {
        throw new StorageException.OutcomeUnknown("the reply was lost");
      }
      return outcome;
    }

    @Override
    public void delete(String key, Cause cause) {
      store.delete(key, cause);
    }

    @Override
    public java.util.List<Listed> list(String prefix, String startAfter, int limit, Cause cause) {
      return store.list(prefix, startAfter, limit, cause);
    }

    @Override
    public void close() {
      store.close();
    }
  }

  @Test
  void aLostReplyIsSettledByReadingTheOwnNonce() throws Exception {
    VolumeFixture fixture = new VolumeFixture(new LostReplies());
    Volume volume = fixture.open();
    for (int i = 0; i < 20; i++) {
      create(volume, "file" + i);
      volume.barrier(volume.committedSequence());
    }
    volume.flush();
    volume.abandon();
    Volume again = fixture.open();
    for (int i = 0; i < 20; i++) {
      assertThat(exists(again, "file" + i)).isTrue();
    }
    again.close();
  }

  @Test
  void aGapThatALaterObjectProvesIsCorruptAndNotAShorterHistory() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    for (int i = 0; i < 4; i++) {
      create(volume, "file" + i);
      volume.barrier(volume.committedSequence());
    }
    volume.abandon();
    fixture.memory.damage(LogFormat.key(1, 3), null);
    assertThatThrownBy(fixture::open)
        .isInstanceOf(StorageException.Corrupt.class)
        .hasMessageContaining(LogFormat.key(1, 3));
    // The fence of the first try stands in the gap now: the second try must not serve less either.
    assertThatThrownBy(fixture::open).isInstanceOf(StorageException.Corrupt.class);
  }

  @Test
  void aDamagedLogObjectIsNamed() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    create(volume, "file");
    volume.barrier(volume.committedSequence());
    volume.abandon();
    String key = LogFormat.key(1, 2);
    byte[] bytes =
        java.util.Objects.requireNonNull(
                fixture.memory.get(key, 0, 1 << 20, ObjectStore.Cause.ADMIN))
            .bytes()
            .array();
    bytes[10] ^= 1;
    fixture.memory.damage(key, bytes);
    assertThatThrownBy(fixture::open)
        .isInstanceOf(StorageException.Corrupt.class)
        .hasMessageContaining(key);
  }

  @Test
  void aMissingSegmentReadsAsIoErrorAndTheRestIsServed() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    Attributes damaged = create(volume, "damaged");
    volume.write(ROOT, damaged.inode(), 0, ByteBuffer.wrap(noise()));
    volume.barrier(volume.committedSequence());
    Attributes whole = create(volume, "whole");
    volume.write(ROOT, whole.inode(), 0, ByteBuffer.wrap(noise()));
    volume.flush();
    volume.close();
    fixture.memory.damage(LogFormat.key(1, 2), null);
    Volume again = fixture.open();
    assertThatThrownBy(() -> again.read(ROOT, damaged.inode(), 0, ByteBuffer.allocate(100)))
        .isInstanceOf(FsException.class)
        .hasMessageContaining(LogFormat.key(1, 2));
    assertThat(again.read(ROOT, whole.inode(), 0, ByteBuffer.allocate(100))).isEqualTo(100);
    again.close();
  }

  private static byte[] noise() {
    byte[] noise = new byte[5000];
    new java.util.Random(5).nextBytes(noise);
    return noise;
  }

  @Test
  void aWrongPasswordChangesNothingAndSaysSo() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    assertThatThrownBy(() -> VolumeSecrets.open(fixture.store, "wrong"))
        .isInstanceOf(StorageException.Invalid.class)
        .hasMessageContaining("password");
  }

  @Test
  void aChangedPasswordOpensAndTheOldOneDoesNot() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    VolumeSecrets.changePassword(fixture.store, "password", "another", fixture.randomness);
    assertThat(VolumeSecrets.open(fixture.store, "another").volumeId())
        .isEqualTo(fixture.secrets.volumeId());
    assertThatThrownBy(() -> VolumeSecrets.open(fixture.store, "password"))
        .isInstanceOf(StorageException.Invalid.class);
  }

  @Test
  void aPrefixInUseByAnotherProgramIsRefused() {
    MemoryObjectStore store = new MemoryObjectStore();
    store.put("photos/cat.jpg", ObjectStore.Body.of(new byte[] {1}), ObjectStore.Cause.ADMIN);
    assertThatThrownBy(() -> new VolumeFixture(store))
        .isInstanceOf(StorageException.Invalid.class)
        .hasMessageContaining("photos/cat.jpg");
  }
}
