package zerofs.fs.engine;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;
import zerofs.codec.ObjectId;
import zerofs.fs.extent.FrameRef;
import zerofs.fs.page.Page;
import zerofs.objectstore.StorageException;

/// A data segment on its way: frames of pages that a generation still has open (docs/adr/0016).
/// *Begun*, then *encoded*, then *stored*; or *failed*.
///
/// One task moves it on, any may wait. Its mutex is taken with no other lock held.
final class EarlySegment {
  private final ObjectId id;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal changed;
  private @Nullable Content content;
  private boolean stored;
  private @Nullable StorageException failure;

  /// A page as it was when it had changed so many times.
  ///
  /// @param length its bytes that are not known to be zero
  record Frame(Page page, int changes, FrameRef reference, int length) {
    /// Whether the page, which changes no more, is as it was. One that was freed has no place in
    /// the file any more.
    boolean counts() {
      return !page.isFreed() && page.changes() == changes;
    }
  }

  /// What it holds. Without frames it is no object.
  ///
  /// @param nanos what encoding took one task
  record Content(ObjectId id, List<Frame> frames, long nanos) {
    long bytes() {
      return frames.stream().mapToLong(each -> each.reference().storedBytes()).sum();
    }
  }

  EarlySegment(ObjectId id, Tasks tasks) {
    this.id = id;
    this.mutex = tasks.newMutex("data segment");
    this.changed = mutex.newSignal();
  }

  ObjectId id() {
    return id;
  }

  void encoded(Content holds) {
    mutex.lock();
    try {
      content = holds;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  void stored() {
    mutex.lock();
    try {
      stored = true;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  void failed(StorageException reason) {
    mutex.lock();
    try {
      failure = reason;
      changed.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  /// Blocks until it is encoded: for as long as that takes one page, when barriers come.
  Content awaitEncoded() throws StorageException {
    mutex.lock();
    try {
      while (content == null) {
        awaitChange();
      }
      return content;
    } finally {
      mutex.unlock();
    }
  }

  /// Blocks until it is stored.
  void awaitStored() throws StorageException {
    mutex.lock();
    try {
      while (!stored) {
        awaitChange();
      }
    } finally {
      mutex.unlock();
    }
  }

  private void awaitChange() throws StorageException {
    if (failure != null) {
      throw failure;
    }
    changed.await();
  }
}
