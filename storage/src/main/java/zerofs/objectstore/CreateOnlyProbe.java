package zerofs.objectstore;

import java.util.HexFormat;
import zerofs.base.Randomness;
import zerofs.objectstore.ObjectStore.Body;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.ObjectStore.PutOutcome;

/// Checks at start that the store honours create-only PUTs: without them two writers could not be
/// kept apart.
public final class CreateOnlyProbe {
  /// Two that are answered, and two whose answers are lost.
  private static final int ATTEMPTS_MAX = 4;

  private CreateOnlyProbe() {}

  /// @throws StorageException.Invalid NO_CREATE_ONLY when a second PUT of a key is accepted
  public static void check(ObjectStore store, Randomness randomness) throws StorageException {
    byte[] random = new byte[16];
    randomness.secret(random);
    String key = "probe/" + HexFormat.of().formatHex(random);
    boolean honoured = isRefusedOnceCreated(store, key);
    store.delete(key, Cause.PROBE);
    if (!honoured) {
      throw new StorageException.Invalid(
          StorageException.Invalid.Reason.NO_CREATE_ONLY,
          "the store does not honour 'create only if absent' (If-None-Match: *): it accepted a"
              + " second PUT of a key, or refused the first of a new one. Two writers could damage"
              + " the volume there: use a store that supports it");
    }
  }

  /// A PUT may be applied though its answer was lost, and is then refused when it is sent again: so
  /// "exists" where the object is there is all the proof that is wanted, whichever PUT it answers.
  private static boolean isRefusedOnceCreated(ObjectStore store, String key)
      throws StorageException {
    boolean created = false;
    for (int attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      try {
        PutOutcome outcome = store.put(key, Body.of(new byte[] {(byte) attempt}), Cause.PROBE);
        if (outcome == PutOutcome.EXISTS) {
          return store.get(key, 0, 1, Cause.PROBE) != null;
        }
        if (created) {
          return false;
        }
        created = true;
      } catch (StorageException.OutcomeUnknown e) {
        if (attempt == ATTEMPTS_MAX) {
          throw e;
        }
      }
    }
    throw new StorageException.Unavailable("the store did not answer a PUT of " + key);
  }
}
