package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.FsException;
import zerofs.fs.row.Inode;
import zerofs.journal.JournalDirectory.Records;
import zerofs.journal.JournalDirectory.Redo;
import zerofs.objectstore.StorageException;

/// Makes again what the journal has and the store does not: each record as a commit of its own,
/// under its own number. Nothing else commits meanwhile. Spec: docs/JOURNAL.md "Replay".
final class Replay {
  private final Generations generations;
  private final InodeTable inodes;
  private final Files files;
  private final SpaceUsage usage;
  private final Attempts attempts;

  Replay(Core core) {
    generations = core.generations();
    inodes = core.inodes();
    files = core.files();
    usage = core.usage();
    attempts = core.attempts();
  }

  /// Applies the records above the last commit.
  ///
  /// @return how many
  /// @throws StorageException.Corrupt when one is missing, or is not as it was written
  long apply(Records records) throws StorageException, FsException {
    long stored = generations.sequence();
    int epoch = 0;
    for (Redo each = records.next(); each != null; each = records.next()) {
      if (each.sequence() > stored) {
        requireNext(each, epoch);
        epoch = each.epoch();
        apply(each);
      }
    }
    return generations.sequence() - stored;
  }

  /// A gap would mean that the log lost what had counted as stored, or the disk what was synced.
  private void requireNext(Redo record, int epoch) throws StorageException.Corrupt {
    long expected = generations.sequence() + 1;
    if (record.sequence() != expected || record.epoch() < epoch) {
      throw new StorageException.Corrupt(
          "the journal has commit "
              + record.sequence()
              + " of epoch "
              + record.epoch()
              + " where commit "
              + expected
              + " should follow");
    }
  }

  private void apply(Redo record) throws StorageException, FsException {
    Entries entries = new Entries();
    RedoRecord.read(record.payload(), entries);
    Call call = Call.waiting(Caller.ROOT);
    long sequence = attempts.run(call, () -> commit(call, entries));
    if (sequence != record.sequence()) {
      throw new StorageException.Corrupt(
          "commit " + record.sequence() + " of the journal became commit " + sequence);
    }
  }

  /// The entries of a record.
  private static final class Entries implements RedoRecord.Visitor {
    private record Row(byte[] key, byte[] value) {
      @Override
      public boolean equals(Object other) {
        return this == other;
      }

      @Override
      public int hashCode() {
        return System.identityHashCode(this);
      }
    }

    private final List<Row> rows = new ArrayList<>();
    private final List<Inode> inodes = new ArrayList<>();
    private final List<Long> removed = new ArrayList<>();

    /// The file whose data changes, and how: bytes are written, or it is cut.
    private long file;

    private @Nullable ByteBuffer bytes;
    private boolean cuts;
    private long offset;
    private int flags;
    private long sizeBefore;
    private long sizeAfter;
    private long usedBytes;
    private long usedInodes;

    @Override
    public void row(byte[] key, byte[] value) {
      rows.add(new Row(key, value));
    }

    @Override
    public void inode(Inode row) {
      inodes.add(row);
    }

    @Override
    public void removed(long inode) {
      removed.add(inode);
    }

    @Override
    public void write(long inode, long at, int writeFlags, ByteBuffer written) {
      file = inode;
      offset = at;
      flags = writeFlags;
      bytes = written;
    }

    @Override
    public void cut(long inode, long before, long after) {
      file = inode;
      cuts = true;
      sizeBefore = before;
      sizeAfter = after;
    }

    @Override
    public void usage(long moreBytes, long moreInodes) {
      usedBytes += moreBytes;
      usedInodes += moreInodes;
    }
  }

  private long commit(Call call, Entries entries) throws FsException {
    files.requireRoom();
    ByteBuffer bytes = entries.bytes;
    if (bytes == null && !entries.cuts) {
      return commit(call, entries, _ -> {});
    }
    InodeNode node = inodes.pinAny(entries.file, true);
    try (Files.WriteMemory memory = files.reserveForRedo(bytes == null ? 0 : bytes.remaining());
        LockSet _ = LockSet.exclusive(node)) {
      return commit(call, entries, planned(call, node, entries, memory));
    } finally {
      node.unpin();
    }
  }

  private Files.DataChange planned(
      Call call, InodeNode node, Entries entries, Files.WriteMemory memory) throws FsException {
    Inode before = node.loadedRow();
    ByteBuffer bytes = entries.bytes;
    if (bytes != null && before.isFile()) {
      return files.planRedo(call, node, entries.offset, entries.flags, bytes.duplicate(), memory);
    }
    if (!before.isFile() || before.size != entries.sizeBefore) {
      throw Rows.failed(
          new StorageException.Corrupt(
              "the journal changes the data of inode "
                  + before.inode
                  + ", which is not as it was then"));
    }
    return files.planResize(node, before, entries.sizeAfter, memory);
  }

  private long commit(Call call, Entries entries, Files.DataChange change) {
    usage.charge(entries.usedBytes);
    long sequence =
        generations.commit(
            call,
            commit -> {
              change.apply(commit);
              entries.inodes.forEach(commit::put);
              entries.removed.forEach(commit.open()::remove);
              entries.rows.forEach(row -> commit.put(row.key(), row.value()));
              commit.usage(entries.usedBytes, entries.usedInodes);
            });
    for (Inode each : entries.inodes) {
      became(each.inode, each, sequence);
    }
    for (long each : entries.removed) {
      became(each, Generation.REMOVED, sequence);
    }
    return sequence;
  }

  private void became(long inode, Inode row, long sequence) {
    InodeNode node = inodes.pinIfPresent(inode);
    if (node != null) {
      node.changed(sequence, row);
      node.unpin();
    }
  }
}
