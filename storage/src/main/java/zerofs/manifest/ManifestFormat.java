package zerofs.manifest;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import zerofs.codec.ObjectId;
import zerofs.manifest.Manifest.EpochEntry;
import zerofs.manifest.Manifest.RunDescriptor;
import zerofs.manifest.Manifest.TableDescriptor;
import zerofs.objectstore.StorageException;

/// Payload of a manifest object (inside codec.ObjectEnvelope). Big-endian, as DataOutputStream has
/// it; strings are a length of 2 bytes and modified UTF-8.
///
/// ```text
/// number 8 | epoch 4 | mark 8 | markSequence 8 | claim 1
/// epochs 4 | each: epoch 4 | start 8 | end 8 | endSequence 8 | salt s | host s | journal s
///                | started 8 | inFlightMax 4 | lossPossible 1
/// runs 4   | each: lowest 8 | highest 8 | tables 4
///          | each table: epoch 4 | number 8 | bytes 8 | tailBytes 4 | rows 8
///                        | firstKey s | lastKey s
/// ```
///
/// Spec: docs/FORMAT.md "Manifest".
final class ManifestFormat {
  static final int VERSION = 1;

  private static final int ITEMS_MAX = 1 << 22;

  private ManifestFormat() {}

  static byte[] encode(Manifest manifest) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeLong(manifest.number());
      out.writeInt(manifest.epoch());
      out.writeLong(manifest.mark());
      out.writeLong(manifest.markSequence());
      out.writeBoolean(manifest.claim());
      out.writeInt(manifest.epochs().size());
      for (EpochEntry each : manifest.epochs()) {
        epoch(out, each);
      }
      out.writeInt(manifest.runs().size());
      for (RunDescriptor each : manifest.runs()) {
        run(out, each);
      }
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  private static void epoch(DataOutputStream out, EpochEntry entry) throws IOException {
    out.writeInt(entry.epoch());
    out.writeLong(entry.start());
    out.writeLong(entry.end());
    out.writeLong(entry.endSequence());
    out.writeUTF(entry.salt());
    out.writeUTF(entry.host());
    out.writeUTF(entry.journal());
    out.writeLong(entry.startedWallNanos());
    out.writeInt(entry.inFlightMax());
    out.writeBoolean(entry.lossPossible());
  }

  private static void run(DataOutputStream out, RunDescriptor run) throws IOException {
    out.writeLong(run.lowestPosition());
    out.writeLong(run.highestPosition());
    out.writeInt(run.tables().size());
    for (TableDescriptor table : run.tables()) {
      out.writeInt(table.id().epoch());
      out.writeLong(table.id().number());
      out.writeLong(table.bytes());
      out.writeInt(table.tailBytes());
      out.writeLong(table.rows());
      out.writeUTF(table.firstKey());
      out.writeUTF(table.lastKey());
    }
  }

  static Manifest decode(String name, byte[] payload) throws StorageException.Corrupt {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(payload))) {
      Manifest manifest =
          new Manifest(
              in.readLong(),
              in.readInt(),
              in.readLong(),
              in.readLong(),
              in.readBoolean(),
              epochs(in),
              runs(in));
      if (in.available() > 0) {
        throw new StorageException.Corrupt(name + ": " + in.available() + " bytes too many");
      }
      return manifest;
    } catch (IOException | RuntimeException e) {
      throw new StorageException.Corrupt(name + " does not decode: " + e, e);
    }
  }

  private static int count(DataInputStream in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > ITEMS_MAX || count > in.available()) {
      throw new IOException("count " + count);
    }
    return count;
  }

  private static List<EpochEntry> epochs(DataInputStream in) throws IOException {
    int count = count(in);
    List<EpochEntry> epochs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      EpochEntry entry =
          new EpochEntry(
              in.readInt(),
              in.readLong(),
              in.readLong(),
              in.readLong(),
              in.readUTF(),
              in.readUTF(),
              in.readUTF(),
              in.readLong(),
              in.readInt(),
              in.readBoolean());
      if (entry.epoch() != i + 1 || !entry.salt().matches("[0-9a-f]{32}")) {
        throw new IOException("epoch entry " + (i + 1));
      }
      epochs.add(entry);
    }
    return epochs;
  }

  private static List<RunDescriptor> runs(DataInputStream in) throws IOException {
    int count = count(in);
    List<RunDescriptor> runs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      long lowest = in.readLong();
      long highest = in.readLong();
      int tableCount = count(in);
      List<TableDescriptor> tables = new ArrayList<>();
      for (int j = 0; j < tableCount; j++) {
        ObjectId id = new ObjectId(ObjectId.Kind.SST, in.readInt(), in.readLong());
        tables.add(
            new TableDescriptor(
                id, in.readLong(), in.readInt(), in.readLong(), in.readUTF(), in.readUTF()));
      }
      runs.add(new RunDescriptor(lowest, highest, tables));
    }
    return runs;
  }
}
