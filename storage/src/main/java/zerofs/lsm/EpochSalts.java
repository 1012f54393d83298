package zerofs.lsm;

import zerofs.objectstore.StorageException;

/// Salts of the epochs of a volume, for keys of objects.
@FunctionalInterface
public interface EpochSalts {
  /// @throws StorageException.Corrupt when the volume has no such epoch
  byte[] salt(int epoch) throws StorageException;
}
