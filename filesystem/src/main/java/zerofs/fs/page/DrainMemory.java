package zerofs.fs.page;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import zerofs.base.Checks;
import zerofs.base.Tasks;

/// Memory of the drain: what sealed generations are encoded into. It is set aside at the start, so
/// storing what writers have filled memory with never waits for memory that they hold.
///
/// A ring of stretches, each as long as one generation may need; a stretch goes back once its
/// object is settled, so whoever waits for one waits for the store only. Any thread may call.
public final class DrainMemory {
  private final ByteBuffer memory;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal freed;

  /// In order of place, beginning with the oldest; one that is closed stays while an older one
  /// lives.
  private final Deque<Lease> leases = new ArrayDeque<>();

  private int waiting;

  /// @param memory of it all
  public DrainMemory(ByteBuffer memory, Tasks tasks) {
    this.memory = memory;
    this.mutex = tasks.newMutex("drain memory");
    this.freed = mutex.newSignal();
  }

  /// A stretch of the ring. One owner.
  public final class Lease implements AutoCloseable {
    private final int start;
    private int end;
    private boolean closed;

    private Lease(int start, int end) {
      this.start = start;
      this.end = end;
    }

    /// A view of `length` bytes at `offset` of the stretch, valid until the lease is closed.
    public ByteBuffer slice(int offset, int length) {
      Checks.invariant(offset >= 0 && offset + length <= end - start, "slice beyond its lease");
      return memory.slice(start + offset, length);
    }

    /// Gives back what lies behind the first `bytes`, if nobody has taken a stretch after this one.
    public void shrink(int bytes) {
      mutex.lock();
      try {
        if (leases.getLast() == this) {
          end = start + bytes;
          freed.signalAll();
        }
      } finally {
        mutex.unlock();
      }
    }

    /// Gives the stretch back.
    @Override
    public void close() {
      mutex.lock();
      try {
        closed = true;
        while (!leases.isEmpty() && leases.getFirst().closed) {
          leases.removeFirst();
        }
        freed.signalAll();
      } finally {
        mutex.unlock();
      }
    }
  }

  /// Takes `bytes`, which are at most those of the ring; blocks until they are free.
  public Lease lease(int bytes) {
    Checks.invariant(bytes <= memory.capacity(), "a generation larger than the drain");
    mutex.lock();
    try {
      int start = place(bytes);
      waiting++;
      while (start < 0) {
        freed.await();
        start = place(bytes);
      }
      waiting--;
      return leaseAt(start, bytes);
    } finally {
      mutex.unlock();
    }
  }

  /// Takes `bytes` if they are free and nobody waits for some; null when not.
  public @Nullable Lease tryLease(int bytes) {
    mutex.lock();
    try {
      int start = waiting > 0 ? -1 : place(bytes);
      return start < 0 ? null : leaseAt(start, bytes);
    } finally {
      mutex.unlock();
    }
  }

  private Lease leaseAt(int start, int bytes) {
    Lease lease = new Lease(start, start + bytes);
    leases.addLast(lease);
    return lease;
  }

  /// Where `bytes` in a row are free; negative when nowhere.
  private int place(int bytes) {
    if (leases.isEmpty()) {
      return 0;
    }
    int first = leases.getFirst().start;
    int last = leases.getLast().end;
    boolean wrapped = leases.getLast().start < first;
    if (wrapped) {
      return bytes < first - last ? last : -1; // Never full to the last byte: that looks empty.
    }
    if (bytes <= memory.capacity() - last) {
      return last;
    }
    return bytes < first ? 0 : -1;
  }
}
