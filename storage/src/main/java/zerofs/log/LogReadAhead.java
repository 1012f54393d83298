package zerofs.log;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Reads log objects of one epoch in parallel, hands them out in order. An absence that has
/// meanwhile been filled does no harm: the fence is refused then, and the position read again. One
/// task.
final class LogReadAhead {
  private final Tasks tasks;
  private final LogReader reader;
  private final int epoch;
  private final long end;
  private final int widthMax;
  private final List<Pending> pending = new ArrayList<>();
  private long next;
  private int width = 1;

  private static final class Pending {
    private Tasks.@Nullable Task task;
    private LogFormat.@Nullable LogObject object;
    private @Nullable StorageException failure;
    private @Nullable RuntimeException bug;
  }

  /// @param end position before which it stops
  /// @param widthMax objects that are read at a time
  LogReadAhead(Tasks tasks, LogReader reader, int epoch, long from, long end, int widthMax) {
    this.tasks = tasks;
    this.reader = reader;
    this.epoch = epoch;
    this.end = end;
    this.next = from;
    this.widthMax = widthMax;
  }

  /// The object at the next position; null when there is none.
  LogFormat.@Nullable LogObject take() throws StorageException {
    while (pending.size() < width && next < end) {
      start(next++);
    }
    Pending first = pending.removeFirst();
    Tasks.Task task = first.task;
    if (task != null) {
      task.join();
    }
    if (first.failure != null) {
      throw first.failure;
    }
    if (first.bug != null) {
      throw first.bug; // It must not look like an absent object.
    }
    // A short log costs few requests too many, a long one is read `widthMax` at a time.
    width = Math.min(widthMax, 2 * width);
    return first.object;
  }

  private void start(long position) {
    Pending read = new Pending();
    pending.add(read);
    read.task =
        tasks.fork(
            "read log " + position,
            Tasks.Kind.WAITING,
            () -> {
              try {
                read.object = reader.read(epoch, position, Cause.RECOVERY);
              } catch (StorageException e) {
                read.failure = e;
              } catch (RuntimeException e) {
                read.bug = e;
              }
            });
  }
}
