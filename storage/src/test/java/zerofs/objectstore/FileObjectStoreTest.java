package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;

@SuppressWarnings("NullAway.Init")
class FileObjectStoreTest extends ObjectStoreContract {
  private static final Tasks TASKS =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });

  @TempDir Path directory;

  @Override
  ObjectStore store() throws StorageException {
    return FileObjectStore.open(directory.resolve("store"), true, 0, TASKS);
  }

  @Test
  void aMissingDirectoryIsNamed() {
    assertThatThrownBy(() -> FileObjectStore.open(directory.resolve("none"), false, 0, TASKS))
        .isInstanceOf(StorageException.Refused.class)
        .hasMessageContaining("none");
  }

  /// As a name whose file another process deletes between the look at the name and at the file.
  @Test
  void aFileThatIsDeletedMeanwhileIsNotListed() throws Exception {
    ObjectStore store = store();
    store.put("a/1", ObjectStore.Body.of(new byte[] {1}), ObjectStore.Cause.ADMIN);
    Files.createSymbolicLink(directory.resolve("store/a/2"), directory.resolve("gone"));
    assertThat(store.list("a/", "", 9, ObjectStore.Cause.ADMIN)).hasSize(1);
  }

  @Test
  void aDiskThatIsUnmountedIsNoEmptyStore() throws Exception {
    ObjectStore store = store();
    Files.delete(directory.resolve("store/.tmp"));
    assertThatThrownBy(() -> store.get("a/1", 0, 1, ObjectStore.Cause.ADMIN))
        .isInstanceOf(StorageException.Refused.class);
    assertThatThrownBy(() -> store.list("a/", "", 9, ObjectStore.Cause.ADMIN))
        .isInstanceOf(StorageException.Refused.class);
  }
}
