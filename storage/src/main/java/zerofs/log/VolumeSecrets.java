package zerofs.log;

import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import zerofs.base.Randomness;
import zerofs.base.Tasks;
import zerofs.codec.KeyObject;
import zerofs.codec.Keys;
import zerofs.codec.ObjectEnvelope;
import zerofs.codec.VolumeObject;
import zerofs.manifest.Manifest;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.ObjectStore.Listed;
import zerofs.objectstore.ObjectStore.PutOutcome;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StorageException.Invalid.Reason;

/// Who a volume is and the key that opens it: the objects `volume` and `key/<number>`.
///
/// @param volumeId 16 bytes in hexadecimal
/// @param keys derives all keys of the volume; a secret
public record VolumeSecrets(String volumeId, Keys keys) {
  private static final String KEY_PREFIX = "key/";
  private static final int OBJECT_BYTES_MAX = 64 << 10;

  /// The id as bytes.
  public byte[] idBytes() {
    return HexFormat.of().parseHex(volumeId);
  }

  private static String keyName(long number) {
    return KEY_PREFIX + String.format("%010x", number);
  }

  /// Opens the volume of a store by its password. Changes nothing.
  public static VolumeSecrets open(ObjectStore store, String password) throws StorageException {
    VolumeObject volume = readVolume(store);
    if (volume == null) {
      throw new StorageException.Invalid(
          Reason.NOT_A_VOLUME,
          "there is no ZeroFS volume at this storage url: correct it, or make a volume there with"
              + " 'zerofs quickstart' or 'zerofs init'");
    }
    byte[] id = HexFormat.of().parseHex(volume.volumeId());
    byte[] dataKey = KeyObject.open(password, id, newestKey(store).bytes());
    return new VolumeSecrets(volume.volumeId(), new Keys(dataKey, id));
  }

  private static @org.jspecify.annotations.Nullable VolumeObject readVolume(ObjectStore store)
      throws StorageException {
    Fetched object = store.get(VolumeObject.KEY, 0, OBJECT_BYTES_MAX, Cause.STARTUP);
    return object == null ? null : VolumeObject.decode(object.bytes());
  }

  private static Fetched newestKey(ObjectStore store) throws StorageException {
    String missing = "";
    while (true) {
      List<Listed> names = store.list(KEY_PREFIX, "", 1000, Cause.STARTUP);
      if (names.isEmpty()) {
        throw new StorageException.Corrupt("the volume has no key object: key/ is empty");
      }
      String name = names.getLast().key();
      if (name.equals(missing)) {
        throw new StorageException.Corrupt("object " + name + " is missing");
      }
      Fetched object = store.get(name, 0, OBJECT_BYTES_MAX, Cause.STARTUP);
      if (object != null) {
        return object;
      }
      missing = name; // The password was changed between LIST and GET: a newer key is there.
    }
  }

  /// Makes a volume where there is nothing, or finishes one whose making was cut short, or opens
  /// the one that is there. Order: `volume`, key, manifest 1; the manifest, written last, makes it
  /// a volume.
  ///
  /// @throws StorageException.Invalid FOREIGN_OBJECTS when something else lies there
  public static VolumeSecrets createOrOpen(
      ObjectStore store, String password, Tasks tasks, Randomness randomness)
      throws StorageException {
    if (store.list(ManifestStore.PREFIX, "", 1, Cause.STARTUP).isEmpty()) {
      requireNothingElse(store);
      create(store, password, tasks, randomness);
    }
    return open(store, password);
  }

  private static void requireNothingElse(ObjectStore store) throws StorageException {
    for (Listed each : store.list("", "", 1000, Cause.STARTUP)) {
      String key = each.key();
      boolean ours =
          key.equals(VolumeObject.KEY) || key.startsWith(KEY_PREFIX) || key.startsWith("probe/");
      if (!ours && store.get(VolumeObject.KEY, 0, 1, Cause.STARTUP) != null) {
        throw new StorageException.Corrupt(
            "the volume has no manifest any more, but still holds '"
                + key
                + "': nothing was changed; restore the objects below manifest/");
      }
      if (!ours) {
        throw new StorageException.Invalid(
            Reason.FOREIGN_OBJECTS,
            "the storage url is in use by something that is not a ZeroFS volume (it holds '"
                + key
                + "'): give an empty prefix");
      }
    }
  }

