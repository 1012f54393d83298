package zerofs.fs.page;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;

class SlabTest {
  @Test
  void piecesNeverOverlapAndAllMemoryComesBack() {
    SystemTasks tasks =
        new SystemTasks(
            (name, e) -> {
              throw new AssertionError(name, e);
            });
    Slab slab = new Slab(20 * Slab.BLOCK_BYTES, SlabMemory.direct(), tasks);
    Random random = new Random(3);
    Map<Integer, Byte> live = new HashMap<>();
    for (int step = 0; step < 50_000; step++) {
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
    assertThat(slab.availableBlocks()).isEqualTo(20);
  }

  private static void fill(ByteBuffer view, byte mark) {
    for (int i = 0; i < view.capacity(); i++) {
      view.put(i, mark);
    }
  }
}
