package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.page.DrainMemory;
import zerofs.fs.page.Page;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.log.FrameOwner;
import zerofs.lsm.SortedRows;
import zerofs.objectstore.StorageException;

/// Turns a sealed generation into frames and rows. It writes page entries only: what the gate
/// decided (names, inodes, cuts) it copies. Representation is chosen now: what is zero at the end
/// of a page is left out, up to 512 bytes go into the row, ranges become a patch.
///
/// It takes no inode's lock and no gate: the pages of a sealed generation do not change. Frames lie
/// in the drain's memory, each page having its place there from the start, so workers share
/// nothing.
final class Encoder {
  /// Largest extent whose bytes go into its row.
  static final int INLINE_BYTES_MAX = 512;

  /// The order of frames in an object: a file's lie side by side, so one request reads many.
  static final Comparator<Page> PLACES =
      Comparator.comparingLong(Page::inode).thenComparingLong(Page::extent);

  private static final byte[] NO_AAD = {};

  /// Pages that one worker takes at a time, a quarter of 1 MiB: about half a millisecond's work, so
  /// that they end together.
  private static final int BATCH_PAGES = 8;

  private final FrameCodec codec;
  private final DrainMemory drain;
  private final Tasks tasks;
  private final AdaptiveCompression compression;
  private final int workers;

  Encoder(
      FrameCodec codec,
      DrainMemory drain,
      Tasks tasks,
      AdaptiveCompression compression,
      int workers) {
    this.codec = codec;
    this.drain = drain;
    this.tasks = tasks;
    this.compression = compression;
    this.workers = workers;
  }

  /// What it encodes into.
  DrainMemory drain() {
    return drain;
  }

  /// What it asks for each generation.
  AdaptiveCompression compression() {
    return compression;
  }

  /// A generation in the form that is stored.
  ///
  /// @param memory where the frames lie: the caller closes it when they are sent
  /// @param chunks its rows of chunks: what is settled in memory once it is stored
  /// @param nanos what encoding took, that of its data segments too, without the wait for memory
  record Encoded(
      DrainMemory.Lease memory,
      List<ByteBuffer> frames,
      List<FrameOwner> directory,
      SortedRows rows,
      Map<Generation.ChunkId, ChunkRow> chunks,
      long nanos) {}

  /// What data segments hold of a sealed generation.
  ///
  /// @param frames of the pages that are still as they were
  private record Early(List<EarlySegment.Content> segments, Map<Page, EarlySegment.Frame> frames) {
    static Early of(Generation generation) throws StorageException {
      List<EarlySegment.Content> segments = new ArrayList<>();
      Map<Page, EarlySegment.Frame> frames = new HashMap<>();
      for (EarlySegment each : generation.earlySegments()) {
        EarlySegment.Content content = each.awaitEncoded();
        segments.add(content);
        for (EarlySegment.Frame frame : content.frames()) {
          if (frame.counts()) {
            frames.put(frame.page(), frame);
          }
        }
      }
      return new Early(segments, frames);
    }

    /// Also of those that nothing refers to: they are objects.
    Map<ObjectId, SegmentUsage> usage() {
      Map<ObjectId, SegmentUsage> usage = new HashMap<>();
      for (EarlySegment.Content each : segments) {
        if (!each.frames().isEmpty()) {
          usage.put(each.id(), new SegmentUsage(0, 0, each.bytes(), 0));
        }
      }
      for (EarlySegment.Frame each : frames.values()) {
        FrameRef place = each.reference();
        SegmentUsage one = new SegmentUsage(1, place.storedBytes(), 0, 0);
        usage.merge(place.object(), one, SegmentUsage::plus);
      }
      return usage;
    }

    long nanos() {
      return segments.stream().mapToLong(EarlySegment.Content::nanos).sum();
    }
  }

