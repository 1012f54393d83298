package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

@SuppressWarnings("NullAway.Init")
class NamespaceTest {
  private static final Call ROOT = Call.waiting(Caller.ROOT);
  private static final Call ALICE = Call.waiting(new Caller(1000, 1000));
  private static final Call BOB = Call.waiting(new Caller(1001, 1001));

  private VolumeFixture fixture;
  private Volume fs;

  @BeforeEach
  void open() throws Exception {
    fixture = new VolumeFixture();
    fixture.flushObjects = 4;
    fs = fixture.open();
  }

  @AfterEach
  void close() {
    fs.close();
  }

  private long mkdir(Call call, long parent, String name, int mode) throws FsException {
    return fs.mkdir(call, parent, Name.of(name), mode, SetAttributes.NONE).inode();
  }

  private long file(Call call, long parent, String name) throws FsException {
    return fs.create(call, parent, Name.of(name), 0644, true, SetAttributes.NONE).inode();
  }

  private void rename(long from, String name, long to, String newName) throws FsException {
    fs.rename(ROOT, from, Name.of(name), to, Name.of(newName), RenameMode.REPLACE);
  }

  private static void assertFails(FsError error, ThrowingCallable operation) {
    assertThatThrownBy(operation).isInstanceOf(FsException.class).hasMessage(error.name());
  }

  private List<String> names(long directory) throws FsException {
    List<String> names = new ArrayList<>();
    fs.readdir(
        ROOT, directory, 2, (cookie, name, inode, type, attributes) -> names.add(name.toString()));
    return names;
  }

  @Test
  void aDirectoryNeverEndsBelowItself() throws Exception {
    long a = mkdir(ROOT, Filesystem.ROOT, "a", 0755);
    long b = mkdir(ROOT, a, "b", 0755);
    long c = mkdir(ROOT, b, "c", 0755);
    assertFails(FsError.INVALID, () -> rename(Filesystem.ROOT, "a", c, "x"));
    assertFails(FsError.INVALID, () -> rename(Filesystem.ROOT, "a", a, "x"));
    assertFails(FsError.NOT_EMPTY, () -> rename(b, "c", Filesystem.ROOT, "a"));
    rename(b, "c", Filesystem.ROOT, "c");
    assertThat(fs.getattr(ROOT, c).parent()).isEqualTo(Filesystem.ROOT);
    assertThat(fs.getattr(ROOT, b).nlink()).isEqualTo(2);
    assertThat(fs.getattr(ROOT, Filesystem.ROOT).nlink()).isEqualTo(4);
  }

  @Test
  void renameReplacesAndKeepsCounts() throws Exception {
    long one = file(ROOT, Filesystem.ROOT, "one");
    long two = file(ROOT, Filesystem.ROOT, "two");
    rename(Filesystem.ROOT, "one", Filesystem.ROOT, "two");
    assertThat(names(Filesystem.ROOT)).containsExactly("two");
    assertThat(fs.lookup(ROOT, Filesystem.ROOT, Name.of("two")).inode()).isEqualTo(one);
    assertFails(FsError.STALE, () -> fs.getattr(ROOT, two));
    fs.link(ROOT, one, Filesystem.ROOT, Name.of("again"));
    rename(Filesystem.ROOT, "two", Filesystem.ROOT, "again");
    assertThat(names(Filesystem.ROOT)).containsExactlyInAnyOrder("two", "again");
    assertThat(fs.getattr(ROOT, one).nlink()).isEqualTo(2);
  }

