package zerofs.simulation;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem;
import zerofs.fs.Filesystem.RenameMode;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// Many tasks that make, move and remove the same few names at once.
final class Races {
  /// What no race explains.
  private static final Set<FsError> FAILURES =
      Set.of(FsError.IO, FsError.UNAVAILABLE, FsError.CLOSED);

  private static final int NAMES = 5;
  private static final int DIRECTORIES_MAX = 12;
  private static final RenameMode[] MODES = RenameMode.values();

  private final Filesystem fs;
  private final Tasks tasks;
  private final AtomicLong successes = new AtomicLong();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  Races(Filesystem fs, Tasks tasks) {
    this.fs = fs;
    this.tasks = tasks;
  }

  /// Runs them to their end.
  ///
  /// @return operations that succeeded
  long run(int threads, int operationsEach, long seed) {
    List<Tasks.Task> running = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      long own = seed * 1000 + i;
      running.add(
          tasks.fork("racer", Tasks.Kind.COMPUTING, () -> race(new Random(own), operationsEach)));
    }
    running.forEach(Tasks.Task::join);
    Throwable failed = failure.get();
    if (failed != null) {
      throw new IllegalStateException("seed " + seed + ": a racer failed", failed);
    }
    return successes.get();
  }

  private void race(Random random, int operations) {
    try {
      for (int i = 0; i < operations && failure.get() == null; i++) {
        try {
          step(random);
          successes.incrementAndGet();
        } catch (FsException e) {
          if (FAILURES.contains(e.error())) {
            throw e;
          }
          tasks.yieldPoint(); // Somebody else was faster.
        }
      }
    } catch (FsException | RuntimeException e) {
      failure.compareAndSet(null, e);
    }
  }

  private static Call call() {
    return Call.waiting(Caller.ROOT);
  }

  private static Name name(Random random) {
    return Name.of("n" + random.nextInt(NAMES));
  }

  /// A directory found by going down a few steps.
  private long directory(Random random) throws FsException {
    long at = Filesystem.ROOT;
    for (int depth = random.nextInt(4); depth > 0; depth--) {
      try {
        Attributes child = fs.lookup(call(), at, name(random));
        if (child.type() != FileType.DIRECTORY) {
          return at;
        }
        at = child.inode();
      } catch (FsException e) {
        if (e.error() != FsError.NOT_FOUND) {
          throw e;
        }
        return at;
      }
    }
    return at;
  }

  private void step(Random random) throws FsException {
    long directory = directory(random);
    Name name = name(random);
    switch (random.nextInt(12)) {
      case 0, 1 -> {
        Attributes file =
            fs.create(call(), directory, name, 0644, random.nextBoolean(), SetAttributes.NONE);
        fs.write(call(), file.inode(), random.nextInt(100_000), ByteBuffer.allocate(5000));
      }
      case 2 -> {
        if (random.nextInt(DIRECTORIES_MAX) < 6) {
          fs.mkdir(call(), directory, name, 0755, SetAttributes.NONE);
        }
      }
      case 3 -> fs.symlink(call(), directory, name, new byte[] {'x'}, SetAttributes.NONE);
      case 4, 5 -> fs.unlink(call(), directory, name);
      case 6 -> fs.rmdir(call(), directory, name);
      case 7 -> {
        Attributes file = fs.lookup(call(), directory, name);
        fs.link(call(), file.inode(), directory(random), name(random));
      }
      case 8 -> {
        Attributes file = fs.lookup(call(), directory, name);
        fs.setattr(call(), file.inode(), SetAttributes.ofSize(random.nextInt(200_000)));
      }
      default ->
          fs.rename(
              call(),
              directory,
              name,
              directory(random),
              name(random),
              MODES[random.nextInt(MODES.length)]);
    }
  }
}