  private static void create(ObjectStore store, String password, Tasks tasks, Randomness randomness)
      throws StorageException {
    VolumeObject volume = readVolume(store);
    if (volume == null) {
      byte[] id = new byte[16];
      randomness.secret(id);
      volume = new VolumeObject(0, 0, 0, HexFormat.of().formatHex(id), tasks.wallNanos());
      if (create(store, VolumeObject.KEY, volume.encode()) == PutOutcome.EXISTS) {
        volume = java.util.Objects.requireNonNull(readVolume(store));
      }
    }
    byte[] id = HexFormat.of().parseHex(volume.volumeId());
    byte[] dataKey = new byte[32];
    randomness.secret(dataKey);
    create(store, keyName(1), KeyObject.create(password, id, dataKey, randomness));
    // Whoever's key object stands there now is the volume's; a wrong password shows here.
    VolumeSecrets secrets = open(store, password);
    ManifestStore manifests =
        new ManifestStore(store, new ObjectEnvelope(secrets.keys(), id, randomness));
    Manifest first = new Manifest(1, 0, 0, 0, false, List.of(), List.of());
    create(store, ManifestStore.key(1), manifests.seal(first));
  }

  private static PutOutcome create(ObjectStore store, String key, byte[] bytes)
      throws StorageException {
    try {
      return store.put(key, Body.of(bytes), Cause.STARTUP);
    } catch (StorageException.OutcomeUnknown e) {
      return store.put(key, Body.of(bytes), Cause.STARTUP);
    }
  }

  /// Whether the object stands there with these bytes: after a lost reply "exists" may be our own.
  private static boolean isStored(ObjectStore store, String key, byte[] bytes)
      throws StorageException {
    try {
      if (store.put(key, Body.of(bytes), Cause.ADMIN) == PutOutcome.CREATED) {
        return true;
      }
    } catch (StorageException.OutcomeUnknown e) {
      if (store.put(key, Body.of(bytes), Cause.ADMIN) == PutOutcome.CREATED) {
        return true;
      }
    }
    Fetched there = store.get(key, 0, OBJECT_BYTES_MAX, Cause.ADMIN);
    return there != null && there.bytes().equals(ByteBuffer.wrap(bytes));
  }

  /// Wraps the data key by another password. The old key object goes once the new one is stored.
  public static void changePassword(
      ObjectStore store, String oldPassword, String newPassword, Randomness randomness)
      throws StorageException {
    VolumeObject volume = readVolume(store);
    if (volume == null) {
      throw new StorageException.Invalid(Reason.NOT_A_VOLUME, "there is no ZeroFS volume there");
    }
    byte[] id = HexFormat.of().parseHex(volume.volumeId());
    List<Listed> names = store.list(KEY_PREFIX, "", 1000, Cause.ADMIN);
    byte[] dataKey = KeyObject.open(oldPassword, id, newestKey(store).bytes());
    String newest = names.getLast().key();
    String next = keyName(Long.parseLong(newest.substring(KEY_PREFIX.length()), 16) + 1);
    byte[] wrapped = KeyObject.create(newPassword, id, dataKey, randomness);
    // The number may have been free because it was used and deleted: only the highest counts.
    if (!isStored(store, next, wrapped)
        || !store.list(KEY_PREFIX, "", 1000, Cause.ADMIN).getLast().key().equals(next)) {
      throw new StorageException.Refused(
          "the password was changed by someone else at the same time: try again");
    }
    for (Listed each : names) {
      store.delete(each.key(), Cause.ADMIN);
    }
  }
}
