package zerofs.base;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class StripedBudgetTest {
  private static final int PERMITS = 20;

  @Test
  void whatAStripeKeepsAnybodyCanHave() {
    SimulatedTasks tasks = new SimulatedTasks(1);
    tasks.run(
        () -> {
          StripedBudget budget = new StripedBudget(PERMITS, tasks);
          List<Tasks.Task> givers = new ArrayList<>();
          for (int i = 0; i < tasks.stripes(); i++) {
            givers.add(
                tasks.fork(
                    "giver",
                    Tasks.Kind.WAITING,
                    () -> {
                      Checks.invariant(budget.tryTake(4), "there are enough");
                      budget.give(4);
                    }));
          }
          givers.forEach(Tasks.Task::join);
          assertThat(budget.shared()).isEqualTo(PERMITS - 4L * tasks.stripes());
          assertThat(budget.left()).isEqualTo(PERMITS);
          assertThat(budget.tryTake(PERMITS + 1)).isFalse();
          assertThat(budget.tryTake(PERMITS)).isTrue();
          assertThat(budget.tryTake(1)).isFalse();
          budget.give(PERMITS);
          assertThat(budget.left()).isEqualTo(PERMITS);
        });
  }

  @Test
  void noMoreAreTakenThanThereAreAndNoneIsLost() {
    Queue<Throwable> escaped = new ConcurrentLinkedQueue<>();
    SystemTasks tasks = new SystemTasks((name, e) -> escaped.add(e));
    StripedBudget budget = new StripedBudget(PERMITS, tasks);
    AtomicInteger taken = new AtomicInteger();
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      int seed = i;
      running.add(
          tasks.fork(
              "taker", Tasks.Kind.COMPUTING, () -> takeAndGive(budget, taken, 200_000, seed)));
    }
    running.forEach(Tasks.Task::join);
    assertThat(escaped).isEmpty();
    assertThat(budget.left()).isEqualTo(PERMITS);
    budget.gather();
    assertThat(budget.shared()).isEqualTo(PERMITS);
  }

  private static void takeAndGive(StripedBudget budget, AtomicInteger taken, int rounds, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round < rounds; round++) {
      int count = random.nextInt(12);
      if (budget.tryTake(count)) {
        int now = taken.addAndGet(count);
        Checks.invariant(now <= PERMITS, now + " are taken");
        taken.addAndGet(-count);
        budget.give(count);
      }
    }
  }
}
