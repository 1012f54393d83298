package zerofs.log;

import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import zerofs.base.Randomness;
import zerofs.base.Tasks;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.PutOutcome;
import zerofs.objectstore.StorageException;

/// Extends the log of one epoch: sends objects, settles what became of them, counts them as stored
/// in order of position.
///
/// A PUT goes on until it is settled: a store that is away is waited for, an outcome that is
/// unknown is found out by reading. A position that holds another writer's object deposes this one:
/// it sends and acknowledges nothing more.
///
/// Any task may send; the listener is told in order, one call at a time.
public final class LogWriter {
  private static final long RETRY_NANOS_MIN = 20_000_000L;
  private static final long RETRY_NANOS_MAX = 2_000_000_000L;

  private final ObjectStore store;
  private final LogFormat format;
  private final Tasks tasks;
  private final Randomness randomness;
  private final int epoch;
  private final String salt;
  private final Listener listener;
  private final Tasks.Mutex mutex;
  private final NavigableMap<Long, Settled> settled = new TreeMap<>();
  private long storedPosition;
  private boolean telling;
  private String lastNonce = LogHeader.NO_NONCE;

  /// Nonces of objects that do not count as stored yet, by position.
  private final Map<Long, String> nonces = new HashMap<>();

  private StorageException.@Nullable Fenced deposed;
  private volatile @Nullable String trouble;
  private volatile @Nullable Proof proof;

  /// When a request was sent whose answer showed that this writer was not deposed then, by both
  /// clocks: one of them may stop while the machine sleeps.
  ///
  /// A fence stands at the position that was the first free one when it was planted. So an object
  /// of ours proves something only together with all before it, and an absent one only if it is the
  /// first that does not count as stored: behind a fence positions are free, and PUTs succeed.
  private record Proof(long nanos, long wallNanos) {}

  /// An object that is in the store, and was not there when `sent` was.
  private record Settled(long lastSequence, Proof sent) {}

  /// Told what becomes of the log.
  public interface Listener {
    /// The object counts as stored, and so do all before it.
    void stored(long position, long lastSequence);

    /// Another writer owns the log. Once.
    void deposed(StorageException.Fenced reason);
  }

  /// @param nextPosition the first position to send
  public LogWriter(
      ObjectStore store,
      LogFormat format,
      Tasks tasks,
      Randomness randomness,
      int epoch,
      String salt,
      long nextPosition,
      Listener listener) {
    this.store = store;
    this.format = format;
    this.tasks = tasks;
    this.randomness = randomness;
    this.epoch = epoch;
    this.salt = salt;
    this.listener = listener;
    this.storedPosition = nextPosition - 1;
    this.mutex = tasks.newMutex("log writer");
  }

  private Proof now() {
    return new Proof(tasks.nanoTime(), tasks.wallNanos());
  }

  /// How long ago it was certain that no other writer had taken over, in nanoseconds; MAX_VALUE =
  /// that was never asked.
  public long unprovenNanos() {
    Proof last = proof;
    if (last == null) {
      return Long.MAX_VALUE;
    }
    return Math.max(tasks.nanoTime() - last.nanos(), tasks.wallNanos() - last.wallNanos());
  }

  private void proven(Proof sent) {
    mutex.lock();
    try {
      Proof last = proof;
      if (last == null || sent.nanos() - last.nanos() > 0) {
        proof = sent;
      }
    } finally {
      mutex.unlock();
    }
  }

  /// The header of the next object. Called in order of position.
  public LogHeader header(
      LogHeader.Kind kind, long position, long firstSequence, long lastSequence) {
    String nonce = newNonce();
    mutex.lock();
    try {
      String predecessor = lastNonce;
      lastNonce = nonce;
      nonces.put(position, nonce);
      return new LogHeader(
          kind,
          epoch,
          position,
          salt,
          nonce,
          predecessor,
          storedPosition,
          firstSequence,
          lastSequence);
    } finally {
      mutex.unlock();
    }
  }

  private String newNonce() {
    byte[] random = new byte[16];
    randomness.secret(random);
    return HexFormat.of().formatHex(random);
  }

  /// Sends an object; returns once it is settled. (It *counts* as stored once all before it do:
  /// Rule COUNT_IN_ORDER.)
  ///
  /// @throws StorageException.Fenced when another writer owns the log
  public void send(LogHeader header, Body body) throws StorageException {
    Proof sent = create(header, body, Cause.BARRIER);
    settle(header.position(), new Settled(header.lastSequence(), sent));
  }

  /// The header of a data segment.
  ///
  /// @param number never used before in this epoch
  public LogHeader dataHeader(long number) {
    return new LogHeader(
        LogHeader.Kind.DATA, epoch, number, salt, newNonce(), LogHeader.NO_NONCE, 0, 0, 0);
  }

  /// Sends a data segment; returns once it is stored.
  ///
  /// @throws StorageException.Fenced when another writer owns the log
  public void sendData(LogHeader header, Body body) throws StorageException {
    create(header, body, Cause.BULK);
  }

