package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@SuppressWarnings("NullAway.Init")
class FileObjectStoreTest extends ObjectStoreContract {
  @TempDir Path directory;

  @Override
  ObjectStore store() throws StorageException {
    return FileObjectStore.open(directory.resolve("store"), true);
  }

  @Test
  void aMissingDirectoryIsNamed() {
    assertThatThrownBy(() -> FileObjectStore.open(directory.resolve("none"), false))
        .isInstanceOf(StorageException.Refused.class)
        .hasMessageContaining("none");
  }
}
