package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static zerofs.fs.engine.LogHistory.afterListing;
import static zerofs.fs.engine.LogHistory.exists;
import static zerofs.fs.engine.LogHistory.stored;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import zerofs.base.Tasks;
import zerofs.fs.FsException;
import zerofs.log.LogHeader;
import zerofs.manifest.ManifestStore;
import zerofs.objectstore.ObjectStore.Cause;
import zerofs.objectstore.StorageException;
import zerofs.objectstore.StoreCounters.Request;

/// The histories by which the log's protocol was found, each told to the real engine; the capitals
/// are the rule of the protocol's model without which it goes wrong. Nothing is deleted by this
/// version: where a later one would, the history does ([LogHistory#collect]).
///
/// A fresh volume's root is log position 1 of epoch 1; the claim of epoch 1 is manifest 2.
class LogHistoriesTest {
  private static void assertDeposed(Volume volume) {
    assertThatThrownBy(() -> stored(volume, "too late"))
        .isInstanceOf(FsException.class)
        .hasMessageContaining("deposed");
  }

  // ---- what a start does ----

  @Test
  void FENCE_FIRST_theOldWriterStoresNothingOnceTheNewOneServes() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          Volume first = history.open(history.store());
          stored(first, "a");
          Volume second = history.open(store);
          assertThat(store.puts()).containsExactly(history.key(1, 3), ManifestStore.key(3));
          assertDeposed(first);
          assertThat(exists(second, "a")).isTrue();
        });
  }

  @Test
  void MANIFEST_BEFORE_LOG_and_AFTER_FENCE_theEpochBeginsBehindTheFenceOnceItIsClaimed() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          ScriptedStore store = history.store();
          store.before(
              Request.PUT,
              ManifestStore.key(3),
              () -> assertThat(history.memory.list("log/000002", "", 9, Cause.ADMIN)).isEmpty());
          Volume second = history.open(store);
          stored(second, "b");
          assertThat(store.puts())
              .containsExactly(history.key(1, 3), ManifestStore.key(3), history.key(2, 4));
        });
  }

  @Test
  void CREATE_ONLY_MANIFEST_ofTwoStartsAtOneTimeOneServes() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          ScriptedStore slow = history.store();
          List<Volume> winner = new ArrayList<>();
          slow.before(
              Request.PUT, ManifestStore.key(3), () -> winner.add(history.open(history.store())));
          assertThatThrownBy(() -> history.open(slow)).isInstanceOf(StorageException.Fenced.class);
          stored(winner.getFirst(), "b");
          assertThat(exists(winner.getFirst(), "a")).isTrue();
        });
  }

  /// A start that listed before a flush fences a position whose segment that flush let go; the old
  /// writer, further on, would not meet it.
  @Test
  void REFENCE_aFenceThatTheMarkHasPassedFencesNobody() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          ScriptedStore store = history.store();
          afterListing(
              store,
              () -> {
                stored(first, "b");
                first.flush();
                history.collect();
              });
          Volume second = history.open(store);
          assertThat(store.puts()).startsWith(history.key(1, 1)).contains(history.key(1, 4));
          assertDeposed(first);
          assertThat(exists(second, "a")).isTrue();
          assertThat(exists(second, "b")).isTrue();
        });
  }

  /// Two flushes later the number that it claims was deleted, so is free.
  @Test
  void RECHECK_CLAIM_aClaimBelowTheNewestManifestIsVoid() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          ScriptedStore store = history.store();
          afterListing(
              store,
              () -> {
                first.flush();
                stored(first, "b");
                first.flush();
                history.collect();
              });
          assertThatThrownBy(() -> history.open(store)).isInstanceOf(StorageException.Fenced.class);
          assertThat(store.puts()).contains(ManifestStore.key(3));
          stored(first, "c");
          Volume third = history.open(history.store());
          assertThat(exists(third, "c")).isTrue();
          assertDeposed(first);
        });
  }

  /// The same stale start would take the segment that was let go for damage.
  @Test
  void RELIST_whatAFlushLetGoIsNoDamage() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          ScriptedStore store = history.store();
          afterListing(
              store,
              () -> {
                first.flush();
                history.collect();
                stored(first, "b");
                stored(first, "c");
              });
          Volume second = history.open(store);
          assertThat(exists(second, "a")).isTrue();
          assertThat(exists(second, "c")).isTrue();
          assertDeposed(first);
        });
  }

  /// The flush that took the number let go what its mark covers; a claim with the mark before it
  /// would send the next start to look for that.
  @Test
  void LOSER_READS_theClaimGoesOnFromTheFlushThatTookItsNumber() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          ScriptedStore store = history.store();
          store.before(
              Request.PUT,
              ManifestStore.key(3),
              () -> {
                first.flush();
                history.collect();
              });
          Volume second = history.open(store);
          assertThat(history.newestManifest().mark()).isEqualTo(2);
          assertThat(exists(second, "a")).isTrue();
          Volume third = history.open(history.store());
          assertThat(exists(third, "a")).isTrue();
        });
  }

  // ---- how the log is read ----

  @Test
  void GAP_PROBE_and_PROBE_ANY_FENCE_aProvenGapIsCorruptHoweverOftenItIsTried() {
    LogHistory.of(
        history -> {
          LogHistory.Writer writer = history.new Writer(history.store());
          for (int i = 0; i < 3; i++) {
            writer.send(writer.seal());
          }
          history.memory.delete(history.key(1, 2), Cause.SWEEP);
          for (int i = 0; i < 3; i++) {
            // From the second try on, a fence stands in the gap.
            assertThatThrownBy(history::recovered)
                .isInstanceOf(StorageException.Corrupt.class)
                .hasMessageContaining(history.key(1, 2));
          }
        });
  }

  /// A segment that is stored between "hole" and "probe" makes the hole look like a gap.
  @Test
  void PROBE_AFTER_FENCE_whatIsStoredMeanwhileIsNoGap() {
    LogHistory.of(
        history -> {
          LogHistory.Writer writer = history.new Writer(history.store());
          writer.send(writer.seal());
          ScriptedStore store = history.store();
          store.after(
              Request.GET,
              history.key(1, 2),
              () -> {
                writer.send(writer.seal());
                writer.send(writer.seal());
              });
          assertThat(history.takeOver(store).replayed()).hasSize(3);
          assertThatThrownBy(() -> writer.send(writer.seal()))
              .isInstanceOf(StorageException.Fenced.class);
        });
  }

  /// With positions 1 to 4 in flight, 1 lost later and 5 never arrived, the proof is 6: five away.
  private static LogHistory.Writer holeWithFourInFlight(LogHistory history) throws Exception {
    LogHistory.Writer writer = history.new Writer(history.store());
    LogHeader[] headers = new LogHeader[7];
    for (int position = 1; position <= 4; position++) {
      headers[position] = writer.seal();
    }
    writer.send(headers[1]);
    headers[5] = writer.seal();
    writer.send(headers[2]);
    headers[6] = writer.seal();
    writer.send(headers[3]);
    writer.send(headers[4]);
    writer.send(headers[6]);
    assertThat(writer.stored).containsExactly(1L, 2L, 3L, 4L);
    return writer;
  }

  @Test
  void GAP_SLIDE_theProofMayLieBehindWhatWasInFlight() {
    LogHistory.of(
        history -> {
          holeWithFourInFlight(history);
          history.memory.delete(history.key(1, 1), Cause.SWEEP);
          assertThatThrownBy(history::recovered)
              .isInstanceOf(StorageException.Corrupt.class)
              .hasMessageContaining(history.key(1, 1));
        });
  }

  @Test
  void aHoleAmongFourInFlightEndsTheHistory() {
    LogHistory.of(
        history -> {
          holeWithFourInFlight(history);
          assertThat(history.recovered()).containsExactly(1L, 2L, 3L, 4L);
          assertThat(history.recovered()).containsExactly(1L, 2L, 3L, 4L);
        });
  }

  /// Its own fence says that all before it was stored.
  @Test
  void aSegmentBeforeACleanFenceThatIsGoneIsCorrupt() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          first.close();
          history.memory.delete(history.key(1, 2), Cause.SWEEP);
          for (int i = 0; i < 2; i++) {
            assertThatThrownBy(history::recovered)
                .isInstanceOf(StorageException.Corrupt.class)
                .hasMessageContaining(history.key(1, 2));
          }
        });
  }

  /// As after a bucket was merged by hand.
  @Test
  void PREDECESSOR_aBrokenChainIsSaidBeforeAnythingIsClaimed() {
    LogHistory.of(
        history -> {
          LogHistory.Writer writer = history.new Writer(history.store());
          writer.send(writer.seal());
          writer.log.header(LogHeader.Kind.SEGMENT, 99, 0, 0);
          writer.send(writer.seal());
          for (int i = 0; i < 2; i++) {
            assertThatThrownBy(history::recovered)
                .isInstanceOf(StorageException.Corrupt.class)
                .hasMessageContaining(history.key(1, 2));
          }
          assertThat(history.newestManifest().epoch()).isEqualTo(1);
        });
  }

  @Test
  void aManifestThatIsListedButMissingIsNamed() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          for (int i = 0; i < 2; i++) {
            afterListing(store, () -> history.memory.damage(ManifestStore.key(1), null));
            store.after(
                Request.GET,
                ManifestStore.key(1),
                () -> history.memory.damage(ManifestStore.key(1), new byte[0]));
          }
          assertThatThrownBy(() -> history.takeOver(store))
              .isInstanceOf(StorageException.Corrupt.class)
              .hasMessageContaining("lists");
        });
  }

  @Test
  void EPOCH_END_whatArrivesBehindTheFenceIsNeverRead() {
    LogHistory.of(
        history -> {
          LogHistory.Writer writer = history.new Writer(history.store());
          writer.send(writer.seal());
          LogHeader lost = writer.seal();
          LogHeader late = writer.seal();
          LogHistory.Writer second = history.new Writer(history.store());
          writer.send(late);
          assertThatThrownBy(() -> writer.send(lost)).isInstanceOf(StorageException.Fenced.class);
          assertThat(writer.stored).containsExactly(1L);
          second.send(second.seal());
          assertThat(history.has(history.key(1, 3))).isTrue();
          assertThat(history.has(history.key(2, 3))).isTrue();
          assertThat(history.recovered()).containsExactly(1L, 3L);
        });
  }

  // ---- what a writer does ----

  @Test
  void CREATE_ONLY_LOG_aWriterThatSleptAcrossItsFenceAcknowledgesNothing() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          Volume first = history.open(store);
          stored(first, "a");
          ScriptedStore.Held held = store.hold(history.key(1, 3));
          List<String> answers = new ArrayList<>();
          Tasks.Task client =
              history.beside(
                  _ -> {
                    try {
                      stored(first, "late");
                      answers.add("stored");
                    } catch (FsException e) {
                      answers.add("refused");
                    }
                  });
          history.settle();
          Volume second = history.open(history.store());
          held.release();
          client.join();
          assertThat(answers).containsExactly("refused");
          assertThat(exists(second, "late")).isFalse();
          assertThat(exists(history.open(history.store()), "late")).isFalse();
        });
  }

  @Test
  void EXISTS_IS_READ_theOwnNonceIsStoredAnothersIsNot() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          LogHistory.Writer writer = history.new Writer(store);
          store.loseReply(history.key(1, 1));
          writer.send(writer.seal());
          assertThat(writer.stored).containsExactly(1L);
          store.before(Request.PUT, history.key(1, 2), history::recovered);
          assertThatThrownBy(() -> writer.send(writer.seal()))
              .isInstanceOf(StorageException.Fenced.class);
          assertThat(writer.stored).containsExactly(1L);
          assertThat(writer.isDeposed()).isTrue();
        });
  }

  @Test
  void EXISTS_IS_READ_aStartWhoseRepliesAreLostServes() {
    LogHistory.of(
        history -> {
          Volume first = history.open(history.store());
          stored(first, "a");
          ScriptedStore store = history.store();
          store.loseReply(history.key(1, 3));
          store.loseReply(ManifestStore.key(3));
          Volume second = history.open(store);
          store.loseReply(ManifestStore.key(4));
          second.flush();
          stored(second, "b");
          assertThat(exists(second, "a")).isTrue();
          assertThat(history.newestManifest().number()).isEqualTo(4);
        });
  }

  @Test
  void DEPOSED_STOPS_itDoesNotGoOnAtTheNextPosition() {
    LogHistory.of(
        history -> {
          LogHistory.Writer writer = history.new Writer(history.store());
          writer.send(writer.seal());
          history.recovered();
          for (int i = 0; i < 3; i++) {
            assertThatThrownBy(() -> writer.send(writer.seal()))
                .isInstanceOf(StorageException.Fenced.class);
          }
          assertThat(history.memory.list("log/000001", "", 9, Cause.ADMIN)).hasSize(2);
        });
  }

  /// As with keys that may read and no longer write: only a look at the position tells.
  @Test
  void DEPOSED_STOPS_aFenceWhereOnesOwnPutIsRefusedIsSeen() {
    LogHistory.of(
        history -> {
          LogHistory.Writer writer = history.new Writer(history.store());
          writer.send(writer.seal());
          writer.seal(); // Never gets there.
          writer.log.checkNext();
          history.takeOver(history.memory);
          assertThatThrownBy(writer.log::checkNext).isInstanceOf(StorageException.Fenced.class);
          assertThat(writer.isDeposed()).isTrue();
        });
  }

  @Test
  void EXISTS_IS_READ_anOwnObjectThatDoesNotCountYetIsNoFenceAndProvesNothing() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          LogHistory.Writer writer = history.new Writer(store);
          store.after(
              Request.PUT,
              history.key(1, 1),
              () -> {
                writer.log.checkNext();
                assertThat(writer.log.unprovenNanos()).isEqualTo(Long.MAX_VALUE);
              });
          writer.send(writer.seal());
          assertThat(writer.stored).containsExactly(1L);
          assertThat(writer.isDeposed()).isFalse();
        });
  }

  @Test
  void IN_FLIGHT_BOUND_atMostFourAreUnderWay() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          Volume volume = history.open(store);
          stored(volume, "a");
          store.putsTake(1_000_000_000L); // Far longer than usual, so it would like to go on.
          List<Tasks.Task> clients = new ArrayList<>();
          for (int i = 0; i < 20; i++) {
            String name = "file" + i;
            clients.add(history.beside(_ -> stored(volume, name)));
            history.simulation.sleep(5_000_000L + i * 1_000_000L);
          }
          clients.forEach(Tasks.Task::join);
          assertThat(store.putsUnderWayMost()).isEqualTo(4);
        });
  }

  @Test
  void COUNT_IN_ORDER_and_FLUSH_STORED_ONLY_nothingCountsBeforeWhatIsBeforeIt() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          Volume volume = history.open(store, 2);
          ScriptedStore.Held held = store.hold(history.key(1, 2));
          Tasks.Task before = history.beside(_ -> stored(volume, "before"));
          history.settle();
          Tasks.Task after = history.beside(_ -> stored(volume, "after"));
          history.settle();
          assertThat(history.has(history.key(1, 3))).isTrue();
          assertThat(after.isDone()).isFalse();
          assertThat(history.newestManifest().mark()).isZero();
          held.release();
          before.join();
          after.join();
          history.settle();
          assertThat(history.newestManifest().mark()).isGreaterThanOrEqualTo(2);
        });
  }

  @Test
  void STOP_AFTER_STORED_theOwnFenceComesLast() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          Volume volume = history.open(store);
          ScriptedStore.Held held = store.hold(history.key(1, 2));
          Tasks.Task client = history.beside(_ -> stored(volume, "a"));
          history.settle();
          Tasks.Task stop = history.beside(_ -> volume.close());
          history.settle();
          assertThat(history.has(history.key(1, 3))).isFalse();
          held.release();
          client.join();
          stop.join();
          assertThat(history.has(history.key(1, 3))).isTrue();
          ScriptedStore next = history.store();
          assertThat(exists(history.open(next), "a")).isTrue();
          assertThat(next.puts()).as("it meets the fence").containsExactly(ManifestStore.key(3));
        });
  }

  /// The store goes away in the middle of a flush: whether that manifest was stored is settled when
  /// the store is back; it deposes nobody.
  @Test
  void EXISTS_IS_READ_aFlushThatNobodyAnsweredIsOnesOwn() {
    LogHistory.of(
        history -> {
          ScriptedStore store = history.store();
          Volume volume = history.open(store);
          stored(volume, "a");
          store.loseReply(ManifestStore.key(3));
          store.loseReply(ManifestStore.key(3));
          assertThatThrownBy(volume::flush).isInstanceOf(FsException.class);
          stored(volume, "b");
          volume.flush();
          stored(volume, "c");
          assertThat(history.newestManifest().mark()).isEqualTo(3);
          Volume next = history.open(history.store());
          assertThat(exists(next, "a")).isTrue();
          assertThat(exists(next, "b")).isTrue();
          assertThat(exists(next, "c")).isTrue();
        });
  }
}
