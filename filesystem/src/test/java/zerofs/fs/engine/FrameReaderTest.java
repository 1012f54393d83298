package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import zerofs.base.SimulatedTasks;
import zerofs.base.Tasks;
import zerofs.codec.FrameCodec;
import zerofs.codec.Keys;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;
import zerofs.fs.extent.FrameRef;
import zerofs.objectstore.LatencyObjectStore;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.SharedReads;

class FrameReaderTest {
  private static final long LATENCY_NANOS = 50_000_000L;
  private static final ObjectId OBJECT = new ObjectId(ObjectId.Kind.LOG, 1, 1);

  private final SimulatedTasks tasks = new SimulatedTasks(5);
  private final FrameReader reader;

  FrameReaderTest() {
    MemoryObjectStore memory = new MemoryObjectStore();
    memory.put(OBJECT.key(), ObjectStore.Body.of(new byte[1 << 20]), Cause.ADMIN);
    FrameCodec codec = new SealedFrameCodec(new Keys(new byte[32], new byte[16]));
    SharedReads reads =
        new SharedReads(new LatencyObjectStore(memory, tasks, LATENCY_NANOS), tasks, 4 << 20);
    EpochKeys keys = new EpochKeys(codec, epoch -> new byte[16]);
    reader = new FrameReader(reads, codec, keys, tasks, 100_000);
  }

  private FrameReader.Runs read(int offset, int bytes) {
    return reader.read(List.of(new FrameRef(OBJECT, 0, offset, bytes)), true);
  }

  /// There is room for what the last one wants all the time; but one who wants more came before.
  @Test
  void whoComesLaterDoesNotGoBeforeWhoWantsMore() {
    List<String> order = new ArrayList<>();
    tasks.run(
        () -> {
          FrameReader.Runs held = read(0, 60_000);
          List<Tasks.Task> readers = new ArrayList<>();
          for (int bytes : List.of(90_000, 30_000, 30_000)) {
            readers.add(
                tasks.fork(
                    "reader",
                    Tasks.Kind.WAITING,
                    () -> {
                      try (FrameReader.Runs _ = read(200_000, bytes)) {
                        order.add("read " + bytes);
                      }
                    }));
            tasks.sleep(1);
          }
          tasks.sleep(10 * LATENCY_NANOS);
          assertThat(order).isEmpty();
          held.close();
          readers.forEach(Tasks.Task::join);
        });
    assertThat(order).containsExactly("read 90000", "read 30000", "read 30000");
  }
}
