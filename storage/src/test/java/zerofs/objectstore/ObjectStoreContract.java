package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.ObjectStore.Listed;
import zerofs.objectstore.ObjectStore.PutOutcome;

/// What every store must do.
abstract class ObjectStoreContract {
  static final Tasks ENDPOINT_TASKS =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });

  /// An empty store.
  abstract ObjectStore store() throws Exception;

  private static byte[] bytes(Fetched fetched) {
    byte[] bytes = new byte[fetched.bytes().remaining()];
    fetched.bytes().duplicate().get(bytes);
    return bytes;
  }

  private static byte[] numbers(int count) {
    byte[] numbers = new byte[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (byte) i;
    }
    return numbers;
  }

  @Test
  void rangesAndSuffixesAreClipped() throws Exception {
    try (ObjectStore store = store()) {
      byte[] all = numbers(100);
      Body body = new Body(List.of(ByteBuffer.wrap(all, 0, 60), ByteBuffer.wrap(all, 60, 40)));
      assertThat(store.put("a/b", body, Cause.ADMIN)).isEqualTo(PutOutcome.CREATED);
      Fetched middle = Objects.requireNonNull(store.get("a/b", 50, 20, Cause.ADMIN));
      assertThat(bytes(middle)).containsExactly(java.util.Arrays.copyOfRange(all, 50, 70));
      assertThat(middle.objectBytes()).isEqualTo(100);
      Fetched end = Objects.requireNonNull(store.get("a/b", 90, 50, Cause.ADMIN));
      assertThat(bytes(end)).containsExactly(java.util.Arrays.copyOfRange(all, 90, 100));
      Fetched suffix = Objects.requireNonNull(store.getSuffix("a/b", 7, Cause.ADMIN));
      assertThat(bytes(suffix)).containsExactly(java.util.Arrays.copyOfRange(all, 93, 100));
      assertThat(suffix.objectBytes()).isEqualTo(100);
      Fetched whole = Objects.requireNonNull(store.getSuffix("a/b", 1000, Cause.ADMIN));
      assertThat(bytes(whole)).containsExactly(all);
    }
  }

  @Test
  void onlyAMissingKeyIsAbsent() throws Exception {
    try (ObjectStore store = store()) {
      assertThat(store.get("no/such", 0, 10, Cause.ADMIN)).isNull();
      assertThat(store.getSuffix("no/such", 10, Cause.ADMIN)).isNull();
      store.delete("no/such", Cause.ADMIN);
    }
  }

  @Test
  void aKeyIsCreatedOnceAndNeverReplaced() throws Exception {
    try (ObjectStore store = store()) {
      assertThat(store.put("k/1", Body.of(numbers(5)), Cause.ADMIN)).isEqualTo(PutOutcome.CREATED);
      assertThat(store.put("k/1", Body.of(numbers(9)), Cause.ADMIN)).isEqualTo(PutOutcome.EXISTS);
      Fetched there = Objects.requireNonNull(store.get("k/1", 0, 100, Cause.ADMIN));
      assertThat(bytes(there)).hasSize(5);
      store.delete("k/1", Cause.ADMIN);
      assertThat(store.get("k/1", 0, 10, Cause.ADMIN)).isNull();
    }
  }

  @Test
  void ofConcurrentCreatorsOneWins() throws Exception {
    try (ObjectStore store = store()) {
      Tasks tasks =
          new SystemTasks(
              (name, e) -> {
                throw new AssertionError(name, e);
              });
      for (int round = 0; round < 10; round++) {
        String key = "race/" + round;
        AtomicInteger created = new AtomicInteger();
        List<Tasks.Task> running = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
          byte[] own = {(byte) i};
          running.add(
              tasks.fork(
                  "racer",
                  Tasks.Kind.COMPUTING,
                  () -> {
                    try {
                      if (store.put(key, Body.of(own), Cause.ADMIN) == PutOutcome.CREATED) {
                        created.incrementAndGet();
                      }
                    } catch (StorageException e) {
                      // Turned away while another was under way: not created.
                      tasks.yieldPoint();
                    }
                  }));
        }
        running.forEach(Tasks.Task::join);
        assertThat(created.get()).isEqualTo(1);
      }
    }
  }

  @Test
  void listsAreSortedBoundedAndStartAfterAKey() throws Exception {
    try (ObjectStore store = store()) {
      List<String> keys = List.of("a-b", "a/b", "a/c/d", "a0", "b/1", "b/2");
      for (String key : keys.reversed()) {
        store.put(key, Body.of(numbers(3)), Cause.ADMIN);
      }
      assertThat(store.list("", "", 1000, Cause.ADMIN))
          .extracting(Listed::key)
          .containsExactlyElementsOf(keys.stream().sorted().toList());
      assertThat(store.list("a/", "", 1000, Cause.ADMIN))
          .extracting(Listed::key)
          .containsExactly("a/b", "a/c/d");
      assertThat(store.list("", "a/b", 2, Cause.ADMIN))
          .containsExactly(new Listed("a/c/d", 3), new Listed("a0", 3));
    }
  }
}
