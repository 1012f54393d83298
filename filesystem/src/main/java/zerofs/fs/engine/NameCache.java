package zerofs.fs.engine;

import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Name;
import zerofs.fs.row.DirectoryEntry;

/// Names of one directory that were looked up or changed lately, absent ones included. Filled under
/// the directory's shared lock and changed under its exclusive one, so it never disagrees with the
/// rows. Bounded: it starts anew when it is full.
final class NameCache {
  /// Enough for the names a build or an untar works on; about 100 bytes of heap each.
  private static final int NAMES_MAX = 4096;

  /// Says that a name does not exist.
  static final DirectoryEntry ABSENT =
      new DirectoryEntry(0, zerofs.fs.FileType.FIFO, 0, Name.of(new byte[0]));

  private final ConcurrentHashMap<Name, DirectoryEntry> names = new ConcurrentHashMap<>();

  @Nullable DirectoryEntry get(Name name) {
    return names.get(name);
  }

  void put(Name name, DirectoryEntry entry) {
    if (names.size() >= NAMES_MAX) {
      names.clear();
    }
    names.put(name, entry);
  }
}
