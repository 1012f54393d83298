package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.base.SimulatedTasks;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.PutOutcome;

/// A directory on a disk that is full.
@SuppressWarnings("NullAway.Init")
class FullDiskTest {
  private static final int BALLAST = 1 << 20;
  private static final long LARGE = 1L << 40;

  @TempDir Path directory;

  private final SimulatedTasks simulation = new SimulatedTasks(1);

  /// Work that may fail as a store does.
  @FunctionalInterface
  private interface Story {
    void run(SmallDisk disk) throws Exception;
  }

  private void simulate(long total, Story story) {
    SmallDisk disk = new SmallDisk(directory, total);
    simulation.run(
        () -> {
          try {
            story.run(disk);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        });
  }

  private ObjectStore open(SmallDisk disk) throws StorageException {
    return FileObjectStore.open(directory, true, BALLAST, simulation, disk);
  }

  private static PutOutcome put(ObjectStore store, String key, int bytes) throws StorageException {
    return store.put(key, Body.of(new byte[bytes]), Cause.ADMIN);
  }

  private List<String> temporaries() throws Exception {
    try (Stream<Path> files = Files.list(directory.resolve(".tmp"))) {
      return files.map(each -> each.getFileName().toString()).toList();
    }
  }

  @Test
  void theBallastMakesRoomUntilThereIsSomeAgain() {
    simulate(
        LARGE,
        disk -> {
          try (ObjectStore store = open(disk)) {
            assertThat(temporaries()).containsExactly("ballast");
            assertThat(store.shortage()).isNull();
            disk.leave(100);
            assertThat(put(store, "a/1", 1000)).isEqualTo(PutOutcome.CREATED);
            assertThat(store.shortage()).contains("is full", "free some space");
            assertThat(temporaries()).isEmpty();
            disk.leave(2 * BALLAST - 1);
            simulation.sleep(5_000_000_000L);
            assertThat(store.shortage()).as("room for the ballast alone").isNotNull();
            disk.leave(LARGE / 2);
            simulation.sleep(5_000_000_000L);
            assertThat(store.shortage()).isNull();
            assertThat(temporaries()).containsExactly("ballast");
            assertThat(Files.size(directory.resolve(".tmp/ballast"))).isEqualTo(BALLAST);
          }
        });
  }

  @Test
  void aDiskThatIsFullAllTheSameRefusesAndLeavesNothingBehind() {
    simulate(
        LARGE,
        disk -> {
          try (ObjectStore store = open(disk)) {
            disk.leave(0);
            assertThatThrownBy(() -> put(store, "a/1", 2 * BALLAST))
                .isInstanceOf(StorageException.Refused.class)
                .hasMessageContaining("is full: free some space");
            assertThat(temporaries()).isEmpty();
            assertThat(store.get("a/1", 0, 1, Cause.ADMIN)).isNull();
            disk.leave(LARGE / 2);
            assertThat(put(store, "a/1", 2 * BALLAST)).isEqualTo(PutOutcome.CREATED);
          }
        });
  }

  @Test
  void aStartOnAFullDiskIsShortOfSpaceFromTheStart() {
    simulate(
        LARGE,
        disk -> {
          disk.leave(0);
          try (ObjectStore store = open(disk)) {
            assertThat(store.shortage()).isNotNull();
            assertThat(temporaries()).isEmpty();
          }
        });
  }

  @Test
  void ofASmallDiskLittleIsSetAside() {
    simulate(
        4 * BALLAST,
        disk -> {
          try (ObjectStore store = open(disk)) {
            assertThat(store.shortage()).isNull();
            assertThat(Files.size(directory.resolve(".tmp/ballast"))).isEqualTo(BALLAST / 4);
          }
        });
  }
}
