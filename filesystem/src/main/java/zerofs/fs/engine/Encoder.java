package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.codec.Compression;
import zerofs.codec.FrameCodec;
import zerofs.codec.ObjectId;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.extent.ExtentState;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.extent.Patch;
import zerofs.fs.page.Page;
import zerofs.fs.row.Inode;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.RowKeys;
import zerofs.fs.row.SegmentUsage;
import zerofs.log.FrameOwner;
import zerofs.lsm.SortedRows;

/// Turns a sealed generation into frames and rows. It writes page entries only: what the gate
/// decided (names, inodes, cuts) it copies. Representation is chosen now: what is zero at the end of
/// a page is left out, up to 512 bytes go into the row, ranges become a patch.
///
/// It takes no inode's lock and no gate: the pages of a sealed generation do not change.
final class Encoder {
  /// Largest extent whose bytes go into its row.
  static final int INLINE_BYTES_MAX = 512;

  private static final byte[] NO_AAD = {};

  /// Pages that one worker takes at a time, about 1 MiB.
  private static final int BATCH_PAGES = 32;

  private final FrameCodec codec;
  private final Tasks tasks;
  private final Compression compression;
  private final int workers;

  Encoder(FrameCodec codec, Tasks tasks, Compression compression, int workers) {
    this.codec = codec;
    this.tasks = tasks;
    this.compression = compression;
    this.workers = workers;
  }

  /// A generation in the form that is stored.
  ///
  /// @param chunks its rows of chunks: what is settled in memory once it is stored
  record Encoded(
      List<ByteBuffer> frames,
      List<FrameOwner> directory,
      SortedRows rows,
      Map<Generation.ChunkId, ChunkRow> chunks) {}

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

  Encoded encode(Generation generation, ObjectId id, FrameCodec.ObjectKey key) {
    List<Page> pages = new ArrayList<>();
    for (Page each : generation.pages()) {
      if (!each.isFreed()) {
        pages.add(each);
      }
    }
    pages.sort(Comparator.comparingLong(Page::inode).thenComparingLong(Page::extent));
    List<Result> results = encode(pages, key);
    List<ByteBuffer> frames = new ArrayList<>();
    List<FrameOwner> directory = new ArrayList<>();
    Map<Generation.ChunkId, ChunkRow.Builder> entries = new HashMap<>();
    int offset = 0;
    for (int i = 0; i < results.size(); i++) {
      Result result = results.get(i);
      Page page = result.page();
      ByteBuffer frame = result.frame();
      FrameRef reference = null;
      if (frame != null) {
        reference = new FrameRef(id, i, offset, frame.remaining());
        frames.add(frame);
        directory.add(
            new FrameOwner(frame.remaining(), page.inode(), page.extent(), !page.isFull()));
        offset += frame.remaining();
      }
      Generation.ChunkId chunk =
          new Generation.ChunkId(page.inode(), page.extent() / ChunkRow.EXTENTS);
      entries
          .computeIfAbsent(chunk, _ -> new ChunkRow.Builder())
          .set(
              (int) (page.extent() % ChunkRow.EXTENTS),
              state(result, reference, generation.position()));
    }
    Map<Generation.ChunkId, ChunkRow> chunks = chunkRows(generation, entries);
    SortedRows rows = rows(generation, chunks, id, frames.size(), offset);
    return new Encoded(frames, directory, rows, chunks);
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
      ObjectId id,
      int frames,
      int bytes) {
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
    if (frames > 0) {
      rows.add(new Row(RowKeys.segment(id), new SegmentUsage(frames, bytes, 0).encode()));
    }
    rows.sort((one, other) -> Arrays.compareUnsigned(one.key(), other.key()));
    SortedRows.Builder builder = new SortedRows.Builder();
    for (Row each : rows) {
      builder.add(each.key(), each.value());
    }
    return builder.finish();
  }

  /// Encodes pages, in order; the number of a frame is the index of its page.
  private List<Result> encode(List<Page> pages, FrameCodec.ObjectKey key) {
    List<Result> results = new ArrayList<>(pages.size());
    if (pages.size() <= BATCH_PAGES / 4 || workers <= 1) {
      encodeBatch(pages, 0, pages.size(), key, results);
      return results;
    }
    int batches = (pages.size() + BATCH_PAGES - 1) / BATCH_PAGES;
    List<List<Result>> parts = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      parts.add(new ArrayList<>());
    }
    AtomicReference<@Nullable RuntimeException> failure = new AtomicReference<>();
    List<Tasks.Task> running = new ArrayList<>();
    for (int worker = 1; worker < Math.min(workers, batches); worker++) {
      int first = worker;
      running.add(
          tasks.fork(
              "encode",
              Tasks.Kind.COMPUTING,
              () -> {
                try {
                  encodeEvery(pages, first, key, parts);
                } catch (RuntimeException e) {
                  failure.set(e);
                }
              }));
    }
    encodeEvery(pages, 0, key, parts);
    running.forEach(Tasks.Task::join);
    RuntimeException failed = failure.get();
    if (failed != null) {
      throw failed;
    }
    parts.forEach(results::addAll);
    return results;
  }

  private void encodeEvery(
      List<Page> pages, int first, FrameCodec.ObjectKey key, List<List<Result>> parts) {
    int step = Math.min(workers, parts.size());
    for (int batch = first; batch < parts.size(); batch += step) {
      int from = batch * BATCH_PAGES;
      int to = Math.min(pages.size(), from + BATCH_PAGES);
      encodeBatch(pages, from, to, key, parts.get(batch));
    }
  }

  private void encodeBatch(
      List<Page> pages, int from, int to, FrameCodec.ObjectKey key, List<Result> results) {
    for (int i = from; i < to; i++) {
      results.add(encode(pages.get(i), i, key));
    }
  }

  private Result encode(Page page, int number, FrameCodec.ObjectKey key) {
    ByteBuffer bytes = page.view();
    if (!page.isFull()) {
      return new Result(page, seal(key, number, gathered(page, bytes)), 0, null);
    }
    int length = trimmed(bytes, page.length());
    if (length <= INLINE_BYTES_MAX) {
      byte[] inline = new byte[length];
      bytes.get(0, inline);
      return new Result(page, null, length, inline);
    }
    return new Result(page, seal(key, number, bytes.slice(0, length)), length, null);
  }

  private ByteBuffer seal(FrameCodec.ObjectKey key, int number, ByteBuffer plain) {
    ByteBuffer out = ByteBuffer.allocate(plain.remaining() + FrameCodec.OVERHEAD_BYTES);
    codec.encode(key, number, NO_AAD, plain, compression, out);
    out.flip();
    if (out.remaining() * 2 < out.capacity()) {
      return ByteBuffer.allocate(out.remaining()).put(out).flip();
    }
    return out;
  }

  private static ByteBuffer gathered(Page page, ByteBuffer bytes) {
    int[] ranges = page.ranges();
    int sum = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      sum += ranges[i + 1] - ranges[i];
    }
    ByteBuffer gathered = ByteBuffer.allocateDirect(sum);
    for (int i = 0; i < ranges.length; i += 2) {
      gathered.put(bytes.slice(ranges[i], ranges[i + 1] - ranges[i]));
    }
    return gathered.flip();
  }

  /// Bytes up to the last that is not zero.
  private static int trimmed(ByteBuffer bytes, int length) {
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
