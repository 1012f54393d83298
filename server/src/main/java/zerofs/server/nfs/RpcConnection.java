package zerofs.server.nfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
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

/// One client's TCP connection. Its own platform thread reads, serves what is in memory, and
/// answers all requests that one read brought with one write. What must wait, for the store or for
/// a barrier, goes to a waiting task; replies may overtake each other (RFC 5531 allows it).
///
/// What a client can make it hold is bounded: two small buffers of its own, 256 requests that wait,
/// and a share of what all connections have together ([WireMemory]).
final class RpcConnection implements WireMemory.Holder {
  private static final Logger LOG = LoggerFactory.getLogger(RpcConnection.class);

  /// Requests that wait; with more, the connection reads no further.
  private static final int WAITING_MAX = 256;

  /// What a request that waits takes besides its copy: a task, a reply of usual size.
  private static final int WAITING_BYTES = 2 << 10;

  private final SocketChannel channel;
  private final String client;
  private final NfsService service;
  private final Filesystem fs;
  private final Shared shared;
  private final Tasks tasks;
  private final RecordInput input;
  private final ReplyOutput output;
  private final Tasks.Mutex mutex;
  private final Tasks.Signal fewer;
  private int waiting;
  private long waitingBytes;
  private volatile boolean hasServed;
  private volatile long readingSinceNanos;

  /// What all connections of a server have together.
  ///
  /// @param counters what becomes of requests
  /// @param garbage warns of clients that send what is no request
  /// @param records memory for records that are arriving
  /// @param requests memory for requests that wait, and large replies
  record Shared(
      ReplyCache replies,
      ReplyBuffers buffers,
      NfsCounters counters,
      SeldomWarning garbage,
      WireMemory records,
      WireMemory requests) {}

  RpcConnection(
      SocketChannel channel,
      String client,
      NfsService service,
      Filesystem fs,
      Shared shared,
      Tasks tasks) {
    this.channel = channel;
    this.client = client;
    this.service = service;
    this.fs = fs;
    this.shared = shared;
    this.tasks = tasks;
    this.input = new RecordInput(shared.records(), this, shared.buffers());
    this.output = new ReplyOutput(channel, tasks);
    this.mutex = tasks.newMutex("connection");
    this.fewer = mutex.newSignal();
    this.readingSinceNanos = tasks.nanoTime();
  }

  /// Serves until the client leaves, or sends what can't be understood.
  void run() {
    try (channel) {
      while (read()) {
        ByteBuffer record = input.next();
        while (record != null) {
          serve(record);
          record = input.next();
        }
        output.flush();
      }
    } catch (XdrException e) {
      shared
          .garbage()
          .warn(
              "closing the connection of " + client + ": it sent no RPC (" + e.getMessage() + ")");
    } catch (IOException e) {
      LOG.debug("connection of {} ended: {}", client, e.toString());
    } catch (RuntimeException e) {
      LOG.error("the connection of {} failed", client, e);
    } finally {
      input.release();
      awaitWaiting(0, 0, 0);
    }
  }

  private boolean read() throws IOException {
    input.prepare();
    readingSinceNanos = tasks.nanoTime();
    try {
      return input.read(channel);
    } finally {
      readingSinceNanos = Long.MAX_VALUE;
    }
  }

  @Override
  public long stuckSinceNanos() {
    return Math.min(
        output.sendingSinceNanos(), input.isLarge() ? readingSinceNanos : Long.MAX_VALUE);
  }

  /// Since when it has nothing to do; Long.MAX_VALUE when it has.
  long idleSinceNanos() {
    mutex.lock();
    try {
      return waiting > 0 ? Long.MAX_VALUE : readingSinceNanos;
    } finally {
      mutex.unlock();
    }
  }

