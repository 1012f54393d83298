package zerofs.fs.engine;

import java.util.List;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.row.Inode;

/// Has the frames that follow a reader fetched before he asks for them, as they lie in the store
/// ([zerofs.objectstore.SharedReads]): no memory of the slab is used, nothing is decoded that
/// nobody reads. One task for each file that is read in order, as long as it is behind.
final class ReadAhead {
  private final Tasks tasks;
  private final FrameReader reader;
  private final Source source;

  /// Says where the bytes of a file lie.
  interface Source {
    /// What is stored of the extents `[first, end)` of one chunk that are not in memory whole.
    /// Blocks for the chunk's row.
    List<ExtentState> missing(InodeNode node, long first, long end) throws FsException;
  }

  /// The extents of a file between a reader and how far ahead it is read: all before `next` were
  /// asked for, those before `goal` are going to be. Guarded by the inode's lock.
  static final class Stream {
    private long next;
    private long goal;
    private boolean running;
  }

  ReadAhead(Tasks tasks, FrameReader reader, Source source) {
    this.tasks = tasks;
    this.reader = reader;
    this.source = source;
  }

  /// A reader is about to read up to before the extent `first`; what follows is to be read ahead.
  /// The node is pinned.
  void follow(InodeNode node, long first, long bytes) {
    long ahead = Math.min(bytes, reader.aheadBytesMax()) / Inode.EXTENT_BYTES;
    if (ahead > 0 && isToStart(node, first, first + ahead) && node.pin()) {
      tasks.fork("read ahead", Tasks.Kind.WAITING, () -> run(node));
    }
  }

  private static boolean isToStart(InodeNode node, long first, long goal) {
    try (LockSet _ = LockSet.exclusive(node)) {
      FileData data = node.data();
      if (data == null || !node.loadedRow().isFile()) {
        return false;
      }
      Stream stream = data.stream();
      if (stream == null) {
        stream = new Stream();
        data.setStream(stream);
      }
      boolean goesOn = first <= stream.next && stream.next <= goal;
      stream.next = goesOn ? stream.next : first;
      stream.goal = Math.min(goal, Inode.extentsOf(node.loadedRow().size));
      boolean starts = !stream.running && stream.next < stream.goal;
      stream.running |= starts;
      return starts;
    }
  }

  private void run(InodeNode node) {
    boolean goesOn = true;
    try {
      while (goesOn) {
        goesOn = step(node);
      }
    } catch (FsException e) {
      // Damage, or the volume is closing: the reader is told when he gets there.
      tasks.yieldPoint();
    } finally {
      try (LockSet _ = LockSet.exclusive(node)) {
        FileData data = node.data();
        Stream stream = data == null ? null : data.stream();
        if (stream != null) {
          stream.running = false;
        }
      }
      node.unpin();
    }
  }

  /// Asks for the next extents, those of one chunk at most.
  ///
  /// @return whether there are more
  private boolean step(InodeNode node) throws FsException {
    long first;
    long end;
    try (LockSet _ = LockSet.exclusive(node)) {
      FileData data = node.data();
      Stream stream = data == null ? null : data.stream();
      if (stream == null || stream.next >= stream.goal) {
        return false;
      }
      first = stream.next;
      long chunkEnd = (first / ChunkRow.EXTENTS + 1) * ChunkRow.EXTENTS;
      end = Math.min(stream.goal, chunkEnd);
    }
    if (!reader.ahead(FrameReader.framesOf(source.missing(node, first, end)))) {
      return false; // Other files are read ahead too; the next miss comes back here.
    }
    try (LockSet _ = LockSet.exclusive(node)) {
      FileData data = node.data();
      Stream stream = data == null ? null : data.stream();
      if (stream != null && stream.next == first) {
        stream.next = end;
      }
      return stream != null;
    }
  }
}
