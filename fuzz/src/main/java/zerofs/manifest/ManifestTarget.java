package zerofs.manifest;

import zerofs.objectstore.StorageException;

/// For fuzzing.
public final class ManifestTarget {
  private ManifestTarget() {}

  /// Decodes the payload of a manifest; what decodes is the same after another round.
  public static void run(byte[] payload) throws StorageException {
    Manifest manifest = ManifestFormat.decode("manifest", payload);
    if (!manifest.equals(ManifestFormat.decode("manifest", ManifestFormat.encode(manifest)))) {
      throw new IllegalStateException("another manifest after a round: " + manifest);
    }
  }

  /// A payload to begin with.
  public static byte[] seed(Manifest manifest) {
    return ManifestFormat.encode(manifest);
  }
}
