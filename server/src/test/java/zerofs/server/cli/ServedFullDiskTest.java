package zerofs.server.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import zerofs.base.SystemTasks;
import zerofs.objectstore.FileObjectStore;
import zerofs.objectstore.SmallDisk;
import zerofs.server.nfs.NfsSettings;
import zerofs.server.nfs.RpcClient;
import zerofs.server.nfs.ServedVolume;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.xdr.XdrReader;

/// A volume in a directory whose disk fills up, as its clients and `zerofs status` see it.
@SuppressWarnings("NullAway.Init")
class ServedFullDiskTest {
  private static final long LARGE = 1L << 40;
  private static final int BALLAST = 4 << 20;
  private static final int UNSTABLE = 0;
  private static final int FILE_SYNC = 2;

  @TempDir private Path directory;

  private SmallDisk disk;
  private ServedVolume served;
  private RpcClient client;
  private byte[] root;
  private int xid = 100;

  @BeforeEach
  void serve() throws Exception {
    disk = new SmallDisk(directory, LARGE);
    SystemTasks tasks =
        new SystemTasks(
            (name, e) -> {
              throw new AssertionError(name, e);
            });
    served =
        new ServedVolume(
            FileObjectStore.open(directory, true, BALLAST, tasks, disk),
            NfsSettings.standard(9),
            32 << 20);
    client = served.connect();
    root = client.mount();
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    served.close();
    served.store.close();
  }

  private int write(byte[] file, int stable, byte[] data) throws Exception {
    return client
        .nfs(xid++, NfsProcedure.WRITE, out -> RpcClient.writeArguments(out, file, 0, stable, data))
        .int32();
  }

  private int create(String name) throws Exception {
    return client
        .nfs(xid++, NfsProcedure.CREATE, out -> RpcClient.createArguments(out, root, name))
        .int32();
  }

  private int remove(String name) throws Exception {
    return client
        .nfs(xid++, NfsProcedure.REMOVE, out -> out.opaque(root).opaque(RpcClient.bytes(name)))
        .int32();
  }

  private String status() {
    return StatusReport.text(
        ServerState.serving(served.volume, served.store, null, null, List.of(served.server)));
  }

  private static byte[] noise(int bytes) {
    byte[] noise = new byte[bytes];
    new Random(bytes).nextBytes(noise);
    return noise;
  }

  @Test
  void whatWasAnsweredIsStoredNewDataIsRefusedAndDeletingGoesOn() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    client.create(xid++, root, "unwanted");
    assertThat(status()).containsPattern("health +ok");
    disk.leave(1000);

    assertThat(write(file, UNSTABLE, noise(300_000))).isZero();
    XdrReader commit =
        client.nfs(xid++, NfsProcedure.COMMIT, out -> out.opaque(file).int64(0).int32(0));
    assertThat(commit.int32()).as("the ballast made room for it").isZero();
    assertThat(status()).contains("short of space: the disk under", "free some space");

    assertThat(write(file, FILE_SYNC, noise(10))).isEqualTo(NfsStatus.NFS3ERR_NOSPC.code());
    assertThat(create("new")).isEqualTo(NfsStatus.NFS3ERR_NOSPC.code());
    assertThat(remove("unwanted")).isZero();
    assertThat(served.volume.storedSequence()).isEqualTo(served.volume.committedSequence());

    disk.leave(LARGE / 2);
    int answer = create("new");
    while (answer != 0) {
      assertThat(answer).isEqualTo(NfsStatus.NFS3ERR_NOSPC.code());
      served.tasks.sleep(20_000_000L);
      answer = create("new");
    }
    assertThat(write(file, FILE_SYNC, noise(10))).isZero();
    assertThat(status()).containsPattern("health +ok");
    assertThat(Files.size(directory.resolve(".tmp/ballast"))).isEqualTo(BALLAST);
  }

  /// More than the ballast waits: then it waits for room, as for a store that is away.
  @Test
  void whatDoesNotFitAtAllWaitsUntilThereIsRoom() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    disk.leave(-BALLAST);
    assertThat(write(file, UNSTABLE, noise(300_000))).isZero();
    int commit = xid++;
    client.send(commit, NfsProcedure.PROGRAM, 3, 21, out -> out.opaque(file).int64(0).int32(0));
    while (!status().contains("storing is stalled: the disk under")) {
      served.tasks.sleep(1_000_000L);
    }
    disk.leave(LARGE / 2);
    assertThat(client.reply(commit).int32()).isZero();
    assertThat(served.volume.storedSequence()).isEqualTo(served.volume.committedSequence());
  }

  /// Memory that connections share is told as all other is.
  @Test
  void statusTellsTheMemoryOfTheWire() {
    String json =
        StatusReport.json(
            ServerState.serving(served.volume, served.store, null, null, List.of(served.server)));
    assertThat(json)
        .contains(
            "\"memory.wire_records_bytes\": 0",
            "\"memory.wire_records_limit_bytes\": " + (32 << 20),
            "\"memory.wire_requests_bytes\": 0",
            "\"memory.wire_requests_limit_bytes\": " + (32 << 20));
    assertThat(status()).containsPattern("memory.wire_requests_limit_bytes +" + (32 << 20));
  }
}
