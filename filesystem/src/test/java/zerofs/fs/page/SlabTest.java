package zerofs.fs.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;

class SlabTest {
  private final Queue<Throwable> escaped = new ConcurrentLinkedQueue<>();
  private final SystemTasks tasks = new SystemTasks((name, e) -> escaped.add(e));
  private final Slab slab = new Slab(20 * Slab.BLOCK_BYTES, SlabMemory.direct(), tasks);

  @Test
  void piecesNeverOverlapAndAllMemoryComesBack() {
    useMemory(3, 50_000);
    assertThat(slab.availableBlocks()).isEqualTo(20);
  }

  /// A reservation that was granted is never short of a block, whoever else reserves.
  @Test
  void threadsShareIt() {
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      int seed = i;
      running.add(tasks.fork("user", Tasks.Kind.COMPUTING, () -> useMemory(seed, 10_000)));
    }
    running.forEach(Tasks.Task::join);
    assertThat(escaped).isEmpty();
    assertThat(slab.availableBlocks()).isEqualTo(20);
  }

  private void useMemory(int seed, int steps) {
    Random random = new Random(seed);
    Map<Integer, Byte> live = new HashMap<>();
    for (int step = 0; step < steps; step++) {
      if (random.nextBoolean()) {
        try (Reservation reservation = Reservation.tryReserve(slab, 1)) {
          if (reservation != null) {
            int address = reservation.allocate(1 << random.nextInt(16));
            byte mark = (byte) random.nextInt();
            fill(slab.view(address), mark);
            assertThat(live.put(address, mark)).isNull();
          }
        }
      } else if (!live.isEmpty()) {
        int address =
            live.keySet().stream().skip(random.nextInt(live.size())).findFirst().orElseThrow();
        byte mark = Objects.requireNonNull(live.remove(address));
        ByteBuffer view = slab.view(address);
        assertThat(view.get(0)).isEqualTo(mark);
        assertThat(view.get(view.capacity() - 1)).isEqualTo(mark);
        slab.free(address);
      }
    }
    live.keySet().forEach(slab::free);
  }

  private static void fill(ByteBuffer view, byte mark) {
    for (int i = 0; i < view.capacity(); i++) {
      view.put(i, mark);
    }
  }
}
