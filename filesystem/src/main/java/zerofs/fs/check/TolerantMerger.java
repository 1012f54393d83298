package zerofs.fs.check;

import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import zerofs.fs.check.Finding.Kind;
import zerofs.fs.engine.MetadataMerger;
import zerofs.lsm.RowMerger;
import zerofs.objectstore.StorageException;

/// Merges rows as the volume does, but goes on after one that does not decode: it is told, and left
/// out where there is another one of its key.
final class TolerantMerger implements RowMerger {
  private final RowMerger merger = new MetadataMerger((_, _) -> {});
  private final Findings findings;

  TolerantMerger(Findings findings) {
    this.findings = findings;
  }

  @Override
  public byte[] merge(byte[] key, byte[] newer, byte[] older, SideRows side) {
    try {
      if (key.length == 0) {
        return newer; // Told by who looks at it, as below.
      }
      return merger.merge(key, newer, older, side);
    } catch (StorageException.Corrupt e) {
      findings.add(
          Kind.ROW_DAMAGED,
          "row " + HexFormat.of().formatHex(key) + ", one version of it: " + e.getMessage());
      return newer;
    }
  }

  @Override
  public byte @Nullable [] bottom(byte[] key, byte[] value) {
    try {
      if (key.length == 0) {
        return value;
      }
      return merger.bottom(key, value);
    } catch (StorageException.Corrupt e) {
      return value;
    }
  }

  @Override
  public boolean hidesOlder(byte[] key, byte[] value) {
    return key.length == 0 || merger.hidesOlder(key, value);
  }
}
