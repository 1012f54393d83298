package zerofs.simulation;

import java.util.Arrays;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import zerofs.base.SeededRandomness;
import zerofs.codec.KeyObject;
import zerofs.codec.Keys;
import zerofs.codec.VolumeObject;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;

/// The password of a volume, as its owner knows it.
final class Password {
  private static final String ID = "00112233445566778899aabbccddeeff";
  private static final byte[] DATA_KEY = new byte[32];

  private final CrashWorld world;
  private String current;

  /// What it is being changed to; null = it is not.
  private @Nullable String next;

  private int changes;

  /// Gives the volume of a world its first password.
  Password(CrashWorld world, String first) {
    this.world = world;
    this.current = first;
    byte[] id = HexFormat.of().parseHex(ID);
    ObjectStore store = world.store();
    byte[] key = KeyObject.create(first, id, DATA_KEY, new SeededRandomness(1));
    try {
      store.put(VolumeObject.KEY, Body.of(new VolumeObject(0, 0, 0, ID, 0).encode()), Cause.ADMIN);
      store.put("key/0000000001", Body.of(key), Cause.ADMIN);
    } catch (StorageException e) {
      throw new IllegalStateException("a store in memory fails", e);
    }
  }

  void change(String to) throws StorageException {
    next = to;
    VolumeSecrets.changePassword(world.wire(), current, to, new SeededRandomness(10 + ++changes));
    current = to;
    next = null;
  }

  /// One password opens the volume: the last one or, when a change to another was not answered,
  /// that one or the one before.
  void check() throws StorageException {
    boolean opens = opens(current);
    String changedTo = next;
    if (changedTo == null ? !opens : opens == opens(changedTo)) {
      throw new IllegalStateException(
          "password " + current + (opens ? " opens" : " does not open") + ", changed to " + next);
    }
  }

  private boolean opens(String password) throws StorageException {
    try {
      Keys opened = VolumeSecrets.open(world.store(), password).keys();
      Keys right = new Keys(DATA_KEY, HexFormat.of().parseHex(ID));
      if (!Arrays.equals(probe(opened), probe(right))) {
        throw new IllegalStateException("password " + password + " opens another volume");
      }
      return true;
    } catch (StorageException.Invalid e) {
      if (e.reason() != StorageException.Invalid.Reason.WRONG_PASSWORD) {
        throw e;
      }
      return false;
    }
  }

  private static byte[] probe(Keys keys) {
    return keys.derive("probe", new byte[0], new byte[0]);
  }
}
