package zerofs.fs.engine;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import zerofs.fs.FileType;
import zerofs.fs.Name;
import zerofs.fs.row.DirectoryEntry;

/// Entries of one directory that were looked up or changed lately, by the hash of their names: all
/// that have a hash, mostly one, or none. Filled under the directory's shared lock and changed
/// under its exclusive one, so it never disagrees with the rows. Bounded: it starts anew when it is
/// full.
///
/// Of a directory that was made while it has been in memory it knows *all* entries, until it is
/// full: then a hash that it does not know has none, and nobody looks for rows of it.
final class NameCache {
  /// Enough for the names a build or an untar works on; about 100 bytes of heap each.
  private static final int HASHES_MAX = 4096;

  /// Says that a name does not exist.
  static final DirectoryEntry ABSENT =
      new DirectoryEntry(0, FileType.FIFO, 0, Name.of(new byte[0]));

  private final ConcurrentHashMap<Long, List<DirectoryEntry>> entries = new ConcurrentHashMap<>();

  /// Whether every entry is here. Changed under the exclusive lock only.
  private boolean complete;

  private NameCache(boolean complete) {
    this.complete = complete;
  }

  /// Of a directory that was just made.
  static NameCache ofNewDirectory() {
    return new NameCache(true);
  }

  /// Of a directory of which nothing is known.
  static NameCache ofDirectory() {
    return new NameCache(false);
  }

  /// All entries whose names have the hash; null when that is not known.
  @Nullable List<DirectoryEntry> get(long hash) {
    List<DirectoryEntry> known = entries.get(hash);
    return known == null && complete ? List.of() : known;
  }

  /// Says which entries have the hash.
  void put(long hash, List<DirectoryEntry> all) {
    if (complete && all.isEmpty()) {
      entries.remove(hash);
      return;
    }
    if (entries.size() >= HASHES_MAX && !entries.containsKey(hash)) {
      complete = false;
      entries.clear();
    }
    entries.put(hash, all);
  }
}
