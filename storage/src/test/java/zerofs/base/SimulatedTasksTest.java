package zerofs.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class SimulatedTasksTest {
  /// With a writer waiting between, the real lock would never give it the second time.
  @Test
  void aSharedLockThatIsTakenTwiceIsFoundOut() {
    SimulatedTasks tasks = new SimulatedTasks(1);
    assertThatThrownBy(
            () ->
                tasks.run(
                    () -> {
                      Tasks.SharedMutex lock = tasks.newSharedMutex("lock");
                      lock.lockShared();
                      tasks.fork("writer", Tasks.Kind.WAITING, lock::lockExclusive);
                      tasks.sleep(1_000);
                      lock.lockShared();
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("nobody can run");
  }

  /// They meet in no history of one task; in one of two some day.
  @Test
  void locksThatAreTakenInBothOrdersAreFoundOut() {
    SimulatedTasks tasks = new SimulatedTasks(1);
    assertThatThrownBy(
            () ->
                tasks.run(
                    () -> {
                      Tasks.Mutex first = tasks.newMutex("first");
                      Tasks.SharedMutex second = tasks.newSharedMutex("second");
                      Tasks.Mutex third = tasks.newMutex("third");
                      first.lock();
                      second.lockShared();
                      first.unlock();
                      third.lock();
                      second.unlockShared();
                      assertThat(tasks.heldLocks()).containsExactly("third");
                      first.lock();
                    }))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("lock 'first' is taken while 'third' is held");
  }

  @Test
  void aWaitThatRunsOutSaysSoAndLeavesTheSignal() {
    SimulatedTasks tasks = new SimulatedTasks(1);
    tasks.run(
        () -> {
          Tasks.Mutex mutex = tasks.newMutex("mutex");
          Tasks.Signal signal = mutex.newSignal();
          mutex.lock();
          long start = tasks.nanoTime();
          assertThat(signal.await(5_000)).isFalse();
          assertThat(tasks.nanoTime() - start).isEqualTo(5_000);
          tasks.fork(
              "signaller",
              Tasks.Kind.WAITING,
              () -> {
                mutex.lock();
                signal.signalAll();
                mutex.unlock();
              });
          assertThat(signal.await(1_000_000)).isTrue();
          assertThat(tasks.nanoTime() - start).isEqualTo(5_000);
          mutex.unlock();
        });
  }
}
