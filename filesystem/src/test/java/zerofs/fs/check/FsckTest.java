package zerofs.fs.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.EnumSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.fs.check.Finding.Kind;
import zerofs.log.LogFormat;
import zerofs.manifest.Manifest;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.ObjectStore.Cause;

/// What fsck says of a volume as a whole.
class FsckTest extends DamagedVolume {
  @Test
  void everyKindIsPlanted() {
    PLANTED.clear();
    long damages = Stream.concat(FsckObjectsTest.all(), FsckRowsTest.all()).count();
    assertThat(EnumSet.complementOf(EnumSet.copyOf(PLANTED))).isEmpty();
    assertThat(damages).isGreaterThan(40);
  }

  @Test
  void garbageIsListedAndNoDamage() {
    MemoryObjectStore store = healthy.copy();
    store.put("sst/000001/00000000ff", ObjectStore.Body.of(new byte[10]), Cause.ADMIN);
    store.put("probe/abc", ObjectStore.Body.of(new byte[0]), Cause.ADMIN);
    store.put("something else", ObjectStore.Body.of(new byte[3]), Cause.ADMIN);
    Report report = check(store);
    assertThat(report.isHealthy()).isTrue();
    assertThat(report.unreferenced().first())
        .extracting(Report.Unreferenced::key)
        .contains("sst/000001/00000000ff", "probe/abc")
        .doesNotContain(last(healthy, "log/000002/"));
    assertThat(report.foreign()).containsExactly("something else");
  }

  @Test
  void withoutDataItSaysThatItDidNotLook() throws Exception {
    MemoryObjectStore store = healthy.copy();
    flip(store, data(store), EXTENT + 500);
    Report report = check(store, false);
    assertThat(report.findings()).isEmpty();
    assertThat(report.notChecked()).singleElement().asString().contains("was not read");
  }

  @Test
  void aVolumeWithoutAReadableManifestIsNotChecked() {
    MemoryObjectStore store = healthy.copy();
    flip(store, keys(store, "manifest/").getFirst(), 60);
    assertThatThrownBy(() -> check(store)).hasStackTraceContaining("manifest/");
  }

  @Test
  void findingsHaveNamesForPrograms() {
    assertThat(new Finding(Kind.CHUNK_BEYOND_END, "").kind().id()).isEqualTo("chunk-beyond-end");
  }

  @Test
  void whatLiesBehindAGapIsNotCalledGarbage() {
    MemoryObjectStore store = healthy.copy();
    List<String> log = keys(store, "log/000002/");
    store.damage(log.getFirst(), null);
    Report report = check(store);
    assertThat(report.unreferenced().first())
        .extracting(Report.Unreferenced::key)
        .doesNotContainAnyElementsOf(log);
    assertThat(report.notChecked()).anySatisfy(text -> assertThat(text).contains("the log"));
  }

  @Test
  void aDamagedFenceKeepsNothingFromBeingChecked() throws Exception {
    MemoryObjectStore store = healthy.copy();
    flip(store, LogFormat.key(1, newest(store).epochs().getFirst().end()), -20);
    Report report = check(store);
    assertThat(report.lastSequence()).isEqualTo(check(healthy).lastSequence());
    assertThat(report.notChecked()).isEmpty();
  }

  @Test
  void aVolumeThatWasJustMadeIsHealthy() {
    MemoryObjectStore store = new MemoryObjectStore();
    replace(store, new Manifest(1, 0, 0, 0, false, List.of(), List.of()));
    assertThat(check(store).isHealthy()).isTrue();
  }

  /// Else what it did not read would look well. With the tasks of a real process: they go on.
  @Test
  void aBugWhileObjectsAreReadIsNotAHealthyVolume() {
    Tasks tasks = new SystemTasks((_, _) -> {});
    assertThatThrownBy(
            () ->
                Parallel.each(
                    tasks,
                    2,
                    List.of(1, 2, 3),
                    _ -> {
                      throw new IllegalStateException("a bug");
                    }))
        .hasMessage("a bug");
  }
}
