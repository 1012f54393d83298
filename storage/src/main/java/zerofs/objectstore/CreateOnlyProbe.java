package zerofs.objectstore;

import java.util.HexFormat;
import zerofs.base.Randomness;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.PutOutcome;

/// Checks at start that the store honours create-only PUTs: without them two writers could not be
/// kept apart.
public final class CreateOnlyProbe {
  private CreateOnlyProbe() {}

  /// @throws StorageException.Invalid NO_CREATE_ONLY when a second PUT of a key is accepted
  public static void check(ObjectStore store, Randomness randomness) throws StorageException {
    byte[] random = new byte[16];
    randomness.secret(random);
    String key = "probe/" + HexFormat.of().formatHex(random);
    PutOutcome first = store.put(key, Body.of(new byte[] {1}), Cause.PROBE);
    PutOutcome second = store.put(key, Body.of(new byte[] {2}), Cause.PROBE);
    store.delete(key, Cause.PROBE);
    if (first != PutOutcome.CREATED || second != PutOutcome.EXISTS) {
      throw new StorageException.Invalid(
          StorageException.Invalid.Reason.NO_CREATE_ONLY,
          "the store does not honour 'create only if absent' (If-None-Match: *): the first PUT of a"
              + " new key answered " + first + ", the second " + second
              + ". Two writers could damage the volume there: use a store that supports it");
    }
  }
}
