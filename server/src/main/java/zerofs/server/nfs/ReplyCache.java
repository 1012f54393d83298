package zerofs.server.nfs;

import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Replies of calls that must not be done twice, for clients that send them again: the duplicate
/// request cache (Juszczak, "Improving the performance and correctness of an NFS server", 1989).
/// Keyed by client address, xid, length and checksum of the call, not by connection: a client that
/// reconnects sends again from another port. Replies are kept for two minutes, so that a client
/// that starts to count its xids from the same number again does not get an answer of its past.
///
/// A call that is being done is remembered until it is done, however many others come; there are no
/// more of these than requests may wait. Of the replies the oldest goes first.
final class ReplyCache {
  /// A client has at most some hundreds of calls under way.
  private static final int REPLIES_MAX = 8192;

  /// Clients send again after a minute at the latest, unless they are told otherwise.
  private static final long KEPT_NANOS = 120_000_000_000L;

  private final Tasks tasks;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal ended;
  private final Map<Key, Progress> inProgress = new HashMap<>();
  private final Map<Key, Reply> replies = new LinkedHashMap<>();

  /// Names a call of a client.
  record Key(String client, int xid, int length, int checksum) {}

  private record Reply(byte[] bytes, long atNanos) {}

  /// A call that is being done, for those who wait for its end.
  static final class Progress {
    private boolean ended;
    private byte @Nullable [] reply;
  }

  /// What the cache knows of a call.
  sealed interface Known {
    /// Never seen: it is being done now, by the asker.
    record No() implements Known {}

    /// Being done for an earlier copy.
    record InProgress(Progress progress) implements Known {}

    /// Done: its reply.
    record Done(ByteBuffer reply) implements Known {}
  }

  ReplyCache(Tasks tasks) {
    this.tasks = tasks;
    mutex = tasks.newMutex("reply cache");
    ended = mutex.newSignal();
  }

  Known begin(Key key) {
    mutex.lock();
    try {
      dropOld();
      Progress progress = inProgress.get(key);
      if (progress != null) {
        return new Known.InProgress(progress);
      }
      Reply reply = replies.get(key);
      if (reply != null) {
        return new Known.Done(ByteBuffer.wrap(reply.bytes()));
      }
      inProgress.put(key, new Progress());
      return new Known.No();
    } finally {
      mutex.unlock();
    }
  }

  private void dropOld() {
    long since = tasks.nanoTime() - KEPT_NANOS;
    Iterator<Reply> oldest = replies.values().iterator();
    while (oldest.hasNext()
        && (oldest.next().atNanos() - since < 0 || replies.size() > REPLIES_MAX)) {
      oldest.remove();
    }
  }

  /// Waits for the end of a call that is being done: its reply, or null when it got none.
  @Nullable ByteBuffer await(Progress progress) {
    mutex.lock();
    try {
      while (!progress.ended) {
        ended.await();
      }
      return progress.reply == null ? null : ByteBuffer.wrap(progress.reply);
    } finally {
      mutex.unlock();
    }
  }

  /// Keeps the reply of a call that was begun.
  void done(Key key, ByteBuffer reply) {
    byte[] copy = new byte[reply.remaining()];
    reply.get(reply.position(), copy);
    end(key, copy);
  }

  /// Forgets a call that ended without a reply: the next copy is done.
  void failed(Key key) {
    end(key, null);
  }

  private void end(Key key, byte @Nullable [] reply) {
    mutex.lock();
    try {
      Progress progress = inProgress.remove(key);
      if (progress != null) {
        progress.ended = true;
        progress.reply = reply;
        ended.signalAll();
      }
      if (reply != null) {
        replies.put(key, new Reply(reply, tasks.nanoTime()));
      }
    } finally {
      mutex.unlock();
    }
  }
}
