package zerofs.server.nfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import zerofs.base.Miss;
import zerofs.base.Tasks;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;

/// One client's TCP connection. Its own platform thread reads, serves what is in memory, and answers
/// all requests that one read brought with one gathered write. What must wait, for the store or for
/// a barrier, goes to a waiting task; replies may overtake each other (RFC 5531 allows it).
final class RpcConnection {
  private static final Logger LOG = LoggerFactory.getLogger(RpcConnection.class);

  /// Largest record: a WRITE of 1 MiB and its header.
  private static final int RECORD_BYTES_MAX = Filesystem.IO_BYTES_MAX + (64 << 10);

  private static final int LAST_FRAGMENT = 0x80000000;
  private static final int BUFFER_BYTES = 2 * RECORD_BYTES_MAX;
  private static final int READDIR_PLAIN_BYTES = 262_144;

  /// Requests that wait; with more, the connection reads no further.
  private static final int WAITING_MAX = 256;

  private final SocketChannel channel;
  private final String client;
  private final NfsService service;
  private final Filesystem fs;
  private final ReplyCache replies;
  private final ReplyBuffers buffers;
  private final Tasks tasks;
  private final Tasks.Mutex sending;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal fewer;
  private final Deque<ByteBuffer> ready = new ArrayDeque<>();
  private int waiting;

  RpcConnection(
      SocketChannel channel,
      String client,
      NfsService service,
      Filesystem fs,
      ReplyCache replies,
      ReplyBuffers buffers,
      Tasks tasks) {
    this.channel = channel;
    this.client = client;
    this.service = service;
    this.fs = fs;
    this.replies = replies;
    this.buffers = buffers;
    this.tasks = tasks;
    this.sending = tasks.newMutex("connection sending");
    this.mutex = tasks.newMutex("connection");
    this.fewer = mutex.newSignal();
  }

  /// Serves until the client leaves, or sends what can't be understood.
  void run() {
    ByteBuffer in = ByteBuffer.allocateDirect(BUFFER_BYTES);
    try (channel) {
      while (channel.read(in) >= 0) {
        in.flip();
        while (serveNext(in)) {
          // All records that are whole.
        }
        in.compact();
        flush();
      }
    } catch (XdrException e) {
      LOG.warn("closing the connection of {}: it sent no RPC ({})", client, e.getMessage());
    } catch (IOException e) {
      LOG.debug("connection of {} ended: {}", client, e.toString());
    } finally {
      awaitWaiting(0);
    }
  }

