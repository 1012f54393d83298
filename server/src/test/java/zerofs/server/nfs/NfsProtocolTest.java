package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import zerofs.fs.Filesystem;
import zerofs.objectstore.MemoryObjectStore;
import zerofs.wire.nfs3.FileHandle;
import zerofs.wire.nfs3.NfsProcedure;
import zerofs.wire.nfs3.NfsStatus;
import zerofs.wire.rpc.RpcReply;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;
import zerofs.wire.xdr.XdrWriter;

/// Replies as RFC 1813 and RFC 5531 have them, to the last byte: a reply that is longer or shorter
/// than its status says is misread by clients.
@SuppressWarnings("NullAway.Init")
class NfsProtocolTest {
  private static final int ATTRIBUTES_BYTES = 84;
  private static final int WCC_ATTRIBUTES_BYTES = 24;

  private ServedVolume served;
  private RpcClient client;
  private byte[] root;
  private int xid = 100;

  @BeforeEach
  void serve() throws Exception {
    serve(NfsSettings.standard(9));
  }

  private void serve(NfsSettings settings) throws Exception {
    served = new ServedVolume(new MemoryObjectStore(), settings, 32 << 20);
    client = served.connect();
    root = client.mount();
  }

  private void serveInstead(boolean readOnly, boolean rootSquash, boolean allSquash)
      throws Exception {
    stop();
    NfsSettings standard = NfsSettings.standard(9);
    serve(
        new NfsSettings(
            standard.durability(),
            readOnly,
            rootSquash,
            allSquash,
            65534,
            65533,
            standard.allowed(),
            9));
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    served.close();
  }

  private XdrReader nfs(NfsProcedure procedure, Consumer<XdrWriter> arguments) throws Exception {
    return client.nfs(xid++, procedure, arguments);
  }

  /// A reply that carries `status` and then the given things, and ends there.
  private XdrReader assertFails(
      NfsProcedure procedure, NfsStatus status, String shape, Consumer<XdrWriter> arguments)
      throws Exception {
    XdrReader reply = nfs(procedure, arguments);
    assertThat(reply.int32()).as(procedure + " status").isEqualTo(status.code());
    assertShape(reply, shape);
    assertThat(reply.remaining()).as("bytes after the reply of " + procedure).isZero();
    return reply;
  }

  /// `A` and `a`: post_op_attr with and without attributes; `W` and `w`: wcc_data with what is now,
  /// and empty; `B`: wcc_data with before and after; `h`: a handle that follows; `H`: a handle.
  private static void assertShape(XdrReader reply, String shape) throws XdrException {
    for (int i = 0; i < shape.length(); i++) {
      switch (shape.charAt(i)) {
        case 'A' -> present(reply, ATTRIBUTES_BYTES);
        case 'a' -> assertThat(reply.bool()).isFalse();
        case 'W' -> {
          assertThat(reply.bool()).as("before").isFalse();
          present(reply, ATTRIBUTES_BYTES);
        }
        case 'w' -> {
          assertThat(reply.bool()).as("before").isFalse();
          assertThat(reply.bool()).as("after").isFalse();
        }
        case 'B' -> {
          present(reply, WCC_ATTRIBUTES_BYTES);
          present(reply, ATTRIBUTES_BYTES);
        }
        case 'h' -> {
          assertThat(reply.bool()).as("handle follows").isTrue();
          assertThat(reply.opaque(FileHandle.BYTES_MAX)).hasSize(FileHandle.BYTES);
        }
        case 'H' -> assertThat(reply.opaque(FileHandle.BYTES_MAX)).hasSize(FileHandle.BYTES);
        case '4' -> reply.int32();
        case '8' -> reply.int64();
        default -> throw new IllegalArgumentException(shape);
      }
    }
  }

  private static void present(XdrReader reply, int bytes) throws XdrException {
    assertThat(reply.bool()).as("attributes follow").isTrue();
    for (int i = 0; i < bytes; i += 4) {
      reply.int32();
    }
  }

  private XdrReader assertDone(NfsProcedure procedure, String shape, Consumer<XdrWriter> arguments)
      throws Exception {
    return assertFails(procedure, NfsStatus.NFS3_OK, shape, arguments);
  }

  private static void noAttributes(XdrWriter out) {
    out.int32(0).int32(0).int32(0).int32(0).int32(0).int32(0);
  }

  private static Consumer<XdrWriter> named(byte[] directory, String name) {
    return out -> out.opaque(directory).opaque(RpcClient.bytes(name));
  }