  private record Row(byte[] key, byte[] value) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Row row && Arrays.equals(key, row.key);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(key);
    }
  }

  /// What became of one page: a frame, or bytes for its row.
  private record Result(
      Page page, @Nullable ByteBuffer frame, int length, byte @Nullable [] inline) {}

  /// The pages of a generation, in order, and their places in the drain's memory.
  ///
  /// @param places where the frame of each page goes; the last is the end of all
  private record Work(
      List<Page> pages,
      int[] places,
      DrainMemory.Lease memory,
      FrameCodec.ObjectKey key,
      Compression compression) {}

  /// Encodes what no data segment of the generation holds.
  ///
  /// @throws StorageException when one of those has failed
  Encoded encode(Generation generation, ObjectId id, FrameCodec.ObjectKey key)
      throws StorageException {
    Early early = Early.of(generation);
    List<Page> pages = new ArrayList<>();
    for (Page each : generation.pages()) {
      if (!each.isFreed() && !early.frames().containsKey(each)) {
        pages.add(each);
      }
    }
    pages.sort(PLACES);
    int[] places = new int[pages.size() + 1];
    for (int i = 0; i < pages.size(); i++) {
      places[i + 1] = places[i] + pages.get(i).validBytes() + FrameCodec.OVERHEAD_BYTES;
    }
    DrainMemory.Lease memory = drain.lease(places[pages.size()]);
    long started = tasks.nanoTime();
    boolean encoded = false;
    try {
      List<Result> results = encodeAll(new Work(pages, places, memory, key, compression.now()));
      Encoded done = assemble(generation, id, early, memory, results, started);
      encoded = true;
      return done;
    } finally {
      if (!encoded) {
        memory.close();
      }
    }
  }

  private Encoded assemble(
      Generation generation,
      ObjectId id,
      Early early,
      DrainMemory.Lease memory,
      List<Result> results,
      long started) {
    List<ByteBuffer> frames = new ArrayList<>();
    List<FrameOwner> directory = new ArrayList<>();
    Map<Generation.ChunkId, ChunkRow.Builder> entries = new HashMap<>();
    early
        .frames()
        .forEach(
            (page, frame) ->
                put(
                    entries,
                    page,
                    ExtentState.frame(frame.reference(), frame.length(), generation.position())));
    int offset = 0;
    for (int i = 0; i < results.size(); i++) {
      Result result = results.get(i);
      Page page = result.page();
      ByteBuffer frame = result.frame();
      FrameRef reference = null;
      if (frame != null) {
        reference = new FrameRef(id, i, offset, frame.remaining());
        frames.add(movedTo(memory.slice(offset, frame.remaining()), frame));
        directory.add(
            new FrameOwner(i, frame.remaining(), page.inode(), page.extent(), !page.isFull()));
        offset += frame.remaining();
      }
      put(entries, page, state(result, reference, generation.position()));
    }
    memory.shrink(offset); // The next generation needs not wait until this one is sent.
    Map<Generation.ChunkId, ChunkRow> chunks = chunkRows(generation, entries);
    Map<ObjectId, SegmentUsage> segments = early.usage();
    if (!frames.isEmpty()) {
      segments.put(id, new SegmentUsage(frames.size(), offset, offset, 0));
    }
    SortedRows rows = rows(generation, chunks, segments);
    long nanos = tasks.nanoTime() - started + early.nanos() / workers;
    return new Encoded(memory, frames, directory, rows, chunks, nanos);
  }

  private static void put(
      Map<Generation.ChunkId, ChunkRow.Builder> entries, Page page, ExtentState state) {
    Generation.ChunkId chunk =
        new Generation.ChunkId(page.inode(), page.extent() / ChunkRow.EXTENTS);
    entries
        .computeIfAbsent(chunk, _ -> new ChunkRow.Builder())
        .set((int) (page.extent() % ChunkRow.EXTENTS), state);
  }

  /// Moves a frame to where the one before it ends, which is never behind its own place.
  private static ByteBuffer movedTo(ByteBuffer place, ByteBuffer frame) {
    return place.put(0, frame, 0, frame.remaining());
  }

  private static ExtentState state(Result result, @Nullable FrameRef frame, long position) {
    Page page = result.page();
    byte[] inline = result.inline();
    if (frame == null) {
      return ExtentState.inline(inline == null ? new byte[0] : inline, position);
    }
    if (page.isFull()) {
      return ExtentState.frame(frame, result.length(), position);
    }
    return ExtentState.patch(new Patch(frame, position, page.ranges(), Inode.EXTENT_BYTES));
  }

  private static Map<Generation.ChunkId, ChunkRow> chunkRows(
      Generation generation, Map<Generation.ChunkId, ChunkRow.Builder> entries) {
    Map<Generation.ChunkId, ChunkRow> chunks = new HashMap<>(generation.cuts());
    entries.forEach(
        (chunk, builder) ->
            chunks.merge(
                chunk,
                builder.build(),
                (cut, pages) -> ChunkRow.merge(pages, cut, DebitSink.NONE)));
    return chunks;
  }

  private static SortedRows rows(
      Generation generation,
      Map<Generation.ChunkId, ChunkRow> chunks,
      Map<ObjectId, SegmentUsage> segments) {
    List<Row> rows = new ArrayList<>();
    generation.rows().forEach((key, value) -> rows.add(new Row(key, value)));
    generation
        .inodes()
        .forEach(
            (inode, row) ->
                rows.add(
                    new Row(
                        RowKeys.inode(inode),
                        row == Generation.REMOVED ? new byte[0] : InodeFormat.encode(row))));
    chunks.forEach(
        (chunk, row) ->
            rows.add(
                new Row(
                    RowKeys.chunk(chunk.inode(), chunk.chunk()),
                    zerofs.fs.extent.ChunkRowFormat.encode(row))));
    rows.add(new Row(RowKeys.usage(), generation.usage().encode()));
    segments.forEach((id, usage) -> rows.add(new Row(RowKeys.segment(id), usage.encode())));
    rows.sort((one, other) -> Arrays.compareUnsigned(one.key(), other.key()));
    SortedRows.Builder builder = new SortedRows.Builder();
    for (Row each : rows) {
      builder.add(each.key(), each.value());
    }
    return builder.finish();
  }

  /// Encodes pages, in order; the number of a frame is the index of its page.
  private List<Result> encodeAll(Work work) {
    int pages = work.pages().size();
    List<Result> results = new ArrayList<>(pages);
    if (pages <= BATCH_PAGES || workers <= 1) {
      encodeBatch(work, 0, pages, results);
      return results;
    }
    int batches = (pages + BATCH_PAGES - 1) / BATCH_PAGES;
    List<List<Result>> parts = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      parts.add(new ArrayList<>());
    }
    AtomicInteger next = new AtomicInteger();
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    List<Tasks.Task> running = new ArrayList<>();
    for (int worker = 1; worker < Math.min(workers, batches); worker++) {
      running.add(
          tasks.fork(
              "encode",
              Tasks.Kind.COMPUTING,
              () -> {
                try {
                  encodeBatches(work, next, parts);
                } catch (Throwable e) { // Else what it did not encode would be missing.
                  failure.set(e);
                }
              }));
    }
    try {
      encodeBatches(work, next, parts);
    } finally {
      running.forEach(Tasks.Task::join); // They write into memory that the caller lets go.
    }
    Throwable failed = failure.get();
    if (failed != null) {
      throw new IllegalStateException("encoding failed", failed);
    }
    parts.forEach(results::addAll);
    Checks.invariant(results.size() == pages, "a page was not encoded");
    return results;
  }

  /// Encodes one batch after another: who is slowed down, by writers on the same processor, leaves
  /// more of them to others.
  private void encodeBatches(Work work, AtomicInteger next, List<List<Result>> parts) {
    for (int i = next.getAndIncrement(); i < parts.size(); i = next.getAndIncrement()) {
      int from = i * BATCH_PAGES;
      int to = Math.min(work.pages().size(), from + BATCH_PAGES);
      encodeBatch(work, from, to, parts.get(i));
    }
  }

  private void encodeBatch(Work work, int from, int to, List<Result> results) {
    for (int i = from; i < to; i++) {
      results.add(encode(work, i));
    }
  }

  private Result encode(Work work, int number) {
    Page page = work.pages().get(number);
    ByteBuffer bytes = page.view();
    if (!page.isFull()) {
      return new Result(page, seal(work, number, gathered(page, bytes)), 0, null);
    }
    int length = trimmed(bytes, page.length());
    if (length <= INLINE_BYTES_MAX) {
      byte[] inline = new byte[length];
      bytes.get(0, inline);
      return new Result(page, null, length, inline);
    }
    return new Result(page, seal(work, number, bytes.slice(0, length)), length, null);
  }

  private ByteBuffer seal(Work work, int number, ByteBuffer plain) {
    int at = work.places()[number];
    ByteBuffer out = work.memory().slice(at, work.places()[number + 1] - at);
    codec.encode(work.key(), number, NO_AAD, plain, work.compression(), out);
    return out.flip();
  }

  /// The valid ranges of a partial page, one after another.
  private static ByteBuffer gathered(Page page, ByteBuffer bytes) {
    int[] ranges = page.ranges();
    if (ranges.length == 2) {
      return bytes.slice(ranges[0], ranges[1] - ranges[0]);
    }
    ByteBuffer gathered = ByteBuffer.allocate(page.validBytes());
    for (int i = 0; i < ranges.length; i += 2) {
      gathered.put(bytes.slice(ranges[i], ranges[i + 1] - ranges[i]));
    }
    return gathered.flip();
  }

  /// Bytes up to the last that is not zero.
  static int trimmed(ByteBuffer bytes, int length) {
    int end = length;
    while (end >= Long.BYTES && bytes.getLong(end - Long.BYTES) == 0) {
      end -= Long.BYTES;
    }
    while (end > 0 && bytes.get(end - 1) == 0) {
      end--;
    }
    return end;
  }
}
