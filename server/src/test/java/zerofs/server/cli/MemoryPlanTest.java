package zerofs.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every share of every budget is as large as it should be.
class MemoryPlanTest {
  private static final long MIB = 1 << 20;

  @ParameterizedTest
  @ValueSource(longs = {256, 512, 1024, 4096, 8192, 9 << 10, 16 << 10, 17 << 10, 64 << 10, 1 << 20})
  void sharesGrowWithTheBudget(long mib) {
    long budget = mib * MIB;
    MemoryPlan plan = MemoryPlan.of(budget);
    long beyondJvm = budget - 96 * MIB;
    assertThat(plan.slab()).isBetween(budget / 4, budget * 17 / 32);
    assertThat(plan.blocks()).isBetween(beyondJvm * 3 / 100, beyondJvm * 4 / 100);
    assertThat(plan.wire()).isBetween(beyondJvm / 32, beyondJvm / 28);
    assertThat(plan.cacheWaiting()).isEqualTo(plan.wire());
    assertThat(plan.cacheIndex()).isBetween(beyondJvm / 64, beyondJvm / 56);
    assertThat(plan.flush()).isBetween(2 * MIB, 16 * MIB);
    assertThat(plan.inodes()).isBetween(4096, 1 << 20);
  }
}