  @Test
  void everySuccessHasTheShapeOfItsResok() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    byte[] data = new byte[10];
    assertDone(NfsProcedure.LOOKUP, "HAA", named(root, "file"));
    assertDone(NfsProcedure.ACCESS, "A4", out -> out.opaque(file).int32(63));
    assertDone(
        NfsProcedure.SETATTR,
        "B",
        out -> {
          out.opaque(file).int32(1).int32(0600).int32(0).int32(0).int32(0).int32(0).int32(0);
          out.int32(0);
        });
    assertDone(NfsProcedure.WRITE, "B448", out -> RpcClient.writeArguments(out, file, 0, 0, data));
    assertDone(NfsProcedure.READ, "A444", out -> out.opaque(file).int64(10).int32(5));
  }

  @Test
  void namespaceChangesCarryHandleAttributesAndBothSidesOfTheDirectory() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    assertDone(NfsProcedure.MKDIR, "hAB", out -> noAttributes(named(root, "d", out)));
    assertDone(
        NfsProcedure.SYMLINK,
        "hAB",
        out -> {
          noAttributes(named(root, "s", out));
          out.opaque(RpcClient.bytes("target"));
        });
    assertDone(NfsProcedure.MKNOD, "hAB", out -> noAttributes(named(root, "p", out).int32(7)));
    assertDone(
        NfsProcedure.MKNOD,
        "hAB",
        out -> {
          noAttributes(named(root, "c", out).int32(4));
          out.int32(5).int32(6);
        });
    assertDone(NfsProcedure.CREATE, "hAB", out -> named(root, "x", out).int32(2).int64(77));
    assertDone(NfsProcedure.LINK, "AB", out -> named(root, "l", out.opaque(file)));
    assertDone(NfsProcedure.RENAME, "BB", out -> named(root, "l2", named(root, "l", out)));
    assertDone(NfsProcedure.REMOVE, "B", named(root, "l2"));
    assertDone(NfsProcedure.RMDIR, "B", named(root, "d"));
    assertDone(NfsProcedure.COMMIT, "B8", out -> out.opaque(file).int64(0).int32(0));
    assertDone(NfsProcedure.FSSTAT, "A8888884", out -> out.opaque(root));
    assertDone(NfsProcedure.FSINFO, "A44444448444", out -> out.opaque(root));
    assertDone(NfsProcedure.PATHCONF, "A444444", out -> out.opaque(root));
  }

  private static XdrWriter named(byte[] directory, String name, XdrWriter out) {
    return out.opaque(directory).opaque(RpcClient.bytes(name));
  }

  @Test
  void failuresSayWhatTheNamedObjectsAreLikeNow() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    NfsStatus noEntry = NfsStatus.NFS3ERR_NOENT;
    assertFails(NfsProcedure.LOOKUP, noEntry, "A", named(root, "none"));
    assertFails(NfsProcedure.REMOVE, noEntry, "W", named(root, "none"));
    assertFails(NfsProcedure.RMDIR, NfsStatus.NFS3ERR_NOTDIR, "W", named(root, "file"));
    assertFails(
        NfsProcedure.RENAME, noEntry, "WW", out -> named(root, "y", named(root, "none", out)));
    assertFails(
        NfsProcedure.LINK,
        NfsStatus.NFS3ERR_EXIST,
        "AW",
        out -> named(root, "file", out.opaque(file)));
    assertFails(
        NfsProcedure.CREATE,
        NfsStatus.NFS3ERR_EXIST,
        "W",
        out -> RpcClient.createArguments(out, root, "file"));
    assertFails(
        NfsProcedure.SETATTR,
        NfsStatus.NFS3ERR_NOT_SYNC,
        "W",
        out -> {
          noAttributes(out.opaque(file));
          out.int32(1).int32(5).int32(6); // A ctime that it does not have.
        });
    assertFails(
        NfsProcedure.MKNOD,
        NfsStatus.NFS3ERR_BADTYPE,
        "W",
        out -> noAttributes(named(root, "r", out).int32(1)));
    assertFails(NfsProcedure.READLINK, NfsStatus.NFS3ERR_INVAL, "A", out -> out.opaque(file));
    assertFails(
        NfsProcedure.READDIR,
        NfsStatus.NFS3ERR_NOTDIR,
        "A",
        out -> out.opaque(file).int64(0).int64(0).int32(4096));
  }

  @Test
  void handlesThatAreNoneAndHandlesOfWhatIsGoneDiffer() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    assertDone(NfsProcedure.REMOVE, "B", named(root, "file"));
    byte[] other = root.clone();
    other[10] ^= 1;
    byte[] bad = {1, 2, 3};
    for (NfsProcedure each :
        List.of(NfsProcedure.READLINK, NfsProcedure.FSSTAT, NfsProcedure.FSINFO)) {
      assertFails(each, NfsStatus.NFS3ERR_STALE, "a", out -> out.opaque(file));
      assertFails(each, NfsStatus.NFS3ERR_STALE, "a", out -> out.opaque(other));
      assertFails(each, NfsStatus.NFS3ERR_BADHANDLE, "a", out -> out.opaque(bad));
    }
    assertFails(NfsProcedure.GETATTR, NfsStatus.NFS3ERR_STALE, "", out -> out.opaque(file));
    assertFails(
        NfsProcedure.COMMIT,
        NfsStatus.NFS3ERR_STALE,
        "w",
        out -> out.opaque(file).int64(0).int32(0));
  }

  @Test
  void namesThatNoFileCanHaveAreRefused() throws Exception {
    for (String each : List.of("", "a/b", "a\0b")) {
      XdrReader reply = nfs(NfsProcedure.CREATE, out -> RpcClient.createArguments(out, root, each));
      assertThat(reply.int32())
          .as("'" + each + "'")
          .isIn(NfsStatus.NFS3ERR_INVAL.code(), NfsStatus.NFS3ERR_NOENT.code());
    }
    NfsStatus tooLong = NfsStatus.NFS3ERR_NAMETOOLONG;
    assertFails(NfsProcedure.LOOKUP, tooLong, "A", named(root, "x".repeat(256)));
    assertFails(NfsProcedure.LOOKUP, tooLong, "A", named(root, "x".repeat(100_000)));
    assertFails(
        NfsProcedure.CREATE,
        NfsStatus.NFS3ERR_EXIST,
        "W",
        out -> RpcClient.createArguments(out, root, "."));
    client.create(xid++, root, "x".repeat(255));
  }

  @Test
  void exclusiveCreateIsTheSameOnlyForItsVerifier() throws Exception {
    assertDone(NfsProcedure.CREATE, "hAB", out -> named(root, "x", out).int32(2).int64(77));
    XdrReader again = nfs(NfsProcedure.CREATE, out -> named(root, "x", out).int32(2).int64(77));
    assertThat(again.int32()).isZero();
    assertFails(
        NfsProcedure.CREATE,
        NfsStatus.NFS3ERR_EXIST,
        "W",
        out -> named(root, "x", out).int32(2).int64(78));
  }

  @Test
  void stableWritesAndCommitSayWhatTheyReached() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    for (int stable = 0; stable <= 2; stable++) {
      int how = stable;
      XdrReader reply =
          nfs(
              NfsProcedure.WRITE,
              out -> RpcClient.writeArguments(out, file, 0, how, new byte[] {1, 2, 3}));
      assertThat(reply.int32()).isZero();
      assertShape(reply, "B");
      assertThat(reply.int32()).as("count").isEqualTo(3);
      assertThat(reply.int32()).as("committed").isEqualTo(how == 0 ? 0 : 2);
      assertThat(reply.int64()).as("verifier").isEqualTo(9);
      if (how > 0) {
        assertThat(served.volume.storedSequence()).isEqualTo(served.volume.committedSequence());
      } else {
        assertThat(served.volume.storedSequence()).isLessThan(served.volume.committedSequence());
      }
    }
  }

  @Test
  void aListingKeepsToItsCountsAndEndsOnce() throws Exception {
    for (int i = 0; i < 40; i++) {
      client.create(xid++, root, "file-" + i);
    }
    for (boolean plus : new boolean[] {false, true}) {
      long cookie = 0;
      boolean ended = false;
      List<String> names = new java.util.ArrayList<>();
      while (!ended) {
        long from = cookie;
        XdrReader reply = list(plus, from, 1000);
        assertThat(reply.remaining()).isLessThanOrEqualTo(1000);
        assertThat(reply.int32()).isZero();
        assertShape(reply, "A8");
        while (reply.bool()) {
          reply.int64();
          names.add(new String(reply.opaque(255), java.nio.charset.StandardCharsets.UTF_8));
          cookie = reply.int64();
          assertShape(reply, plus ? "Ah" : "");
        }
        ended = reply.bool();
        assertThat(reply.remaining()).isZero();
      }
      assertThat(names).hasSize(42).doesNotHaveDuplicates().startsWith(".", "..");
    }
    assertThat(list(false, 0, 100).int32()).isEqualTo(NfsStatus.NFS3ERR_TOOSMALL.code());
    assertThat(list(true, 0, 100).int32()).isEqualTo(NfsStatus.NFS3ERR_TOOSMALL.code());
    assertThat(list(true, -1, 1000).int32()).isEqualTo(NfsStatus.NFS3ERR_BAD_COOKIE.code());
  }

  private XdrReader list(boolean plus, long cookie, int count) throws Exception {
    return nfs(
        plus ? NfsProcedure.READDIRPLUS : NfsProcedure.READDIR,
        out -> {
          out.opaque(root).int64(cookie).int64(0).int32(count);
          if (plus) {
            out.int32(count);
          }
        });
  }

  @Test
  void aReadOfMoreThanTheMostIsShort() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    XdrReader reply = nfs(NfsProcedure.READ, out -> out.opaque(file).int64(0).int32(-1));
    assertThat(reply.int32()).isZero();
    assertShape(reply, "A");
    assertThat(reply.int32()).as("count").isZero();
    assertThat(reply.bool()).as("eof").isTrue();
    assertThat(reply.opaque(Filesystem.IO_BYTES_MAX)).isEmpty();
    assertThat(reply.remaining()).isZero();
  }

  @Test
  void theMostThatOneReadMayAskForIsOneReply() throws Exception {
    byte[] file = client.create(xid++, root, "file");
    byte[] data = new byte[Filesystem.IO_BYTES_MAX];
    new java.util.Random(3).nextBytes(data);
    nfs(NfsProcedure.WRITE, out -> RpcClient.writeArguments(out, file, 0, 0, data));
    XdrReader reply = nfs(NfsProcedure.READ, out -> out.opaque(file).int64(0).int32(data.length));
    assertShape(reply, "4A44");
    assertThat(reply.opaque(data.length)).isEqualTo(data);
  }

  private int[] denied(Consumer<XdrWriter> credentials) throws Exception {
    int id = xid++;
    client.as(credentials).send(id, NfsProcedure.PROGRAM, 3, 1, out -> out.opaque(root));
    XdrReader reply = client.rawReply(id);
    return new int[] {reply.int32(), reply.int32(), reply.int32()};
  }

  @Test
  void credentialsThatAreNoneAreDeniedAndTheConnectionStays() throws Exception {
    int[] badCredentials = {1, 1, RpcReply.AUTH_BADCRED};
    assertThat(denied(RpcClient.sys(1, 1, new int[17]))).isEqualTo(badCredentials);
    assertThat(denied(out -> out.int32(1).int32(8).int64(1))).isEqualTo(badCredentials);
    assertThat(denied(out -> out.int32(1).int32(5000).int64(1))).isEqualTo(badCredentials);
    assertThat(denied(out -> out.int32(6).int32(0)))
        .isEqualTo(new int[] {1, 1, RpcReply.AUTH_REJECTEDCRED});
    client.as(RpcClient.sys(1, 1, new int[16]));
    assertThat(nfs(NfsProcedure.GETATTR, out -> out.opaque(root)).int32()).isZero();
  }

  @Test
  void anotherRpcVersionIsDenied() throws Exception {
    ByteBuffer call = RpcClient.record(5, NfsProcedure.PROGRAM, 3, 0, RpcClient.ROOT, out -> {});
    client.send(call.putInt(12, 3));
    XdrReader reply = client.rawReply(5);
    assertThat(new int[] {reply.int32(), reply.int32(), reply.int32(), reply.int32()})
        .containsExactly(1, 0, 2, 2);
  }

  @Test
  void programsVersionsAndProceduresThatAreNotServedAreSaidSo() throws Exception {
    assertThat(acceptStatus(NfsProcedure.PROGRAM, 2, 0)).containsExactly(2, 3, 3);
    assertThat(acceptStatus(NfsProcedure.PROGRAM, 4, 0)).containsExactly(2, 3, 3);
    assertThat(acceptStatus(RpcClient.MOUNT, 1, 1)).containsExactly(2, 3, 3);
    assertThat(acceptStatus(RpcClient.MOUNT, 2, 1)).containsExactly(2, 3, 3);
    assertThat(acceptStatus(RpcClient.MOUNT, 3, 9)).containsExactly(3, 0, 0);
    assertThat(acceptStatus(NfsProcedure.PROGRAM, 3, 22)).containsExactly(3, 0, 0);
    assertThat(acceptStatus(100227, 3, 0)).as("NFS_ACL").containsExactly(1, 0, 0);
  }

  private int[] acceptStatus(int program, int version, int procedure) throws Exception {
    int id = xid++;
    client.send(id, program, version, procedure, out -> {});
    XdrReader reply = client.rawReply(id);
    assertThat(reply.int32()).isZero();
    reply.int64();
    int status = reply.int32();
    boolean more = reply.remaining() > 0;
    return new int[] {status, more ? reply.int32() : 0, more ? reply.int32() : 0};
  }

  @Test
  void mountTakesDirectoriesOnly() throws Exception {
    byte[] directory = client.mkdir(xid++, root, "d", 0700);
    client.create(xid++, root, "file");
    assertThat(mounted("/d")).isEqualTo(directory);
    assertThat(mounted("//d/")).isEqualTo(directory);
    assertThat(mounted("/d/../../..")).isEqualTo(root);
    assertThat(mounted("")).isEqualTo(root);
    assertThat(mountStatus("/none")).isEqualTo(2);
    assertThat(mountStatus("/file")).isEqualTo(20);
    assertThat(mountStatus("/" + "x".repeat(300))).isEqualTo(63);
    assertThat(client.call(xid++, RpcClient.MOUNT, 2, out -> {}).int32()).as("DUMP").isZero();
    client.call(xid++, RpcClient.MOUNT, 3, out -> out.opaque(RpcClient.bytes("/")));
    client.call(xid++, RpcClient.MOUNT, 4, out -> {});
    XdrReader exports = client.call(xid++, RpcClient.MOUNT, 5, out -> {});
    assertThat(exports.bool()).isTrue();
    assertThat(exports.opaque(10)).isEqualTo(RpcClient.bytes("/"));
  }

  private int mountStatus(String path) throws Exception {
    return client.call(xid++, RpcClient.MOUNT, 1, out -> out.opaque(RpcClient.bytes(path))).int32();
  }

  private byte[] mounted(String path) throws Exception {
    XdrReader reply =
        client.call(xid++, RpcClient.MOUNT, 1, out -> out.opaque(RpcClient.bytes(path)));
    assertThat(reply.int32()).as(path).isZero();
    byte[] handle = reply.opaque(FileHandle.BYTES_MAX);
    assertThat(reply.int32()).as("flavors").isEqualTo(1);
    assertThat(reply.int32()).as("AUTH_SYS").isEqualTo(1);
    return handle;
  }

  @Test
  void aReadOnlyExportRefusesEveryChange() throws Exception {
    serveInstead(true, false, false);
    NfsStatus readOnly = NfsStatus.NFS3ERR_ROFS;
    assertFails(
        NfsProcedure.CREATE, readOnly, "W", out -> RpcClient.createArguments(out, root, "x"));
    assertFails(NfsProcedure.MKDIR, readOnly, "W", out -> noAttributes(named(root, "x", out)));
    assertFails(NfsProcedure.REMOVE, readOnly, "W", named(root, "x"));
    assertFails(
        NfsProcedure.WRITE,
        readOnly,
        "W",
        out -> RpcClient.writeArguments(out, root, 0, 0, new byte[1]));
    XdrReader access = nfs(NfsProcedure.ACCESS, out -> out.opaque(root).int32(63));
    assertShape(access, "4A");
    assertThat(access.int32()).isEqualTo(0x01 | 0x02);
  }

  /// Owner, group and mode of a new file.
  private List<Integer> owner(String name) throws Exception {
    client.create(xid++, root, name);
    XdrReader reply = nfs(NfsProcedure.LOOKUP, named(root, name));
    assertShape(reply, "4H444");
    reply.int32();
    return List.of(reply.int32(), reply.int32());
  }

  @Test
  void squashedRootIsNobodyAndHasNoGroup() throws Exception {
    assertThat(owner("root's")).containsExactly(0, 0);
    serveInstead(false, true, false);
    client.as(RpcClient.ROOT);
    assertThat(mountStatus("/")).isZero();
    XdrReader refused = nfs(NfsProcedure.CREATE, out -> RpcClient.createArguments(out, root, "x"));
    assertThat(refused.int32()).isEqualTo(NfsStatus.NFS3ERR_ACCES.code());
    served.volume.setattr(
        zerofs.fs.Call.waiting(zerofs.fs.Caller.ROOT),
        Filesystem.ROOT,
        zerofs.fs.SetAttributes.ofMode(0777));
    assertThat(owner("root's")).containsExactly(65534, 65533);
    client.as(RpcClient.sys(7, 0, 0, 5));
    assertThat(owner("of root's group")).containsExactly(7, 65533);
    client.as(out -> out.int32(0).int32(0));
    assertThat(owner("AUTH_NONE's")).containsExactly(65534, 65533);
  }

  @Test
  void whoMayWriteADirectoryWithoutSearchingItMayNotChangeIt() throws Exception {
    byte[] directory = client.mkdir(xid++, root, "d", 0772);
    client.as(RpcClient.sys(7, 7));
    XdrReader access = nfs(NfsProcedure.ACCESS, out -> out.opaque(directory).int32(63));
    assertShape(access, "4A");
    assertThat(access.int32()).isZero();
  }

  /// sattr3 of owner, group, and times of 1 s 2 ns and 3 s 4 ns.
  private static XdrWriter owned(XdrWriter out, int mode, int uid, int gid) {
    out.int32(1).int32(mode).int32(1).int32(uid).int32(1).int32(gid).int32(0);
    return out.int32(2).int32(1).int32(2).int32(2).int32(3).int32(4);
  }

  private static final List<NfsProcedure> MAKERS =
      List.of(NfsProcedure.MKDIR, NfsProcedure.SYMLINK, NfsProcedure.MKNOD);

  private static void made(
      XdrWriter out, NfsProcedure how, byte[] root, String name, Consumer<XdrWriter> attributes) {
    named(root, name, out);
    if (how == NfsProcedure.MKNOD) {
      out.int32(7);
    }
    attributes.accept(out);
    if (how == NfsProcedure.SYMLINK) {
      out.opaque(RpcClient.bytes("target"));
    }
  }

  /// RFC 1813 §3.3.9 to 3.3.11: the attributes that they carry are those of the new object.
  @Test
  void whatIsMadeHasTheAttributesThatWereAskedFor() throws Exception {
    for (NfsProcedure how : MAKERS) {
      String name = how + " by root";
      assertDone(how, "hAB", out -> made(out, how, root, name, at -> owned(at, 0750, 5, 6)));
      XdrReader found = nfs(NfsProcedure.LOOKUP, named(root, name));
      assertShape(found, "4H44");
      assertThat(found.int32()).as(name + " mode").isEqualTo(0750);
      found.int32();
      assertThat(found.int32()).as(name + " uid").isEqualTo(5);
      assertThat(found.int32()).as(name + " gid").isEqualTo(6);
      assertShape(found, "88" + "44" + "88");
      assertThat(List.of(found.int32(), found.int32())).as(name + " atime").containsExactly(1, 2);
      assertThat(List.of(found.int32(), found.int32())).as(name + " mtime").containsExactly(3, 4);
    }
  }

  @Test
  void whoMakesSomethingMayGiveItWhatSetattrWould() throws Exception {
    byte[] open = client.mkdir(xid++, root, "open", 0777);
    client.as(RpcClient.sys(7, 7, 8));
    for (NfsProcedure how : MAKERS) {
      assertDone(how, "hAB", out -> made(out, how, open, how + "", at -> owned(at, 0750, 7, 8)));
      assertFails(
          how,
          NfsStatus.NFS3ERR_PERM,
          "W",
          out -> made(out, how, open, how + " given away", at -> owned(at, 0750, 9, 8)));
      assertFails(
          how,
          NfsStatus.NFS3ERR_PERM,
          "W",
          out -> made(out, how, open, how + " of others", at -> owned(at, 0750, 7, 9)));
      assertFails(
          NfsProcedure.LOOKUP, NfsStatus.NFS3ERR_NOENT, "A", named(open, how + " of others"));
    }
  }

  /// What has no size has none to set: 0 says nothing.
  @Test
  void aSizeIsForFiles() throws Exception {
    for (NfsProcedure how : MAKERS) {
      for (int size : new int[] {0, 5}) {
        NfsStatus status = size == 0 ? NfsStatus.NFS3_OK : NfsStatus.NFS3ERR_INVAL;
        Consumer<XdrWriter> sized =
            out -> out.int32(0).int32(0).int32(0).int32(1).int64(size).int32(0).int32(0);
        assertFails(
            how,
            status,
            size == 0 ? "hAB" : "W",
            out -> made(out, how, root, how + " of " + size, sized));
      }
    }
  }
}