  /// Creates an object, however often it has to be tried.
  ///
  /// @return before what it was not there
  private Proof create(LogHeader header, Body body, Cause cause) throws StorageException {
    String key = header.id().key();
    long delay = RETRY_NANOS_MIN;
    Proof first = now();
    Proof sent;
    while (true) {
      throwIfDeposed();
      try {
        sent = now();
        // Rule CREATE_ONLY_LOG.
        PutOutcome outcome = store.put(key, body, cause);
        if (outcome == PutOutcome.CREATED) {
          break;
        }
        // Rule EXISTS_IS_READ: "exists" says nothing about whose it is; the nonce does.
        if (header.nonce().equals(nonceOf(key, cause))) {
          sent = first; // One of the tries, we don't know which.
          break;
        }
        throw depose(key + " is taken by another writer");
      } catch (StorageException.Unavailable
          | StorageException.OutcomeUnknown
          | StorageException.Refused e) {
        trouble = e.getMessage();
        tasks.sleep(1 + Math.floorMod(randomness.nextLong(), delay));
        delay = Math.min(2 * delay, RETRY_NANOS_MAX);
      }
    }
    trouble = null;
    return sent;
  }

  /// The nonce of a log object; null when it is not there: "exists", then nothing there, means that
  /// the position was taken and let go by a later history.
  private @Nullable String nonceOf(String key, Cause cause) throws StorageException {
    ObjectStore.Fetched footer = store.getSuffix(key, LogFormat.FOOTER_BYTES, cause);
    if (footer == null) {
      return null;
    }
    if (footer.bytes().remaining() < LogFormat.FOOTER_BYTES) {
      return "none";
    }
    byte[] nonce = new byte[16];
    footer.bytes().get(footer.bytes().position() + 56, nonce);
    return HexFormat.of().formatHex(nonce);
  }

  private void settle(long position, Settled object) {
    mutex.lock();
    try {
      settled.put(position, object);
      if (telling) {
        return; // Who is telling goes on with this one.
      }
      telling = true;
    } finally {
      mutex.unlock();
    }
    for (Map.Entry<Long, Settled> next = nextInOrder(); next != null; next = nextInOrder()) {
      proven(next.getValue().sent());
      listener.stored(next.getKey(), next.getValue().lastSequence());
    }
  }

  /// Counts the next object as stored; null, and nobody is telling any more, when it is not
  /// settled.
  private Map.@Nullable Entry<Long, Settled> nextInOrder() {
    mutex.lock();
    try {
      if (settled.isEmpty() || settled.firstKey() != storedPosition + 1) {
        telling = false;
        return null;
      }
      storedPosition++;
      nonces.remove(storedPosition);
      return settled.pollFirstEntry();
    } finally {
      mutex.unlock();
    }
  }

  /// Rule DEPOSED_STOPS: it never goes on at the next position.
  private StorageException.Fenced depose(String why) {
    StorageException.Fenced reason =
        new StorageException.Fenced(
            why
                + ": this process is deposed (epoch "
                + epoch
                + ") and acknowledges nothing more as durable");
    boolean first;
    mutex.lock();
    try {
      first = deposed == null;
      deposed = first ? reason : deposed;
    } finally {
      mutex.unlock();
    }
    if (first) {
      listener.deposed(reason);
    }
    return reason;
  }

  private void throwIfDeposed() throws StorageException.Fenced {
    mutex.lock();
    try {
      if (deposed != null) {
        throw new StorageException.Fenced(String.valueOf(deposed.getMessage()));
      }
    } finally {
      mutex.unlock();
    }
  }

  /// Tells that a manifest of this writer was refused: another one owns the volume.
  public StorageException.Fenced deposedByManifest(long number) {
    return depose("manifest " + number + " was written by another writer");
  }

  /// Looks whether the first position that does not count as stored is taken by another: so a
  /// deposed writer finds out as well when it has nothing to store, or its PUTs are refused.
  ///
  /// @throws StorageException.Fenced when another writer owns the log
  public void checkNext() throws StorageException {
    long position = nextToCount();
    Proof sent = now();
    String there = nonceOf(LogFormat.key(epoch, position), Cause.BARRIER);
    if (there == null) {
      proven(sent);
    } else if (!isOwn(position, there)) {
      throw depose("log position " + position + " is taken by another writer");
    }
  }

  private boolean isOwn(long position, String nonce) {
    mutex.lock();
    try {
      return storedPosition >= position || nonce.equals(nonces.get(position));
    } finally {
      mutex.unlock();
    }
  }

  private long nextToCount() {
    mutex.lock();
    try {
      return storedPosition + 1;
    } finally {
      mutex.unlock();
    }
  }

  /// Plants the epoch's own fence: everything committed counts as stored (Rule STOP_AFTER_STORED).
  public void closeCleanly(long position, long lastSequence) throws StorageException {
    LogHeader header = header(LogHeader.Kind.CLEAN_FENCE, position, 0, lastSequence);
    send(header, format.fence(header));
  }

  /// Why objects are not being stored just now; null when they are.
  public @Nullable String trouble() {
    return trouble;
  }
}