  @Test
  void exchangeSwapsFilesAndDirectories() throws Exception {
    long a = mkdir(ROOT, Filesystem.ROOT, "a", 0755);
    long b = mkdir(ROOT, Filesystem.ROOT, "b", 0755);
    long file = file(ROOT, a, "x");
    long directory = mkdir(ROOT, b, "y", 0755);
    fs.rename(ROOT, a, Name.of("x"), b, Name.of("y"), RenameMode.EXCHANGE);
    assertThat(fs.lookup(ROOT, a, Name.of("x")).inode()).isEqualTo(directory);
    assertThat(fs.lookup(ROOT, b, Name.of("y")).inode()).isEqualTo(file);
    assertThat(fs.getattr(ROOT, a).nlink()).isEqualTo(3);
    assertThat(fs.getattr(ROOT, b).nlink()).isEqualTo(2);
    assertThat(fs.getattr(ROOT, directory).parent()).isEqualTo(a);
    assertFails(
        FsError.EXISTS,
        () -> fs.rename(ROOT, a, Name.of("x"), b, Name.of("y"), RenameMode.NOREPLACE));
    assertFails(
        FsError.NOT_FOUND,
        () -> fs.rename(ROOT, a, Name.of("x"), b, Name.of("no"), RenameMode.EXCHANGE));
  }

  @Test
  void stickyDirectoriesProtectOthersFiles() throws Exception {
    long tmp = mkdir(ROOT, Filesystem.ROOT, "tmp", 01777);
    long mine = file(ALICE, tmp, "mine");
    assertFails(FsError.NOT_PERMITTED, () -> fs.unlink(BOB, tmp, Name.of("mine")));
    assertFails(
        FsError.NOT_PERMITTED,
        () -> fs.rename(BOB, tmp, Name.of("mine"), tmp, Name.of("x"), RenameMode.REPLACE));
    assertFails(FsError.ACCESS_DENIED, () -> file(BOB, Filesystem.ROOT, "x"));
    assertFails(FsError.NOT_PERMITTED, () -> fs.setattr(BOB, mine, SetAttributes.ofMode(0777)));
    fs.unlink(ALICE, tmp, Name.of("mine"));
  }

  @Test
  void setgidDirectoriesHandTheirGroupDown() throws Exception {
    long shared = mkdir(ROOT, Filesystem.ROOT, "shared", 02777);
    fs.setattr(ROOT, shared, SetAttributes.ofOwner(null, 5000));
    Attributes directory = fs.mkdir(ALICE, shared, Name.of("d"), 0755, SetAttributes.NONE);
    assertThat(directory.gid()).isEqualTo(5000);
    assertThat(directory.mode()).isEqualTo(02755);
    assertThat(fs.getattr(ROOT, file(ALICE, shared, "f")).gid()).isEqualTo(5000);
  }

  @Test
  void anOpenFileOutlivesItsNameUntilItIsReleased() throws Exception {
    long file = file(ROOT, Filesystem.ROOT, "file");
    fs.write(ROOT, file, 0, java.nio.ByteBuffer.wrap(new byte[] {1, 2, 3}));
    fs.open(ROOT, file, 4);
    fs.unlink(ROOT, Filesystem.ROOT, Name.of("file"));
    assertThat(fs.getattr(ROOT, file).nlink()).isZero();
    assertThat(fs.read(ROOT, file, 0, java.nio.ByteBuffer.allocate(10))).isEqualTo(3);
    fs.release(ROOT, file);
    fs.awaitReaper();
    assertFails(FsError.STALE, () -> fs.getattr(ROOT, file));
    assertThat(fs.statfs(ROOT).bytesUsed()).isZero();
  }

  @Test
  void orphansAreRemovedAtTheNextStart() throws Exception {
    long file = file(ROOT, Filesystem.ROOT, "file");
    fs.write(ROOT, file, 0, java.nio.ByteBuffer.wrap(new byte[5000]));
    fs.open(ROOT, file, 4);
    fs.unlink(ROOT, Filesystem.ROOT, Name.of("file"));
    fs.close();
    fs = fixture.open();
    fs.awaitReaper();
    assertFails(FsError.STALE, () -> fs.getattr(ROOT, file));
    assertThat(fs.statfs(ROOT).bytesUsed()).isZero();
  }

