package zerofs.fs.engine;

import java.util.HexFormat;
import zerofs.manifest.Manifest;
import zerofs.objectstore.StorageException;

/// The salts of the epochs of a volume.
public record Salts(Manifest manifest) {
  /// @throws StorageException.Corrupt when the volume has no such epoch
  public byte[] of(int epoch) throws StorageException.Corrupt {
    if (epoch < 1 || epoch > manifest.epochs().size()) {
      throw new StorageException.Corrupt("the volume has no epoch " + epoch);
    }
    return HexFormat.of().parseHex(manifest.epochEntry(epoch).salt());
  }
}