  /// Whether its client has ever sent a call that was understood.
  boolean hasServed() {
    return hasServed;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      LOG.debug("closing the connection of {}: {}", client, e.toString());
    }
  }

  private void serve(ByteBuffer record) throws XdrException, IOException {
    long started = tasks.nanoTime();
    XdrReader in = new XdrReader(record);
    RpcCall call = RpcCall.decode(in);
    hasServed = true;
    NfsProcedure procedure = NfsService.procedure(call);
    ReplyCache.Key key = null;
    if (procedure != null && procedure.changesNames()) {
      key = new ReplyCache.Key(client, call.xid(), record.limit(), checksum(record));
      switch (shared.replies().begin(key)) {
        case ReplyCache.Known.No() -> {}
        case ReplyCache.Known.InProgress(ReplyCache.Progress progress) -> {
          shared.counters().repeated();
          admit(0); // Not for memory: what it waits for may be waiting for that itself.
          fork(0, () -> answerAgain(progress));
          return;
        }
        case ReplyCache.Known.Done(ByteBuffer reply) -> {
          shared.counters().repeated();
          output.add(reply);
          return;
        }
      }
    }
    Pending pending = new Pending(procedure, key, NfsService.replyBytes(procedure, in), started);
    if (pending.replyBytes() <= ReplyOutput.SMALL_BYTES) {
      attempt(record, call, in, pending);
    } else {
      attemptLarge(record, call, in, pending);
    }
  }

  /// What is known of a request besides its bytes.
  ///
  /// @param procedure null when it is not of NFS
  /// @param replyBytes room that its reply takes
  /// @param startedNanos when it was read
  private record Pending(
      @Nullable NfsProcedure procedure,
      ReplyCache.@Nullable Key key,
      int replyBytes,
      long startedNanos) {}

  private static int checksum(ByteBuffer record) {
    CRC32C crc = new CRC32C();
    crc.update(record.duplicate().rewind());
    return (int) crc.getValue();
  }

  private void attempt(ByteBuffer record, RpcCall call, XdrReader in, Pending pending)
      throws IOException {
    NfsService.Served served;
    try {
      served = service.serve(call, in, false, output.slot());
    } catch (Miss e) {
      handOff(record, pending);
      return;
    } catch (FsException | RuntimeException e) {
      dropped(pending.key(), e);
      return;
    }
    if (served.stableSequence() <= fs.storedSequence()) {
      answered(pending, served.reply());
      output.addSlot(served.reply());
    } else {
      byte[] reply = new byte[served.reply().remaining()];
      served.reply().get(reply);
      long sequence = served.stableSequence();
      admit(WAITING_BYTES);
      fork(WAITING_BYTES, () -> finishStable(ByteBuffer.wrap(reply), sequence, pending));
    }
  }

  /// Serves a request whose reply is large, from memory that all connections share. Such requests
  /// change nothing.
  private void attemptLarge(ByteBuffer record, RpcCall call, XdrReader in, Pending pending)
      throws IOException {
    if (!shared.requests().tryTake(this, pending.replyBytes())) {
      output.flush();
      shared.requests().take(this, pending.replyBytes());
    }
    ByteBuffer out = shared.buffers().take(pending.replyBytes());
    boolean missed = false;
    try {
      ByteBuffer reply = service.serve(call, in, false, out).reply();
      answered(pending, reply);
      output.flushWith(reply);
    } catch (Miss e) {
      missed = true;
    } catch (FsException | RuntimeException e) {
      dropped(pending.key(), e);
    } finally {
      shared.buffers().giveBack(out);
      shared.requests().giveBack(this, pending.replyBytes());
    }
    if (missed) {
      handOff(record, pending);
    }
  }

  /// Serves a request again where it may wait for what it missed.
  private void handOff(ByteBuffer record, Pending pending) throws IOException {
    int bytes = record.limit();
    boolean isLarge = bytes > ReplyOutput.SMALL_BYTES;
    long copied = isLarge ? ReplyBuffers.capacity(bytes) : 0;
    long held = copied + WAITING_BYTES + pending.replyBytes();
    admit(held);
    ByteBuffer copy = isLarge ? shared.buffers().take(bytes) : ByteBuffer.allocate(bytes);
    copy.put(0, record, 0, bytes).limit(bytes);
    fork(
        held,
        () -> {
          serveWaiting(copy, pending);
          if (isLarge) {
            shared.buffers().giveBack(copy);
          }
        });
  }

  /// Waits until one more request may wait, with memory for it. What was answered before is sent
  /// first.
  private void admit(long bytes) throws IOException {
    if (!isAdmissible(bytes) || !shared.requests().tryTake(this, bytes)) {
      output.flush();
      awaitWaiting(WAITING_MAX - 1, shared.requests().shareBytes(), bytes);
      if (bytes > 0) {
        shared.requests().take(this, bytes);
      }
    }
  }

  private boolean isAdmissible(long bytes) {
    mutex.lock();
    try {
      return fits(WAITING_MAX - 1, shared.requests().shareBytes(), bytes);
    } finally {
      mutex.unlock();
    }
  }

  private boolean fits(int count, long shareBytes, long bytes) {
    return waiting <= count && (waiting == 0 || waitingBytes + bytes <= shareBytes);
  }

  private void awaitWaiting(int count, long shareBytes, long bytes) {
    mutex.lock();
    try {
      while (!fits(count, shareBytes, bytes)) {
        fewer.await();
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Runs the rest of an admitted request where it may wait.
  private void fork(long bytes, Runnable rest) {
    mutex.lock();
    try {
      waiting++;
      waitingBytes += bytes;
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
            ended(bytes);
          }
        });
  }

  private void ended(long bytes) {
    shared.requests().giveBack(this, bytes);
    mutex.lock();
    try {
      waiting--;
      waitingBytes -= bytes;
      fewer.signalAll();
    } finally {
      mutex.unlock();
    }
  }

  private void serveWaiting(ByteBuffer record, Pending pending) {
    boolean isLarge = pending.replyBytes() > ReplyOutput.SMALL_BYTES;
    ByteBuffer out =
        isLarge
            ? shared.buffers().take(pending.replyBytes())
            : ByteBuffer.allocate(ReplyOutput.SMALL_BYTES);
    try {
      XdrReader in = new XdrReader(record);
      RpcCall call = RpcCall.decode(in);
      NfsService.Served served = service.serve(call, in, true, out);
      finishStable(served.reply(), served.stableSequence(), pending);
    } catch (FsException | XdrException | RuntimeException e) {
      dropped(pending.key(), e);
    } finally {
      if (isLarge) {
        shared.buffers().giveBack(out);
      }
    }
  }

  private void finishStable(ByteBuffer reply, long sequence, Pending pending) {
    try {
      service.awaitStable(sequence);
    } catch (FsException e) {
      dropped(pending.key(), e);
      return;
    }
    answered(pending, reply);
    send(reply);
  }

  /// Answers a copy of a request that is being done, which came by a new connection most likely.
  private void answerAgain(ReplyCache.Progress progress) {
    ByteBuffer reply = shared.replies().await(progress);
    if (reply == null) {
      close();
    } else {
      send(reply);
    }
  }

  private void answered(Pending pending, ByteBuffer reply) {
    ReplyCache.Key key = pending.key();
    if (key != null) {
      shared.replies().done(key, reply);
    }
    NfsProcedure procedure = pending.procedure();
    if (procedure != null) {
      shared.counters().answered(procedure, tasks.nanoTime() - pending.startedNanos());
    }
  }

  /// A request that gets no answer: the volume is gone, or a bug was met. The connection is closed,
  /// so that the client comes again (to whoever serves the volume then) instead of seeing an error.
  private void dropped(ReplyCache.@Nullable Key key, Exception reason) {
    shared.counters().unanswered();
    if (key != null) {
      shared.replies().failed(key);
    }
    if (reason instanceof RuntimeException) {
      LOG.error("a request of {} failed", client, reason);
    }
    close();
  }

  private void send(ByteBuffer reply) {
    try {
      output.send(reply);
    } catch (IOException e) {
      LOG.debug("connection of {} ended: {}", client, e.toString());
      close();
    }
  }

  @Override
  public String toString() {
    return "the connection of " + client;
  }
}
