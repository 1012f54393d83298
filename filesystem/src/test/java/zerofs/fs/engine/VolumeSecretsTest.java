package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.base.SeededRandomness;
import zerofs.log.VolumeSecrets;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters.Request;

/// Making a volume, and changing its password, beside others that do the same.
class VolumeSecretsTest {
  private static final String KEY_1 = "key/0000000001";
  private static final String KEY_2 = "key/0000000002";
  private static final String MANIFEST_1 = "manifest/7ffffffffffffffe";

  private static VolumeSecrets make(LogHistory history, ObjectStore store, int seed)
      throws StorageException {
    return VolumeSecrets.createOrOpen(
        store, "password", history.simulation, new SeededRandomness(seed));
  }

  /// A history in a store where nothing is yet.
  private static void from(LogHistory.Story story) {
    LogHistory.of(
        history -> {
          assertThat(ManifestStore.key(1)).isEqualTo(MANIFEST_1);
          history.memory.damage(MANIFEST_1, null);
          story.tell(history);
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"volume", KEY_1, MANIFEST_1})
  void whatWasCutShortIsFinishedByTheNextTry(String key) {
    from(
        history -> {
          ScriptedStore store = history.store();
          store.before(
              Request.PUT,
              key,
              () -> {
                throw new StorageException.Unavailable("killed here");
              });
          assertThatThrownBy(() -> make(history, store, 1))
              .isInstanceOf(StorageException.Unavailable.class);
          VolumeSecrets made = make(history, history.store(), 2);
          assertThat(history.newestManifest(made).number()).isEqualTo(1);
        });
  }

  @ParameterizedTest
  @ValueSource(strings = {"volume", KEY_1, MANIFEST_1})
  void ofTwoThatMakeItBothOpenOne(String key) {
    from(
        history -> {
          List<VolumeSecrets> other = new ArrayList<>();
          ScriptedStore store = history.store();
          store.before(Request.PUT, key, () -> other.add(make(history, history.memory, 2)));
          store.loseReply(key);
          VolumeSecrets one = make(history, store, 1);
          assertThat(one.volumeId()).isEqualTo(other.getFirst().volumeId());
          assertThat(history.newestManifest(one).number()).isEqualTo(1);
          assertThat(history.newestManifest(other.getFirst()).number()).isEqualTo(1);
        });
  }

  /// The number that it asks for was used and deleted meanwhile, so it gets it; that says nothing.
  @Test
  void aPasswordThatOthersChangedTwiceMeanwhileIsNotReportedAsChanged() {
    from(
        history -> {
          make(history, history.memory, 1);
          ScriptedStore store = history.store();
          store.before(
              Request.PUT,
              KEY_2,
              () -> {
                change(history.memory, "password", "second", 2);
                change(history.memory, "second", "third", 3);
              });
          assertThatThrownBy(() -> change(store, "password", "mine", 4))
              .isInstanceOf(StorageException.Refused.class);
          VolumeSecrets.open(history.memory, "third");
        });
  }

  private static void change(ObjectStore store, String from, String to, int seed)
      throws StorageException {
    VolumeSecrets.changePassword(store, from, to, new SeededRandomness(seed));
  }

  @Test
  void aStartBesideAPasswordChangeFindsTheNewKey() {
    from(
        history -> {
          VolumeSecrets made = make(history, history.memory, 1);
          ScriptedStore store = history.store();
          store.after(Request.LIST, "key/", () -> change(history.memory, "password", "new", 2));
          assertThat(VolumeSecrets.open(store, "new").volumeId()).isEqualTo(made.volumeId());
        });
  }
}
