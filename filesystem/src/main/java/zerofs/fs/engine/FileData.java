package zerofs.fs.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.row.Inode;

/// The data of one file in memory. Guarded by the lock of its inode.
///
/// Invariant: a chunk's row, when known, is what is stored of it up to the last settled generation,
/// with every later cut applied; pages hold what later generations wrote.
final class FileData {
  /// A cut whose generation is not settled yet.
  private record PendingCut(long generation, long from) {}

  private final InodeNode node;
  private final Map<Long, Chunk> chunks = new HashMap<>();
  private final Deque<PendingCut> pendingCuts = new ArrayDeque<>();

  /// Chunks from here on that are not in `chunks` are known to have no row.
  private long knownFrom;

  /// Rows that are being read from the tree.
  private final List<RowFetch> fetches = new ArrayList<>();

  private @Nullable Recount recount;
  private long guesses;
  private final ReadPattern pattern = new ReadPattern();
  private ReadAhead.@Nullable Stream stream;

  /// Rows of chunks that are being read from the tree, without the lock. A row that a generation
  /// settles meanwhile is *overtaken*: what was read of it never enters memory.
  static final class RowFetch {
    private final long first;
    private final long end;
    private final Set<Long> overtaken = new HashSet<>();

    private RowFetch(long first, long end) {
      this.first = first;
      this.end = end;
    }

    /// Whether any chunk from `from` to before `to` was.
    boolean isOvertaken(long from, long to) {
      return overtaken.stream().anyMatch(index -> from <= index && index < to);
    }
  }

  /// A count of a file's extents under way ([Recounter]): of the chunks below `boundary` it has
  /// `extents`, and what changes there is added. `guessed` says that this was a guess again.
  static final class Recount {
    long boundary;
    long extents;
    boolean guessed;
  }

  FileData(InodeNode node, boolean nothingStored) {
    this.node = node;
    this.knownFrom = nothingStored ? 0 : Long.MAX_VALUE;
  }

  InodeNode node() {
    return node;
  }

  @Nullable Chunk chunk(long index) {
    return chunks.get(index);
  }

  Collection<Chunk> chunks() {
    return chunks.values();
  }

  /// All chunks at `from` or later, in no order.
  List<Chunk> chunksFrom(long from) {
    return chunks.values().stream().filter(chunk -> chunk.index() >= from).toList();
  }

  /// The chunk, made when it is not there: its row is known to be empty or not known.
  Chunk makeChunk(long index) {
    Chunk chunk = chunks.get(index);
    if (chunk == null) {
      chunk = new Chunk(this, index);
      if (index >= knownFrom) {
        chunk.setRow(ChunkRow.EMPTY);
      }
      chunks.put(index, chunk);
    }
    return chunk;
  }

  /// What is stored of a chunk; null = not known.
  @Nullable ChunkRow row(long index) {
    Chunk chunk = chunks.get(index);
    if (chunk != null) {
      return chunk.row();
    }
    return index >= knownFrom ? ChunkRow.EMPTY : null;
  }

  /// Forgets a chunk without pages.
  void forget(Chunk chunk) {
    ChunkRow row = chunk.row();
    boolean empty = row != null && row.equals(ChunkRow.EMPTY);
    if (!empty && chunk.index() >= knownFrom) {
      knownFrom = chunk.index() + 1;
    }
    chunks.remove(chunk.index());
  }

  long knownFrom() {
    return knownFrom;
  }

  void setKnownFrom(long index) {
    knownFrom = Math.min(knownFrom, index);
  }

  /// Whether nothing hangs on it that memory must keep.
  boolean isEmpty() {
    return chunks.isEmpty() && pendingCuts.isEmpty();
  }

  /// Notes a cut of the open generation. Several of one generation are the lowest of them: what was
  /// written between them is in pages, not in rows.
  void cut(long generation, long from) {
    PendingCut last = pendingCuts.peekLast();
    boolean same = last != null && last.generation() == generation;
    if (same) {
      pendingCuts.removeLast();
    }
    long lowest = same && last != null ? Math.min(last.from(), from) : from;
    pendingCuts.add(new PendingCut(generation, lowest));
  }

  /// A row as the tree has it, with the cuts that the tree does not have yet.
  ChunkRow withPendingCuts(long index, ChunkRow stored, long afterGeneration) {
    ChunkRow row = stored;
    for (PendingCut cut : pendingCuts) {
      long chunkStart = index * Files.CHUNK_BYTES;
      if (cut.generation() > afterGeneration && cut.from() - chunkStart < Files.CHUNK_BYTES) {
        long from = Math.max(0, cut.from() - chunkStart);
        ChunkRow clips = ChunkRow.cutFrom(from, Inode.EXTENT_BYTES, cut.generation());
        row = ChunkRow.merge(clips, row, DebitSink.NONE);
      }
    }
    return row;
  }

  /// Begins to read the rows of chunks from `first` to before `end`.
  RowFetch beginFetch(long first, long end) {
    RowFetch fetch = new RowFetch(first, end);
    fetches.add(fetch);
    return fetch;
  }

  void endFetch(RowFetch fetch) {
    fetches.remove(fetch);
  }

  /// A generation settles the row of a chunk.
  void overtake(long index) {
    for (RowFetch each : fetches) {
      if (each.first <= index && index < each.end) {
        each.overtaken.add(index);
      }
    }
  }

  /// A generation is settled: its cuts are in the tree.
  void settled(long generation) {
    while (!pendingCuts.isEmpty() && pendingCuts.getFirst().generation() <= generation) {
      pendingCuts.removeFirst();
    }
  }

  @Nullable Recount recount() {
    return recount;
  }

  void setRecount(@Nullable Recount newRecount) {
    recount = newRecount;
  }

  /// Counts a write that had to guess; how many there were since [#clearGuesses].
  long addGuess() {
    return ++guesses;
  }

  void clearGuesses() {
    guesses = 0;
  }

  ReadPattern pattern() {
    return pattern;
  }

  /// What is read ahead of this file; null = nothing.
  ReadAhead.@Nullable Stream stream() {
    return stream;
  }

  void setStream(ReadAhead.@Nullable Stream newStream) {
    stream = newStream;
  }
}
