package zerofs.server.nfs;

import java.nio.ByteBuffer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import zerofs.base.Tasks;

/// Replies of calls that must not be done twice, for clients that send them again: the duplicate
/// request cache (Juszczak, "Improving the performance and correctness of an NFS server", 1989).
/// Keyed by client address, xid and a checksum of the call, not by connection: a client that
/// reconnects sends again from another port. Bounded; the oldest goes first.
final class ReplyCache {
  /// A client has at most some hundreds of calls under way.
  private static final int ENTRIES_MAX = 4096;

  private final Tasks.Mutex mutex;
  private final Map<Key, Entry> entries = new LinkedHashMap<>();

  /// Names a call of a client.
  record Key(String client, int xid, int checksum) {}

  private static final class Entry {
    private byte @Nullable [] reply;
  }

  /// What the cache knows of a call.
  sealed interface Known {
    /// Never seen: it is being done now, by the asker.
    record No() implements Known {}

    /// Being done: drop this copy, the answer will come.
    record InProgress() implements Known {}

    /// Done: its reply.
    record Done(ByteBuffer reply) implements Known {}
  }

  ReplyCache(Tasks tasks) {
    mutex = tasks.newMutex("reply cache");
  }

  Known begin(Key key) {
    mutex.lock();
    try {
      Entry entry = entries.get(key);
      if (entry != null) {
        byte[] reply = entry.reply;
        return reply == null ? new Known.InProgress() : new Known.Done(ByteBuffer.wrap(reply));
      }
      entries.put(key, new Entry());
      if (entries.size() > ENTRIES_MAX) {
        Iterator<Key> oldest = entries.keySet().iterator();
        oldest.next();
        oldest.remove();
      }
      return new Known.No();
    } finally {
      mutex.unlock();
    }
  }

  /// Keeps the reply of a call that was begun.
  void done(Key key, ByteBuffer reply) {
    byte[] copy = new byte[reply.remaining()];
    reply.get(reply.position(), copy);
    mutex.lock();
    try {
      Entry entry = entries.get(key);
      if (entry != null) {
        entry.reply = copy;
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Forgets a call that ended without a reply: the next copy is done.
  void failed(Key key) {
    mutex.lock();
    try {
      entries.remove(key);
    } finally {
      mutex.unlock();
    }
  }
}
