package zerofs.fs.engine;

import java.util.Arrays;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.RowKeys;
import zerofs.objectstore.StorageException;

/// Entries of directories: found by a keyed hash of their name, listed by cookie. All methods are
/// called with the directory's lock held, shared to look, exclusive to change; none waits.
final class Directories {
  private final Rows rows;
  private final NameHash hash;

  Directories(Rows rows, NameHash hash) {
    this.rows = rows;
    this.hash = hash;
  }

  /// The entry of a name, or `NameCache.ABSENT`.
  DirectoryEntry find(InodeNode directory, Name name) throws FsException {
    NameCache names = directory.names();
    if (names == null) {
      names = new NameCache();
      directory.setNames(names);
    }
    DirectoryEntry cached = names.get(name);
    if (cached != null) {
      return cached;
    }
    DirectoryEntry found = load(directory.inode(), name);
    names.put(name, found);
    return found;
  }

  /// The entry of a name that must exist.
  DirectoryEntry require(InodeNode directory, Name name) throws FsException {
    DirectoryEntry entry = find(directory, name);
    if (entry == NameCache.ABSENT) {
      throw new FsException(FsError.NOT_FOUND);
    }
    return entry;
  }

  /// The cookies under a name's hash as they are now: what [#insert] and [#remove] change. Read
  /// before the gate, since it may miss.
  long[] cookies(InodeNode directory, Name name) throws FsException {
    byte[] value = rows.get(RowKeys.index(directory.inode(), hash.of(name)), false);
    try {
      return value == null ? new long[0] : DirectoryEntry.decodeCookies(value);
    } catch (StorageException.Corrupt e) {
      throw Rows.failed(e);
    }
  }

  /// Adds an entry, inside the gate.
  ///
  /// @param cookies what [#cookies] said
  void insert(Generation open, InodeNode directory, DirectoryEntry entry, long[] cookies) {
    byte[] key = RowKeys.index(directory.inode(), hash.of(entry.name()));
    long[] now = latest(open, key, cookies);
    long[] grown = Arrays.copyOf(now, now.length + 1);
    grown[now.length] = entry.cookie();
    open.put(key, DirectoryEntry.encodeCookies(grown));
    open.put(RowKeys.entry(directory.inode(), entry.cookie()), entry.encode());
    remember(directory, entry.name(), entry);
  }

  /// Points an existing name at another inode, inside the gate.
  void replace(Generation open, InodeNode directory, DirectoryEntry entry) {
    open.put(RowKeys.entry(directory.inode(), entry.cookie()), entry.encode());
    remember(directory, entry.name(), entry);
  }

  /// Removes an entry, inside the gate.
  void remove(Generation open, InodeNode directory, DirectoryEntry entry, long[] cookies) {
    byte[] key = RowKeys.index(directory.inode(), hash.of(entry.name()));
    long[] left =
        Arrays.stream(latest(open, key, cookies)).filter(each -> each != entry.cookie()).toArray();
    open.put(key, DirectoryEntry.encodeCookies(left));
    open.put(RowKeys.entry(directory.inode(), entry.cookie()), new byte[0]);
    remember(directory, entry.name(), NameCache.ABSENT);
  }

  /// One commit may change two names with one hash: what it has put already counts.
  private static long[] latest(Generation open, byte[] key, long[] cookies) {
    byte[] value = open.row(key);
    if (value == null) {
      return cookies;
    }
    try {
      return DirectoryEntry.decodeCookies(value);
    } catch (StorageException.Corrupt e) {
      throw new IllegalStateException("index row that this process made", e);
    }
  }

  private static void remember(InodeNode directory, Name name, DirectoryEntry entry) {
    NameCache names = directory.names();
    if (names != null) {
      names.put(name, entry);
    }
  }

  private DirectoryEntry load(long directory, Name name) throws FsException {
    byte[] index = rows.get(RowKeys.index(directory, hash.of(name)), false);
    if (index == null) {
      return NameCache.ABSENT;
    }
    try {
      for (long cookie : DirectoryEntry.decodeCookies(index)) {
        byte[] value = rows.get(RowKeys.entry(directory, cookie), false);
        if (value != null) {
          DirectoryEntry entry = DirectoryEntry.decode(cookie, value);
          if (entry.name().equals(name)) {
            return entry;
          }
        }
      }
    } catch (StorageException.Corrupt e) {
      throw Rows.failed(e);
    }
    return NameCache.ABSENT;
  }
}
