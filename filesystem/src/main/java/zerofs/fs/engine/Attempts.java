package zerofs.fs.engine;

import zerofs.base.Miss;
import zerofs.fs.Call;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.objectstore.StorageException;

/// Runs operations as memory-only attempts. On a miss the attempt has let go of every lock; if the
/// call may wait, what was missing is fetched and the attempt starts again from the beginning.
///
/// Every commit is made in an attempt, and every answer leaves by here: once no lock is held, the
/// redo records that the call owes go into the journal, and the answer waits until all that it may
/// show is whole there.
final class Attempts {
  private final Recorder recorder;
  private final Generations generations;

  Attempts(Recorder recorder, Generations generations) {
    this.recorder = recorder;
    this.generations = generations;
  }

  /// An attempt: answers, or throws Miss having changed nothing.
  @FunctionalInterface
  interface Attempt<T> {
    T run() throws FsException;
  }

  <T> T run(Call call, Attempt<T> attempt) throws FsException {
    while (true) {
      try {
        T answer = settled(call, attempt);
        recorder.awaitWhole(call.sequence());
        return answer;
      } catch (FsException e) {
        recorder.awaitWhole(generations.sequence()); // An error tells of what is there as well.
        throw e;
      } catch (Miss miss) {
        if (!call.mayWait()) {
          throw miss;
        }
        fetch(miss);
      }
    }
  }

  /// A place in the journal that was taken is filled whatever becomes of the attempt. What was
  /// fetched for it may go: it was used, or it was not enough.
  private static <T> T settled(Call call, Attempt<T> attempt) throws FsException {
    try {
      return attempt.run();
    } finally {
      try {
        call.letGo();
      } finally {
        call.settle();
      }
    }
  }

  private static void fetch(Miss miss) throws FsException {
    try {
      miss.fetch().run();
    } catch (FsException | RuntimeException e) {
      throw e;
    } catch (StorageException e) {
      throw Rows.failed(e);
    } catch (Exception e) {
      throw new FsException(FsError.IO, "a fetch failed: " + e.getMessage(), e);
    }
  }
}