  @Test
  void aListingIsStableWhileNamesComeAndGoAndOverRestarts() throws Exception {
    for (int i = 0; i < 1000; i++) {
      file(ROOT, Filesystem.ROOT, "f" + i);
      if (i % 100 == 0) {
        fs.barrier(fs.committedSequence());
      }
    }
    List<String> seen = new ArrayList<>();
    long[] last = {2};
    while (seen.size() < 500) {
      fs.readdir(
          ROOT,
          Filesystem.ROOT,
          last[0],
          (cookie, name, inode, type, attributes) -> {
            seen.add(name.toString());
            last[0] = cookie;
            return seen.size() % 70 != 0;
          });
      fs.unlink(ROOT, Filesystem.ROOT, Name.of(seen.getLast()));
    }
    fs.close();
    fs = fixture.open();
    fs.readdir(
        ROOT,
        Filesystem.ROOT,
        last[0],
        (cookie, name, inode, type, attributes) -> seen.add(name.toString()));
    assertThat(seen).doesNotHaveDuplicates().hasSize(1000);
  }

  @Test
  void spaceIsRefusedExactlyAtTheLimit() throws Exception {
    fs.close();
    fixture = new VolumeFixture();
    fixture.bytesMax = 64 << 10;
    fs = fixture.open();
    long one = file(ROOT, Filesystem.ROOT, "one");
    fs.write(ROOT, one, 0, java.nio.ByteBuffer.wrap(new byte[60 << 10]));
    long two = file(ROOT, Filesystem.ROOT, "two");
    fs.write(ROOT, two, 0, java.nio.ByteBuffer.wrap(new byte[4096]));
    assertFails(
        FsError.NO_SPACE, () -> fs.write(ROOT, two, 4096, java.nio.ByteBuffer.wrap(new byte[1])));
    fs.unlink(ROOT, Filesystem.ROOT, Name.of("one"));
    fs.write(ROOT, two, 4096, java.nio.ByteBuffer.wrap(new byte[1]));
  }

  @Test
  void truncatingAHugeSparseFileCostsWhatExistsInIt() throws Exception {
    long file = file(ROOT, Filesystem.ROOT, "sparse");
    fs.setattr(ROOT, file, SetAttributes.ofSize(8L << 40));
    fs.write(ROOT, file, 5L << 40, java.nio.ByteBuffer.wrap(new byte[100]));
    fs.barrier(fs.committedSequence());
    assertThat(fs.getattr(ROOT, file).allocatedBytes()).isEqualTo(32 << 10);
    fs.close();
    fs = fixture.open();
    fs.setattr(ROOT, file, SetAttributes.ofSize(1000));
    assertThat(fs.getattr(ROOT, file).allocatedBytes()).isZero();
    assertThat(fs.statfs(ROOT).bytesUsed()).isZero();
  }

  /// Of a directory just made all names are known without a look at rows: until there are too many,
  /// until it leaves memory, until the volume is opened again.
  @Test
  void namesThatAreForgottenStillExist() throws Exception {
    long directory = mkdir(ROOT, Filesystem.ROOT, "directory", 0755);
    int names = 5_000; // More than are known at a time; the volume holds 1,000 inodes in memory.
    for (int i = 0; i < names; i++) {
      file(ROOT, directory, "name " + i);
      if (i % 500 == 0) {
        fs.unlink(ROOT, directory, Name.of("name " + i));
        requireAbsent(directory, "name " + i);
      }
    }
    requireNames(directory, names);
    for (int i = 0; i < 3_000; i++) {
      mkdir(ROOT, Filesystem.ROOT, "other " + i, 0755); // It leaves memory.
    }
    requireNames(directory, names);
    fs.barrier(fs.committedSequence());
    fs.abandon();
    fs = fixture.open();
    requireNames(directory, names);
    assertThat(names(directory)).hasSize(names - names / 500);
  }

  private void requireAbsent(long directory, String name) {
    assertFails(FsError.NOT_FOUND, () -> fs.lookup(ROOT, directory, Name.of(name)));
  }

  private void requireNames(long directory, int names) throws FsException {
    for (int i = 0; i < names; i += 50) {
      String name = "name " + i;
      if (i % 500 == 0) {
        requireAbsent(directory, name);
      } else {
        assertThat(fs.lookup(ROOT, directory, Name.of(name)).nlink()).isEqualTo(1);
        assertFails(FsError.EXISTS, () -> file(ROOT, directory, name));
      }
    }
  }
}
