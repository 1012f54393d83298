package zerofs.fs.engine;

import java.util.ArrayList;
import java.util.List;
import zerofs.base.Tasks;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.FileType;
import zerofs.fs.Filesystem.DirectoryVisitor;
import zerofs.fs.FsError;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.Inode;
import zerofs.fs.row.RowKeys;
import zerofs.objectstore.StorageException;

/// readdir: walks the entry rows of a directory in order of their cookies, a batch at a time. It
/// takes no lock: rows are read from snapshots, and cookies never change, so an entry that exists
/// all the while is seen exactly once.
final class Listing {
  private static final int BATCH = 128;
  private static final long DOT = 1;
  private static final long DOT_DOT = 2;

  private final Tasks tasks;
  private final Generations generations;
  private final InodeTable inodes;
  private final Rows rows;
  private final Attempts attempts;

  Listing(Core core) {
    tasks = core.tasks();
    generations = core.generations();
    inodes = core.inodes();
    rows = core.rows();
    attempts = core.attempts();
  }

  boolean readdir(Call call, long directory, long cookie, DirectoryVisitor visitor)
      throws FsException {
    Inode row = attempts.run(call, () -> directory(call, directory));
    long at = cookie;
    if (at < DOT) {
      if (!visitor.entry(DOT, Name.of("."), directory, FileType.DIRECTORY, row.attributes())) {
        return false;
      }
      at = DOT;
    }
    if (at < DOT_DOT) {
      Attributes parent = attributes(call, row.parent);
      if (!visitor.entry(DOT_DOT, Name.of(".."), row.parent, FileType.DIRECTORY, parent)) {
        return false;
      }
      at = DOT_DOT;
    }
    while (true) {
      long from = at + 1;
      List<DirectoryEntry> batch = attempts.run(call, () -> batch(call, directory, from));
      for (DirectoryEntry each : batch) {
        Attributes attributes = attributes(call, each.inode());
        boolean more =
            visitor.entry(each.cookie(), each.name(), each.inode(), each.type(), attributes);
        if (!more) {
          return false;
        }
        at = each.cookie();
      }
      if (batch.size() < BATCH) {
        return true;
      }
    }
  }

  private Inode directory(Call call, long directory) throws FsException {
    InodeNode node = inodes.pin(directory, false);
    try {
      Inode row = Namespace.requireLiving(node);
      Permissions.requireDirectory(row);
      Permissions.requireUnlessOpened(row, call, Permissions.READ);
      if (Atimes.isDue(row, tasks.wallNanos())) {
        Atimes.update(call, node, generations, tasks.wallNanos());
      }
      Inode seen = node.loadedRow();
      call.reached(node.lastSequence());
      return Namespace.requireLiving(seen);
    } finally {
      node.unpin();
    }
  }

  private List<DirectoryEntry> batch(Call call, long directory, long from) throws FsException {
    List<DirectoryEntry> batch = new ArrayList<>();
    rows.scan(
        RowKeys.entry(directory, from),
        RowKeys.entry(directory + 1, 0),
        call.mayWait(),
        (key, value) -> {
          try {
            batch.add(DirectoryEntry.decode(RowKeys.second(key), value));
          } catch (StorageException.Corrupt e) {
            throw Rows.failed(e);
          }
          return batch.size() < BATCH;
        });
    call.reached(generations.sequenceOfAllSeen());
    return batch;
  }

  /// Attributes of an entry's inode; null when it was removed meanwhile.
  private @org.jspecify.annotations.Nullable Attributes attributes(Call call, long inode)
      throws FsException {
    try {
      return attempts.run(
          call,
          () -> {
            InodeNode node = inodes.pin(inode, false);
            try {
              Inode row = node.loadedRow();
              call.reached(node.lastSequence());
              return Namespace.requireLiving(row).attributes();
            } finally {
              node.unpin();
            }
          });
    } catch (FsException e) {
      if (e.error() == FsError.STALE) {
        return null;
      }
      throw e;
    }
  }
}
