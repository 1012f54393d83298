package zerofs.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.zip.CRC32C;
import zerofs.codec.Keys;
import zerofs.codec.ObjectId;
import zerofs.codec.SealedFrameCodec;
import zerofs.codec.VolumeObject;
import zerofs.fs.FsException;
import zerofs.fs.engine.RedoTarget;
import zerofs.fs.extent.ChunkRow;
import zerofs.fs.extent.ChunkRowFormat;
import zerofs.fs.extent.DebitSink;
import zerofs.fs.row.DirectoryEntry;
import zerofs.fs.row.InodeFormat;
import zerofs.fs.row.SegmentUsage;
import zerofs.fs.row.UsageRow;
import zerofs.log.LogFormat;
import zerofs.lsm.SortedRows;
import zerofs.lsm.TableTarget;
import zerofs.manifest.ManifestTarget;
import zerofs.objectstore.ObjectStore.Fetched;
import zerofs.objectstore.StorageException;
import zerofs.server.config.ConfigException;
import zerofs.server.config.ConfigReader;
import zerofs.server.nfs.NfsTarget;
import zerofs.wire.rpc.RpcCall;
import zerofs.wire.xdr.XdrException;
import zerofs.wire.xdr.XdrReader;

/// A decoder, and what holds whatever bytes it is given: it answers, or throws what it says it
/// throws; what it made of them it makes of its own encoding as well. Checksums are put right
/// before, so that it gets to see what a writer with the key might have stored.
@SuppressWarnings("ImmutableEnumChecker") // Functions without state.
public enum Target {
  CHUNK_ROW(
      input -> {
        ChunkRow row = ChunkRowFormat.decode(input);
        require(row.equals(ChunkRowFormat.decode(ChunkRowFormat.encode(row))));
        ChunkRow.merge(row, row, DebitSink.NONE);
        ChunkRow.bottom(row);
      }),
  INODE_ROW(
      input -> {
        byte[] again = InodeFormat.encode(InodeFormat.decode(7, input));
        require(Arrays.equals(again, InodeFormat.encode(InodeFormat.decode(7, again))));
      }),
  ENTRY_ROW(
      input -> {
        DirectoryEntry entry = DirectoryEntry.decode(3, input);
        require(Arrays.equals(entry.encode(), input));
      }),
  ACCOUNT_ROW(
      input -> {
        switch (input.length) {
          case 16 -> require(Arrays.equals(UsageRow.decode(input).encode(), input));
          case 32 -> require(Arrays.equals(SegmentUsage.decode(input).encode(), input));
          default -> DirectoryEntry.decodeCookies(input);
        }
      }),
  REDO_RECORD(RedoTarget::run),
  SORTED_ROWS(
      input -> {
        SortedRows rows = SortedRows.decode(ByteBuffer.wrap(input));
        require(rows.encode().equals(ByteBuffer.wrap(input)));
      }),
  TABLE(TableTarget::run),
  MANIFEST(ManifestTarget::run),
  SEGMENT(
      input -> {
        byte[] object = withChecksum(input, LogFormat.FOOTER_BYTES, 0x4c53465a);
        Fetched whole = new Fetched(ByteBuffer.wrap(object), object.length);
        ObjectId.Kind kind =
            object.length > 160 && object[object.length - 154] == 4
                ? ObjectId.Kind.DATA
                : ObjectId.Kind.LOG;
        Targets.FORMAT.decodeSegment(new ObjectId(kind, 3, 5), whole, (_, _) -> null);
      }),
  VOLUME(
      input -> {
        byte[] object = withChecksum(input, 60, VolumeObject.MAGIC);
        VolumeObject volume = VolumeObject.decode(ByteBuffer.wrap(object));
        require(volume.equals(VolumeObject.decode(ByteBuffer.wrap(volume.encode()))));
      }),
  RPC_CALL(input -> RpcCall.decode(new XdrReader(ByteBuffer.wrap(input)))),
  NFS(input -> Targets.Nfs.EXPORT.run(input)),
  CONFIG(
      input -> {
        Files.write(Targets.CONFIG, input);
        ConfigReader.read(Targets.CONFIG, _ -> null);
      });

  private final Body body;

  Target(Body body) {
    this.body = body;
  }

  private interface Body {
    void run(byte[] input)
        throws StorageException, XdrException, FsException, ConfigException, IOException;
  }

  /// What targets share.
  private static final class Targets {
    static final LogFormat FORMAT =
        new LogFormat(new SealedFrameCodec(new Keys(new byte[32], new byte[16])), new byte[16]);

    static final Path CONFIG = temporary();

    /// Made when it is asked for.
    private static final class Nfs {
      static final NfsTarget EXPORT = new NfsTarget(FuzzVolume.open());
    }

    private Targets() {}

    private static Path temporary() {
      try {
        Path file = Files.createTempFile("zerofs-fuzz", ".toml");
        file.toFile().deleteOnExit();
        return file;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /// Runs the decoder.
  ///
  /// @return whether it took the input; else it said that this is not what it should be
  /// @throws IllegalStateException when something does not hold; as whatever escapes it otherwise
  public boolean run(byte[] input) {
    try {
      body.run(input);
      return true;
    } catch (StorageException | XdrException | ConfigException e) {
      require(e.getMessage() != null);
      return false;
    } catch (FsException | IOException e) {
      throw new IllegalStateException(this + " fails for another reason", e);
    }
  }

  private static void require(boolean holds) {
    if (!holds) {
      throw new IllegalStateException("what was decoded does not hold");
    }
  }

  /// The last bytes of an object as a footer: with its magic, and the checksum at its end right.
  private static byte[] withChecksum(byte[] input, int footerBytes, int magic) {
    byte[] object = input.clone();
    if (object.length >= footerBytes) {
      ByteBuffer footer =
          ByteBuffer.wrap(object, object.length - footerBytes, footerBytes)
              .slice()
              .order(ByteOrder.LITTLE_ENDIAN);
      CRC32C crc = new CRC32C();
      footer.putInt(0, magic);
      crc.update(footer.slice(0, footerBytes - 4));
      footer.putInt(footerBytes - 4, (int) crc.getValue());
    }
    return object;
  }

  /// Where its corpus lies.
  public String corpus() {
    return name().toLowerCase(Locale.ROOT);
  }
}
