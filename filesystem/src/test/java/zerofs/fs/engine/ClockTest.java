package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static zerofs.fs.engine.SimulatedFixture.root;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Filesystem;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// The wall clock jumps by years while a volume is served. Timestamps jump with it; nothing else
/// may: no wait, no order, no counter goes by it.
class ClockTest {
  private static final long YEAR_SECONDS = 365L * 24 * 60 * 60;

  /// Real tasks, whose wall clock stands where it is put.
  private static final class Jumping implements Tasks {
    private final Tasks tasks =
        new SystemTasks(
            (name, e) -> {
              throw new AssertionError(name, e);
            });
    private volatile long wallSeconds;

    @Override
    public long nanoTime() {
      return tasks.nanoTime();
    }

    @Override
    public long wallNanos() {
      return wallSeconds * 1_000_000_000L + 1;
    }

    @Override
    public Task fork(String name, Kind kind, Runnable body) {
      return tasks.fork(name, kind, body);
    }

    @Override
    public void sleep(long nanos) {
      tasks.sleep(nanos);
    }

    @Override
    public void yieldPoint() {
      tasks.yieldPoint();
    }

    @Override
    public Mutex newMutex(String name) {
      return tasks.newMutex(name);
    }

    @Override
    public SharedMutex newSharedMutex(String name) {
      return tasks.newSharedMutex(name);
    }

    @Override
    public SharedMutex newGate(String name) {
      return tasks.newGate(name);
    }

    @Override
    public int stripes() {
      return tasks.stripes();
    }

    @Override
    public int stripe() {
      return tasks.stripe();
    }
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void nothingButTimestampsGoesByTheWallClock() throws Exception {
    Jumping clock = new Jumping();
    VolumeFixture fixture = new VolumeFixture(null, clock);
    fixture.sealNanos = 20_000_000L;
    fixture.flushObjects = 3;
    Volume volume = fixture.open();
    long change = volume.getattr(root(), Filesystem.ROOT).change();
    List<Long> cookies = new ArrayList<>();
    int number = 0;
    for (long years : new long[] {56, 26, 90, 0, -60, 200, 56}) {
      clock.wallSeconds = years * YEAR_SECONDS;
      Name name = Name.of("file" + number++);
      SetAttributes none = SetAttributes.NONE;
      Attributes made = volume.create(root(), Filesystem.ROOT, name, 0644, true, none);
      assertThat(made.mtimeSeconds()).isEqualTo(clock.wallSeconds);
      assertThat(made.mtimeNanos()).isEqualTo(1);
      Attributes written =
          volume.write(root(), made.inode(), 0, ByteBuffer.wrap(new byte[] {(byte) number}));
      assertThat(written.change()).isGreaterThan(made.change());
      long changed = volume.getattr(root(), Filesystem.ROOT).change();
      assertThat(changed).isGreaterThan(change);
      change = changed;
      // The timer stores it, whatever the wall clock says.
      while (volume.storedSequence() < volume.committedSequence()) {
        clock.sleep(1_000_000L);
      }
      cookies.clear();
      volume.readdir(
          root(),
          Filesystem.ROOT,
          2,
          (cookie, entry, inode, type, attributes) -> cookies.add(cookie));
      assertThat(cookies).hasSize(number).isSorted().doesNotHaveDuplicates();
    }
    volume.close();
    clock.wallSeconds = 10 * YEAR_SECONDS; // Before the epoch that it follows.
    Volume again = fixture.open();
    for (int i = 0; i < number; i++) {
      long inode = again.lookup(root(), Filesystem.ROOT, Name.of("file" + i)).inode();
      ByteBuffer bytes = ByteBuffer.allocate(1);
      again.read(root(), inode, 0, bytes);
      assertThat(bytes.get(0)).isEqualTo((byte) (i + 1));
    }
    again.close();
  }
}
