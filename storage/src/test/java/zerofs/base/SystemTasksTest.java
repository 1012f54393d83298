package zerofs.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;

class SystemTasksTest {
  private static final long SOON_NANOS = 100_000_000;

  private final Tasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final Tasks.SharedMutex mutex = tasks.newSharedMutex("shared");

  @Test
  void whoComesToShareWaitsBehindWhoWaitsForAllOfIt() {
    List<String> order = new CopyOnWriteArrayList<>();
    mutex.lockShared();
    Tasks.Task writer =
        tasks.fork(
            "writer",
            Tasks.Kind.COMPUTING,
            () -> {
              mutex.lockExclusive();
              order.add("writer");
              mutex.unlockExclusive();
            });
    tasks.sleep(SOON_NANOS);
    Tasks.Task reader =
        tasks.fork(
            "reader",
            Tasks.Kind.COMPUTING,
            () -> {
              mutex.lockShared();
              order.add("reader");
              mutex.unlockShared();
            });
    tasks.sleep(SOON_NANOS);
    assertThat(order).isEmpty();
    mutex.unlockShared();
    writer.join();
    reader.join();
    assertThat(order).containsExactly("writer", "reader");
  }

  @Test
  void sharersExcludeOneThatWantsItAllAndTheOtherWayRound() {
    mutex.lockShared();
    assertThat(mutex.tryLockShared()).isTrue();
    assertThat(mutex.tryLockExclusive()).isFalse();
    mutex.unlockShared();
    mutex.unlockShared();
    assertThat(mutex.tryLockExclusive()).isTrue();
    assertThat(mutex.tryLockShared()).isFalse();
    mutex.unlockExclusive();
    assertThatThrownBy(mutex::unlockShared).isInstanceOf(Checks.InvariantBroken.class);
    assertThatThrownBy(mutex::unlockExclusive).isInstanceOf(Checks.InvariantBroken.class);
  }
}
