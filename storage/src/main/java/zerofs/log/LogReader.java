package zerofs.log;

import org.jspecify.annotations.Nullable;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// Reads log objects by exact key: one suffix GET brings footer, directory and delta of most.
final class LogReader {
  private static final int SUFFIX_BYTES = 256 << 10;

  private final ObjectStore store;
  private final LogFormat format;

  LogReader(ObjectStore store, LogFormat format) {
    this.store = store;
    this.format = format;
  }

  /// The object at a position, or null: only "no such key" is absence.
  LogFormat.@Nullable LogObject read(int epoch, long position, Cause cause)
      throws StorageException {
    String key = LogFormat.key(epoch, position);
    ObjectStore.Fetched suffix = store.getSuffix(key, SUFFIX_BYTES, cause);
    return suffix == null
        ? null
        : format.decode(
            epoch, position, suffix, (offset, length) -> store.get(key, offset, length, cause));
  }
}
