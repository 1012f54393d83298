package zerofs.fs.engine;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.codec.FrameCodec;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.page.DrainMemory;
import zerofs.fs.page.Page;
import zerofs.log.FrameOwner;
import zerofs.log.LogFormat;
import zerofs.log.LogHeader;
import zerofs.log.LogWriter;
import zerofs.objectstore.StorageException;

/// Sends what writers have left behind in the open generation as data segments, while the log is
/// busy and no barriers come. Spec, with what a crash leaves at each step: docs/adr/0016.
///
/// Any thread may offer; each segment has a task of its own. Its mutex is taken with no other lock
/// held. Of inodes' locks it holds one at a time, shared, for the copy of a page.
final class EarlyBulk {
  private static final byte[] NO_AAD = {};

  private final Tasks tasks;
  private final Generations generations;
  private final InodeTable inodes;
  private final Encoding encoding;
  private final Bounds bounds;
  private final LogWriter log;
  private final BooleanSupplier logIsBusy;
  private final Consumer<StorageException> lost;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;
  private int encoders;
  private int held;
  private long lastNumber;
  private boolean stopped;

  /// What makes frames, and where they go.
  record Encoding(
      FrameCodec codec, LogFormat format, DrainMemory drain, AdaptiveCompression compression) {}

  /// @param segmentPages pages of one segment
  /// @param heldMax bytes of the drain's memory that all segments together may hold
  /// @param encodersMax segments that are encoded at a time
  record Bounds(int segmentPages, int heldMax, int encodersMax) {
    static Bounds of(MemoryShares shares, int workers) {
      int pages = shares.generation() / 4 / Page.EXTENT_BYTES;
      return new Bounds(pages, shares.drain() / 4 * 3, workers);
    }

    /// What one takes until it is encoded: its frames, and one page that is copied.
    int leaseBytes() {
      return segmentPages * (Page.EXTENT_BYTES + FrameCodec.OVERHEAD_BYTES) + Page.EXTENT_BYTES;
    }
  }

  /// @param logIsBusy whether a generation that is sealed now would have to wait
  /// @param lost told when a segment can't be stored, which waiting does not mend
  EarlyBulk(
      Tasks tasks,
      Generations generations,
      InodeTable inodes,
      Encoding encoding,
      Bounds bounds,
      LogWriter log,
      BooleanSupplier logIsBusy,
      Consumer<StorageException> lost) {
    this.tasks = tasks;
    this.generations = generations;
    this.inodes = inodes;
    this.encoding = encoding;
    this.bounds = bounds;
    this.log = log;
    this.logIsBusy = logIsBusy;
    this.lost = lost;
    this.mutex = tasks.newMutex("early bulk");
    this.changed = mutex.newSignal();
  }

  /// Begins a segment if enough was left behind and there is room for it. Called without locks.
  void offer() {
    Generation open = generations.open();
    if (open.leftBehind() >= 2 * bounds.segmentPages() && isTime() && admit(false)) {
      DrainMemory.Lease memory = encoding.drain().tryLease(bounds.leaseBytes());
      if (memory == null) {
        leave(true);
      } else {
        begin(open, memory, false);
      }
    }
  }

  /// Begins segments for what was left behind in a sealed generation, and waits until there is room
  /// for each. By the task that is about to encode it.
  void sendRest(Generation sealed) {
    while (sealed.leftBehind() >= bounds.segmentPages() && isTime() && admit(true)) {
      begin(sealed, encoding.drain().lease(bounds.leaseBytes()), true);
    }
  }

  private boolean isTime() {
    return logIsBusy.getAsBoolean() && !barriersCome();
  }

  private boolean barriersCome() {
    return generations.backlog().expectsBarriers(tasks.nanoTime());
  }

  private boolean admit(boolean waits) {
    mutex.lock();
    try {
      while (waits && !stopped && !hasRoom()) {
        changed.await();
      }
      if (stopped || !hasRoom()) {
        return false;
      }
      encoders++;
      held += bounds.leaseBytes();
      return true;
    } finally {
      mutex.unlock();
    }
  }

  private boolean hasRoom() {
    return encoders < bounds.encodersMax() && held + bounds.leaseBytes() <= bounds.heldMax();
  }