  void close() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("closing the connection of {}: {}", client, e.toString());
    }
  }

  /// Serves the record at the position of `in`, if it is whole (RFC 5531 §11).
  private boolean serveNext(ByteBuffer in) throws XdrException {
    int start = in.position();
    int at = start;
    int length = 0;
    List<ByteBuffer> fragments = new ArrayList<>(1);
    boolean last = false;
    while (!last) {
      if (in.limit() - at < 4) {
        return false;
      }
      int mark = in.getInt(at);
      int bytes = mark & ~LAST_FRAGMENT;
      last = (mark & LAST_FRAGMENT) != 0;
      length += bytes;
      if (bytes > RECORD_BYTES_MAX || length > RECORD_BYTES_MAX || fragments.size() > 64) {
        throw new XdrException("a record of " + length + " bytes or more");
      }
      if (in.limit() - at - 4 < bytes) {
        return false;
      }
      fragments.add(in.slice(at + 4, bytes));
      at += 4 + bytes;
    }
    serve(fragments.size() == 1 ? fragments.getFirst() : joined(fragments, length));
    in.position(at);
    return true;
  }

  private static ByteBuffer joined(List<ByteBuffer> fragments, int length) {
    ByteBuffer record = ByteBuffer.allocateDirect(length);
    fragments.forEach(record::put);
    return record.flip();
  }

  private void serve(ByteBuffer record) throws XdrException {
    XdrReader in = new XdrReader(record);
    RpcCall call = RpcCall.decode(in);
    NfsProcedure procedure = NfsService.procedure(call);
    ReplyCache.Key key = null;
    if (procedure != null && procedure.changesNames()) {
      key = new ReplyCache.Key(client, call.xid(), checksum(record));
      switch (replies.begin(key)) {
        case ReplyCache.Known.No() -> {}
        case ReplyCache.Known.InProgress() -> {
          return;
        }
        case ReplyCache.Known.Done(ByteBuffer reply) -> {
          ready.add(reply);
          return;
        }
      }
    }
    attempt(record, call, procedure, in, key);
  }

  private void attempt(
      ByteBuffer record,
      RpcCall call,
      @Nullable NfsProcedure procedure,
      XdrReader in,
      ReplyCache.@Nullable Key key) {
    ByteBuffer out = buffers.take(replyBytes(procedure));
    try {
      NfsService.Served served = service.serve(call, in, false, out);
      if (served.stableSequence() <= fs.storedSequence()) {
        answered(key, served.reply());
        ready.add(served.reply());
      } else {
        handOff(() -> finishStable(served, key));
      }
    } catch (Miss e) {
      buffers.giveBack(out);
      ByteBuffer copy = ByteBuffer.allocateDirect(record.limit()).put(record.duplicate().rewind());
      handOff(() -> serveWaiting(copy.flip(), procedure, key));
    } catch (FsException | RuntimeException e) {
      dropped(key, e);
    }
  }

  private static int replyBytes(@Nullable NfsProcedure procedure) {
    return switch (procedure) {
      case READ -> Filesystem.IO_BYTES_MAX;
      case READDIR, READDIRPLUS -> READDIR_PLAIN_BYTES;
      case null -> 0;
      default -> 0;
    };
  }

  private static int checksum(ByteBuffer record) {
    CRC32C crc = new CRC32C();
    crc.update(record.duplicate().rewind());
    return (int) crc.getValue();
  }

  /// Runs the rest of a request where it may wait. Waits itself when too many do.
  private void handOff(Runnable rest) {
    awaitWaiting(WAITING_MAX - 1);
    mutex.lock();
    try {
      waiting++;
    } finally {
      mutex.unlock();
    }
    tasks.fork(
        "nfs request",
        Tasks.Kind.WAITING,
        () -> {
          try {
            rest.run();
          } finally {
            mutex.lock();
            try {
              waiting--;
              fewer.signalAll();
            } finally {
              mutex.unlock();
            }
          }
        });
  }

  private void awaitWaiting(int max) {
    mutex.lock();
    try {
      while (waiting > max) {
        fewer.await();
      }
    } finally {
      mutex.unlock();
    }
  }

  private void serveWaiting(
      ByteBuffer record, @Nullable NfsProcedure procedure, ReplyCache.@Nullable Key key) {
    ByteBuffer out = buffers.take(replyBytes(procedure));
    try {
      XdrReader in = new XdrReader(record);
      RpcCall call = RpcCall.decode(in);
      finishStable(service.serve(call, in, true, out), key);
    } catch (FsException | XdrException | RuntimeException e) {
      dropped(key, e);
    }
  }

  private void finishStable(NfsService.Served served, ReplyCache.@Nullable Key key) {
    try {
      fs.barrier(served.stableSequence());
    } catch (FsException e) {
      dropped(key, e);
      return;
    }
    answered(key, served.reply());
    send(List.of(served.reply()));
  }

  private void answered(ReplyCache.@Nullable Key key, ByteBuffer reply) {
    if (key != null) {
      replies.done(key, reply);
    }
  }

  /// A request that gets no answer: the volume is gone, or a bug was met. The connection is closed,
  /// so that the client comes again (to whoever serves the volume then) instead of seeing an error.
  private void dropped(ReplyCache.@Nullable Key key, Exception reason) {
    if (key != null) {
      replies.failed(key);
    }
    if (reason instanceof RuntimeException) {
      LOG.error("a request of {} failed", client, reason);
    }
    close();
  }

  private void flush() {
    if (ready.isEmpty()) {
      return;
    }
    List<ByteBuffer> batch = new ArrayList<>(ready);
    ready.clear();
    send(batch);
  }

  private void send(List<ByteBuffer> batch) {
    sending.lock();
    try {
      ByteBuffer[] parts = batch.toArray(new ByteBuffer[0]);
      long left = 0;
      for (ByteBuffer each : parts) {
        left += each.remaining();
      }
      while (left > 0) {
        left -= channel.write(parts);
      }
    } catch (IOException e) {
      close();
    } finally {
      sending.unlock();
    }
    batch.forEach(buffers::giveBack);
  }
}
