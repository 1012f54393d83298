package zerofs.fs.engine;

import zerofs.base.Miss;
import zerofs.fs.Call;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.objectstore.StorageException;

/// Runs operations as memory-only attempts. On a miss the attempt has let go of every lock; if the
/// call may wait, what was missing is fetched and the attempt starts again from the beginning.
final class Attempts {
  private Attempts() {}

  /// An attempt: answers, or throws Miss having changed nothing.
  @FunctionalInterface
  interface Attempt<T> {
    T run() throws FsException;
  }

  static <T> T run(Call call, Attempt<T> attempt) throws FsException {
    while (true) {
      try {
        return attempt.run();
      } catch (Miss miss) {
        if (!call.mayWait()) {
          throw miss;
        }
        fetch(miss);
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
