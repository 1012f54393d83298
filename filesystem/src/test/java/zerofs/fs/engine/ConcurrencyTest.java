package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// Several writers at once, beside flushes and compactions. Bounded by counts, not by time.
class ConcurrencyTest {
  private static final List<RenameMode> MODES =
      List.of(RenameMode.REPLACE, RenameMode.NOREPLACE, RenameMode.EXCHANGE);

  private static Call root() {
    return Call.waiting(Caller.ROOT);
  }

  /// Work that may fail as filesystem operations do.
  @FunctionalInterface
  private interface Work {
    void run() throws FsException;
  }

  private static Tasks.Task fork(VolumeFixture fixture, AtomicInteger failures, Work work) {
    return fixture.tasks.fork(
        "worker",
        Tasks.Kind.COMPUTING,
        () -> {
          try {
            work.run();
          } catch (FsException | RuntimeException e) {
            failures.incrementAndGet();
          }
        });
  }

  @Test
  void flushesBesideBarriersLoseNothing() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    fixture.flushObjects = 3;
    for (int round = 0; round < 6; round++) {
      Volume volume = fixture.open();
      AtomicInteger failures = new AtomicInteger();
      AtomicBoolean done = new AtomicBoolean();
      List<Tasks.Task> writers = new ArrayList<>();
      for (int writer = 0; writer < 3; writer++) {
        String prefix = "r" + round + "w" + writer + "-";
        writers.add(
            fork(
                fixture,
                failures,
                () -> {
                  for (int i = 0; i < 60; i++) {
                    Call call = root();
                    volume.create(
                        call, Filesystem.ROOT, Name.of(prefix + i), 0644, true, SetAttributes.NONE);
                    volume.barrier(call.sequence());
                  }
                }));
      }
      Tasks.Task flusher =
          fork(
              fixture,
              failures,
              () -> {
                while (!done.get()) {
                  volume.flush();
                }
              });
      writers.forEach(Tasks.Task::join);
      done.set(true);
      flusher.join();
      volume.abandon();
      assertThat(failures.get()).isZero();
    }
    Volume again = fixture.open();
    for (int round = 0; round < 6; round++) {
      for (int writer = 0; writer < 3; writer++) {
        for (int i = 0; i < 60; i++) {
          again.lookup(root(), Filesystem.ROOT, Name.of("r" + round + "w" + writer + "-" + i));
        }
      }
    }
    assertThat(again.statfs(root()).inodesUsed()).isEqualTo(1 + 6 * 3 * 60);
    again.close();
  }

  @Test
  void aReadNeverSeesHalfOfAWrite() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    fixture.sealNanos = 5_000_000;
    Volume volume = fixture.open();
    Attributes file =
        volume.create(root(), Filesystem.ROOT, Name.of("file"), 0644, true, SetAttributes.NONE);
    int bytes = 1 << 20;
    volume.write(root(), file.inode(), 777, ByteBuffer.wrap(new byte[bytes]));
    AtomicInteger failures = new AtomicInteger();
    AtomicInteger torn = new AtomicInteger();
    List<Tasks.Task> running = new ArrayList<>();
    for (int writer = 0; writer < 2; writer++) {
      byte first = (byte) (1 + writer * 100);
      running.add(
          fork(
              fixture,
              failures,
              () -> {
                for (int i = 0; i < 150; i++) {
                  byte[] pattern = new byte[bytes];
                  Arrays.fill(pattern, (byte) (first + i % 100));
                  volume.write(root(), file.inode(), 777, ByteBuffer.wrap(pattern));
                }
              }));
    }
    for (int reader = 0; reader < 2; reader++) {
      running.add(
          fork(
              fixture,
              failures,
              () -> {
                ByteBuffer target = ByteBuffer.allocate(bytes);
                for (int i = 0; i < 300; i++) {
                  volume.read(root(), file.inode(), 777, target.clear());
                  byte[] got = target.array();
                  if (Arrays.mismatch(got, 0, bytes - 1, got, 1, bytes) >= 0) {
                    torn.incrementAndGet();
                  }
                }
              }));
    }
    running.forEach(Tasks.Task::join);
    assertThat(failures.get()).isZero();
    assertThat(torn.get()).isZero();
    volume.close();
  }

  @Test
  void racingRenamesLeaveATree() throws Exception {
    VolumeFixture fixture = new VolumeFixture();
    Volume volume = fixture.open();
    List<Long> directories = new ArrayList<>(List.of(Filesystem.ROOT));
    for (int i = 0; i < 6; i++) {
      directories.add(
          volume
              .mkdir(root(), directories.get(i / 2), Name.of("d" + i), 0755, SetAttributes.NONE)
              .inode());
    }
    AtomicInteger failures = new AtomicInteger();
    List<Tasks.Task> running = new ArrayList<>();
    for (int worker = 0; worker < 8; worker++) {
      long seed = worker;
      running.add(
          fork(
              fixture,
              failures,
              () -> {
                Random random = new Random(seed);
                for (int i = 0; i < 400; i++) {
                  long from = directories.get(random.nextInt(7));
                  long to = directories.get(random.nextInt(7));
                  RenameMode mode = MODES.get(random.nextInt(MODES.size()));
                  Name name = Name.of("d" + random.nextInt(6));
                  try {
                    volume.rename(root(), from, name, to, Name.of("d" + random.nextInt(6)), mode);
                  } catch (FsException e) {
                    // Most names are not where this one looks.
                    fixture.tasks.yieldPoint();
                  }
                }
              }));
    }
    running.forEach(Tasks.Task::join);
    assertThat(failures.get()).isZero();
    int[] found = {0};
    walk(volume, Filesystem.ROOT, Filesystem.ROOT, found);
    assertThat(volume.statfs(root()).inodesUsed()).isEqualTo(found[0]);
    volume.close();
  }

  /// Counts directories, and checks parents and link counts on the way.
  private static void walk(Volume volume, long directory, long parent, int[] found)
      throws FsException {
    found[0]++;
    assertThat(found[0]).as("directories reached, so no cycle").isLessThan(100);
    Attributes attributes = volume.getattr(root(), directory);
    assertThat(attributes.parent()).isEqualTo(parent);
    List<Long> children = new ArrayList<>();
    volume.readdir(root(), directory, 2, (cookie, name, inode, type, entry) -> children.add(inode));
    assertThat(attributes.nlink()).isEqualTo(2 + children.size());
    for (long child : children) {
      walk(volume, child, directory, found);
    }
  }
}
