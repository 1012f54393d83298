package zerofs.simulation;

import zerofs.fs.FsException;
import zerofs.objectstore.StorageException;

/// A story of a volume, at each request of which everything may end.
///
/// @param about what is in flight in it
/// @param prepare what is there before; nothing ends during it
record CrashScenario(String name, String about, TestVolumes.Size size, Story prepare, Story story) {
  /// What one client does.
  @FunctionalInterface
  interface Story {
    Story NOTHING = hands -> {};

    void run(Hands hands) throws FsException, StorageException;
  }
}
