package zerofs.manifest;

import java.util.List;
import org.jspecify.annotations.Nullable;
import zerofs.codec.ObjectEnvelope;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.PutOutcome;
import zerofs.objectstore.StorageException;

/// Reads and creates manifests. Names count down, so that the newest sorts first and a LIST of one
/// finds it. Any thread.
public final class ManifestStore {
  /// Where manifests lie.
  public static final String PREFIX = "manifest/";

  /// A manifest is read whole; more than this is no manifest.
  private static final int BYTES_MAX = 64 << 20;

  private final ObjectStore store;
  private final ObjectEnvelope envelope;

  public ManifestStore(ObjectStore store, ObjectEnvelope envelope) {
    this.store = store;
    this.envelope = envelope;
  }

  /// The key of a manifest.
  public static String key(long number) {
    String hex = Long.toHexString(Long.MAX_VALUE - number);
    return PREFIX + "0".repeat(16 - hex.length()) + hex;
  }

  /// The newest manifest; null when there is none.
  public @Nullable Manifest newest(Cause cause) throws StorageException {
    String missing = "";
    while (true) {
      List<ObjectStore.Listed> first = store.list(PREFIX, "", 1, cause);
      if (first.isEmpty()) {
        return null;
      }
      String key = first.getFirst().key();
      if (key.equals(missing)) {
        throw new StorageException.Corrupt(
            "object " + key + " is missing, though the store lists it");
      }
      Manifest manifest = open(key, cause);
      if (manifest != null) {
        return manifest;
      }
      missing = key; // Deleted between LIST and GET: a newer one has taken its place.
    }
  }

  /// The number in a key; 0 when it is not a manifest's.
  public static long number(String key) {
    try {
      long number = Long.MAX_VALUE - Long.parseLong(key.substring(PREFIX.length()), 16);
      return number > 0 && key.equals(key(number)) ? number : 0;
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  /// Number of the newest manifest; 0 when there is none.
  public long newestNumber(Cause cause) throws StorageException {
    List<ObjectStore.Listed> first = store.list(PREFIX, "", 1, cause);
    if (first.isEmpty()) {
      return 0;
    }
    long number = number(first.getFirst().key());
    if (number == 0) {
      throw new StorageException.Corrupt(
          "object " + first.getFirst().key() + " is not a manifest's name");
    }
    return number;
  }

  /// The manifest of a number; null when there is none.
  public @Nullable Manifest read(long number, Cause cause) throws StorageException {
    return open(key(number), cause);
  }

  private @Nullable Manifest open(String key, Cause cause) throws StorageException {
    ObjectStore.Fetched object = store.getSuffix(key, BYTES_MAX, cause);
    if (object == null) {
      return null;
    }
    byte[] payload =
        envelope.open(key, ObjectEnvelope.MANIFEST, ManifestFormat.VERSION, object.bytes());
    Manifest manifest = ManifestFormat.decode(key, payload);
    if (!key(manifest.number()).equals(key)) {
      throw new StorageException.Corrupt(key + " holds manifest " + manifest.number());
    }
    return manifest;
  }

  /// A manifest in the form that is stored: its random nonce tells it from any other attempt.
  public byte[] seal(Manifest manifest) {
    return envelope.seal(
        key(manifest.number()),
        ObjectEnvelope.MANIFEST,
        ManifestFormat.VERSION,
        ManifestFormat.encode(manifest));
  }

  /// How a PUT of a manifest ended.
  public enum Outcome {
    /// It is stored.
    STORED,
    /// Its number holds another manifest.
    TAKEN,
    /// It was refused as existing, and reading finds nothing: the number was deleted meanwhile.
    GONE
  }

  /// Creates a manifest and settles the outcome: what the store does not know is found out by
  /// reading (Rule EXISTS_IS_READ).
  public Outcome put(Manifest manifest, byte[] sealed, Cause cause) throws StorageException {
    String key = key(manifest.number());
    try {
      if (store.put(key, Body.of(sealed), cause) == PutOutcome.CREATED) {
        return Outcome.STORED;
      }
    } catch (StorageException.OutcomeUnknown e) {
      // It may still be on its way, so absence proves nothing: only a second PUT does.
      if (store.put(key, Body.of(sealed), cause) == PutOutcome.CREATED) {
        return Outcome.STORED;
      }
    }
    ObjectStore.Fetched there = store.get(key, 0, sealed.length + 1, cause);
    if (there == null) {
      return Outcome.GONE;
    }
    return there.bytes().equals(java.nio.ByteBuffer.wrap(sealed)) ? Outcome.STORED : Outcome.TAKEN;
  }
}
