package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.List;
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

  /// The entries whose names have one hash: what an INDEX row lists.
  record Slot(long hash, List<DirectoryEntry> entries) {}

  /// The entry of a name, or `NameCache.ABSENT`.
  DirectoryEntry find(InodeNode directory, Name name) throws FsException {
    List<DirectoryEntry> entries = slot(directory, name).entries();
    for (int i = 0; i < entries.size(); i++) { // Without an iterator: every lookup comes by here.
      if (entries.get(i).name().equals(name)) {
        return entries.get(i);
      }
    }
    return NameCache.ABSENT;
  }

  /// The entry of a name that must exist.
  DirectoryEntry require(InodeNode directory, Name name) throws FsException {
    DirectoryEntry entry = find(directory, name);
    if (entry == NameCache.ABSENT) {
      throw new FsException(FsError.NOT_FOUND);
    }
    return entry;
  }

  /// The slot of a name as it is now: what [#insert] and [#remove] change. Looked up before the
  /// gate, since it may miss.
  Slot slot(InodeNode directory, Name name) throws FsException {
    NameCache names = directory.names();
    if (names == null) {
      names = NameCache.ofDirectory();
      directory.setNames(names);
    }
    long key = hash.of(name);
    List<DirectoryEntry> entries = names.get(key);
    if (entries == null) {
      entries = load(directory.inode(), key);
      names.put(key, entries);
    }
    return new Slot(key, entries);
  }

  /// Adds an entry, inside the gate.
  ///
  /// @param slot what [#slot] said of its name
  void insert(Commit commit, InodeNode directory, DirectoryEntry entry, Slot slot) {
    List<DirectoryEntry> grown = new ArrayList<>(latest(directory, slot));
    grown.add(entry);
    commit.put(RowKeys.entry(directory.inode(), entry.cookie()), entry.encode());
    putSlot(commit, directory, slot.hash(), grown);
  }

  /// Points an existing name at another inode, inside the gate.
  void replace(Commit commit, InodeNode directory, DirectoryEntry entry) {
    commit.put(RowKeys.entry(directory.inode(), entry.cookie()), entry.encode());
    NameCache names = directory.names();
    long key = hash.of(entry.name());
    List<DirectoryEntry> known = names == null ? null : names.get(key);
    if (names != null && known != null) {
      List<DirectoryEntry> replaced = new ArrayList<>(without(known, entry.cookie()));
      replaced.add(entry);
      names.put(key, List.copyOf(replaced));
    }
  }

  /// Removes an entry, inside the gate.
  ///
  /// @param slot what [#slot] said of its name
  void remove(Commit commit, InodeNode directory, DirectoryEntry entry, Slot slot) {
    commit.put(RowKeys.entry(directory.inode(), entry.cookie()), new byte[0]);
    putSlot(commit, directory, slot.hash(), without(latest(directory, slot), entry.cookie()));
  }

  /// One commit may change two names with one hash: what it has put already counts. (That is in the
  /// cache: what was put last is never dropped before something else is put.)
  private static List<DirectoryEntry> latest(InodeNode directory, Slot slot) {
    NameCache names = directory.names();
    List<DirectoryEntry> known = names == null ? null : names.get(slot.hash());
    return known == null ? slot.entries() : known;
  }

  private static List<DirectoryEntry> without(List<DirectoryEntry> entries, long cookie) {
    return entries.stream().filter(each -> each.cookie() != cookie).toList();
  }

  private static void putSlot(
      Commit commit, InodeNode directory, long hash, List<DirectoryEntry> entries) {
    long[] cookies = new long[entries.size()];
    for (int i = 0; i < cookies.length; i++) {
      cookies[i] = entries.get(i).cookie();
    }
    commit.put(RowKeys.index(directory.inode(), hash), DirectoryEntry.encodeCookies(cookies));
    NameCache names = directory.names();
    if (names != null) {
      names.put(hash, List.copyOf(entries));
    }
  }

  private List<DirectoryEntry> load(long directory, long key) throws FsException {
    byte[] index = rows.get(RowKeys.index(directory, key), false);
    if (index == null) {
      return List.of();
    }
    List<DirectoryEntry> entries = new ArrayList<>();
    try {
      for (long cookie : DirectoryEntry.decodeCookies(index)) {
        byte[] value = rows.get(RowKeys.entry(directory, cookie), false);
        if (value != null) {
          entries.add(DirectoryEntry.decode(cookie, value));
        }
      }
    } catch (StorageException.Corrupt e) {
      throw Rows.failed(e);
    }
    return List.copyOf(entries);
  }
}
