package zerofs.fs.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;

class DrainMemoryTest {
  private static final int BYTES = 1000;

  @Test
  void stretchesNeverOverlapAndWaitersGetTheirs() {
    for (long seed = 1; seed <= 50; seed++) {
      SimulatedTasks simulation = new SimulatedTasks(seed);
      DrainMemory drain = new DrainMemory(ByteBuffer.allocateDirect(BYTES), simulation);
      Random random = new Random(seed);
      List<Integer> done = new ArrayList<>();
      simulation.run(
          () -> {
            List<Tasks.Task> tasks = new ArrayList<>();
            for (int i = 0; i < 40; i++) {
              int bytes = random.nextInt(i % 5 == 0 ? BYTES + 1 : BYTES / 3);
              byte mark = (byte) i;
              tasks.add(
                  simulation.fork(
                      "lease",
                      Tasks.Kind.WAITING,
                      () -> {
                        use(simulation, drain, bytes, mark);
                        done.add((int) mark);
                      }));
            }
            tasks.forEach(Tasks.Task::join);
          });
      assertThat(done).hasSize(40);
    }
  }

  private static void use(SimulatedTasks simulation, DrainMemory drain, int bytes, byte mark) {
    try (DrainMemory.Lease lease = drain.lease(bytes)) {
      ByteBuffer mine = lease.slice(0, bytes);
      for (int at = 0; at < bytes; at++) {
        mine.put(at, mark);
      }
      int kept = bytes / (1 + mark % 3);
      lease.shrink(kept);
      simulation.sleep(1 + bytes);
      for (int at = 0; at < kept; at++) {
        assertThat(mine.get(at)).isEqualTo(mark);
      }
    }
  }

  @Test
  void aFullRingIsNotAnEmptyOne() {
    SimulatedTasks simulation = new SimulatedTasks(1);
    DrainMemory drain = new DrainMemory(ByteBuffer.allocateDirect(BYTES), simulation);
    simulation.run(
        () -> {
          DrainMemory.Lease oldest = drain.lease(400);
          assertThat(drain.tryLease(600)).isNotNull();
          assertThat(drain.tryLease(1)).isNull();
          oldest.close();
          assertThat(drain.tryLease(400)).isNull(); // To the last byte.
          assertThat(drain.tryLease(399)).isNotNull();
          assertThat(drain.tryLease(1)).isNull();
        });
  }

  @Test
  void whatIsLargerThanTheRingIsRefused() {
    DrainMemory drain = new DrainMemory(ByteBuffer.allocateDirect(BYTES), new SimulatedTasks(1));
    assertThatThrownBy(() -> drain.lease(BYTES + 1)).hasMessageContaining("larger than the drain");
  }
}