  private void leave(boolean encodes) {
    mutex.lock();
    try {
      encoders -= encodes ? 1 : 0;
      held -= bounds.leaseBytes();
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  private void encoderIsFree() {
    mutex.lock();
    try {
      encoders--;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  private long nextNumber() {
    mutex.lock();
    try {
      return ++lastNumber;
    } finally {
      mutex.unlock();
    }
  }

  private void begin(Generation generation, DrainMemory.Lease memory, boolean isSealed) {
    boolean begun = false;
    try {
      begun = taken(generation, memory, isSealed);
    } finally {
      if (!begun) {
        memory.close();
        leave(true);
      }
    }
  }

  /// @return false when the generation was sealed meanwhile, or another task was faster
  private boolean taken(Generation generation, DrainMemory.Lease memory, boolean isSealed) {
    LogHeader header = log.dataHeader(nextNumber());
    EarlySegment segment = new EarlySegment(header.id(), tasks);
    List<Page> pages = new ArrayList<>();
    int count = bounds.segmentPages();
    generations.guarded(
        open -> {
          if (isSealed || open == generation) {
            generation.takeLeftBehind(count, isSealed ? 0 : count, pages);
            if (!pages.isEmpty()) {
              generation.add(segment);
            }
          }
        });
    if (pages.isEmpty()) {
      return false;
    }
    try {
      pages.sort(Encoder.PLACES);
      tasks.fork(
          "send data segment",
          Tasks.Kind.WAITING,
          () -> new Sending(generation, header, segment, pages, memory).run());
    } catch (Throwable e) {
      fail(segment, e);
      throw e;
    }
    return true;
  }

  private void fail(EarlySegment segment, StorageException reason) {
    segment.failed(reason);
    lost.accept(reason);
  }

  /// Else its generation would wait for it for ever.
  private void fail(EarlySegment segment, Throwable bug) {
    fail(segment, new StorageException.Closed("storing " + segment.id().key() + " failed: " + bug));
  }

  /// One segment, from its pages to the store.
  private final class Sending {
    private final Generation generation;
    private final LogHeader header;
    private final EarlySegment segment;
    private final List<Page> pages;
    private final DrainMemory.Lease memory;
    private final List<ByteBuffer> frames = new ArrayList<>();
    private final List<FrameOwner> directory = new ArrayList<>();
    private boolean encodes = true;

    Sending(
        Generation generation,
        LogHeader header,
        EarlySegment segment,
        List<Page> pages,
        DrainMemory.Lease memory) {
      this.generation = generation;
      this.header = header;
      this.segment = segment;
      this.pages = pages;
      this.memory = memory;
    }

    void run() {
      try {
        encode();
        encodes = false;
        encoderIsFree();
        offer();
        if (!frames.isEmpty()) {
          log.sendData(header, encoding.format().data(header, frames, directory));
        }
        segment.stored();
      } catch (StorageException.Fenced e) {
        segment.failed(e); // The listener has been told.
      } catch (StorageException e) {
        fail(segment, e);
      } catch (Throwable e) {
        fail(segment, e);
        throw e;
      } finally {
        memory.close();
        leave(encodes);
      }
      offer();
    }

    private void encode() {
      AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
      Runnable body =
          () -> {
            try {
              encodePages();
            } catch (Throwable e) {
              failure.set(e);
            }
          };
      tasks.fork("encode data segment", Tasks.Kind.COMPUTING, body).join();
      Throwable failed = failure.get();
      if (failed != null) {
        throw new IllegalStateException("encoding failed", failed);
      }
    }

    private void encodePages() {
      long started = tasks.nanoTime();
      FrameCodec.ObjectKey key = encoding.format().objectKey(header);
      ByteBuffer copy = memory.slice(bounds.leaseBytes() - Page.EXTENT_BYTES, Page.EXTENT_BYTES);
      List<EarlySegment.Frame> encoded = new ArrayList<>();
      int offset = 0;
      for (Page page : pages) {
        if (isWaitedFor()) {
          break; // All workers take what is left.
        }
        int changes = copied(page, copy);
        int length = changes < 0 ? 0 : Encoder.trimmed(copy, Page.EXTENT_BYTES);
        if (length > Encoder.INLINE_BYTES_MAX) {
          ByteBuffer frame = memory.slice(offset, length + FrameCodec.OVERHEAD_BYTES);
          encoding
              .codec()
              .encode(
                  key,
                  frames.size(),
                  NO_AAD,
                  copy.slice(0, length),
                  encoding.compression().now(),
                  frame);
          frame.flip();
          int bytes = frame.remaining();
          FrameRef place = new FrameRef(segment.id(), frames.size(), offset, bytes);
          encoded.add(new EarlySegment.Frame(page, changes, place, length));
          frames.add(frame);
          directory.add(new FrameOwner(place.frame(), bytes, page.inode(), page.extent(), false));
          offset += bytes;
        }
      }
      memory.shrink(offset);
      segment.encoded(new EarlySegment.Content(segment.id(), encoded, tasks.nanoTime() - started));
    }

    private boolean isWaitedFor() {
      return generations.open() != generation && barriersCome();
    }

    /// Copies a page, if it is still its extent's and all there. Once its generation is sealed it
    /// does not change, and is not freed before that is stored.
    ///
    /// @return how often it had changed; negative when it was not copied
    private int copied(Page page, ByteBuffer copy) {
      if (generations.open() != generation) {
        return page.isFreed() ? -1 : copiedNow(page, copy);
      }
      InodeNode node = inodes.pinIfPresent(page.inode());
      if (node == null) {
        return -1;
      }
      try {
        node.lock().lockShared();
        try {
          return isCurrent(node, page) ? copiedNow(page, copy) : -1;
        } finally {
          node.lock().unlockShared();
        }
      } finally {
        node.unpin();
      }
    }

    private static int copiedNow(Page page, ByteBuffer copy) {
      if (!page.isWhole()) {
        return -1;
      }
      copy.put(0, page.view(), 0, Page.EXTENT_BYTES);
      return page.changes();
    }
  }

  private static boolean isCurrent(InodeNode node, Page page) {
    FileData data = node.data();
    Chunk chunk = data == null ? null : data.chunk(page.extent() / ChunkRow.EXTENTS);
    return chunk != null && chunk.page((int) (page.extent() % ChunkRow.EXTENTS)) == page;
  }

  /// Begins no more of them.
  void stop() {
    mutex.lock();
    try {
      stopped = true;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  /// Blocks until none is under way.
  void awaitAll() {
    mutex.lock();
    try {
      while (held > 0) {
        changed.await();
      }
    } finally {
      mutex.unlock();
    }
  }
}
