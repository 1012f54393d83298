package zerofs.base;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The gate under real threads. Everything it guards here is plain memory.
class SystemGateTest {
  private static final int SHARED_TASKS = 6;
  private static final int SHARED_ROUNDS = 100_000;
  private static final int EXCLUSIVE_TASKS = 2;
  private static final int EXCLUSIVE_ROUNDS = 2_000;

  private final Queue<Throwable> escaped = new ConcurrentLinkedQueue<>();
  private final SystemTasks tasks = new SystemTasks((name, e) -> escaped.add(e));
  private final Tasks.SharedMutex gate = tasks.newGate("gate");

  /// What each of the shared holders did: it changes both numbers, one after the other.
  private final int[] begun = new int[SHARED_TASKS];

  private final int[] ended = new int[SHARED_TASKS];

  /// What exclusive holders did, likewise.
  private int left;

  private int right;

  @ParameterizedTest
  @EnumSource(Tasks.Kind.class)
  void exclusiveHoldersSeeWholeOperationsAndShowThem(Tasks.Kind kind) {
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < SHARED_TASKS; i++) {
      int self = i;
      running.add(tasks.fork("shared", kind, () -> enterShared(self)));
    }
    for (int i = 0; i < EXCLUSIVE_TASKS; i++) {
      running.add(tasks.fork("exclusive", kind, this::enterExclusively));
    }
    running.forEach(Tasks.Task::join);
    assertThat(escaped).isEmpty();
    assertThat(left).isEqualTo(EXCLUSIVE_TASKS * EXCLUSIVE_ROUNDS);
    assertThat(begun).containsOnly(SHARED_ROUNDS);
  }

  private void enterShared(int self) {
    for (int round = 0; round < SHARED_ROUNDS; round++) {
      gate.lockShared();
      begun[self]++;
      Checks.invariant(left == right, "a shared holder sees half of an exclusive one");
      ended[self]++;
      gate.unlockShared();
    }
  }

  private void enterExclusively() {
    for (int round = 0; round < EXCLUSIVE_ROUNDS; round++) {
      gate.lockExclusive();
      left++;
      for (int i = 0; i < SHARED_TASKS; i++) {
        Checks.invariant(begun[i] == ended[i], "an exclusive holder sees half of a shared one");
      }
      right++;
      gate.unlockExclusive();
    }
  }

  @Test
  void exclusiveHoldersDoNotStarve() {
    AtomicBoolean enough = new AtomicBoolean();
    AtomicInteger inside = new AtomicInteger();
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < SHARED_TASKS; i++) {
      running.add(
          tasks.fork(
              "shared",
              Tasks.Kind.COMPUTING,
              () -> {
                while (!enough.get()) {
                  gate.lockShared();
                  inside.incrementAndGet();
                  inside.decrementAndGet();
                  gate.unlockShared();
                }
              }));
    }
    // Ends only because it gets in, though shared holders never pause.
    for (int round = 0; round < EXCLUSIVE_ROUNDS; round++) {
      gate.lockExclusive();
      assertThat(inside.get()).isZero();
      gate.unlockExclusive();
    }
    enough.set(true);
    running.forEach(Tasks.Task::join);
    assertThat(escaped).isEmpty();
  }

  @Test
  void triesAnswerAtOnce() {
    gate.lockShared();
    assertThat(gate.tryLockExclusive()).isFalse();
    assertThat(gate.tryLockShared()).isTrue();
    gate.unlockShared();
    gate.unlockShared();
    assertThat(gate.tryLockExclusive()).isTrue();
    assertThat(gate.tryLockShared()).isFalse();
    assertThat(gate.tryLockExclusive()).isFalse();
    gate.unlockExclusive();
    gate.lockShared();
    gate.unlockShared();
  }

  @Test
  void whatIsNotHeldIsNotLetGo() {
    assertThatThrownBy(gate::unlockShared).isInstanceOf(Checks.InvariantBroken.class);
    assertThatThrownBy(gate::unlockExclusive).isInstanceOf(Checks.InvariantBroken.class);
    gate.lockExclusive();
    assertThatThrownBy(gate::lockExclusive).isInstanceOf(Checks.InvariantBroken.class);
    gate.unlockExclusive();
  }
}
