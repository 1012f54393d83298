package zerofs.objectstore;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import zerofs.base.Randomness;
import zerofs.base.SystemRandomness;
import zerofs.base.Tasks;

/// Objects as files below a directory. A PUT is whole and durable or not there: the bytes go to a
/// temporary file, are synced, get their name by link(2), which refuses a name that exists, and the
/// directory is synced. Strongly consistent on a local filesystem with hard links.
///
/// An object that can be seen may not be durable yet: its writer may have died between link and
/// sync. So "exists" is answered only after a sync of the directory, and [#open] syncs all of them:
/// whoever goes on from what it found goes on from what stays.
///
/// A disk that is full is met with a [Ballast]: a PUT that finds no room gives that up and is tried
/// again, so it fails only when that is not enough.
///
/// After a crash temporary files may be left over; old ones are swept at open. (Sweeping one that
/// is in use does no harm: its PUT fails and is tried again under another name.)
public final class FileObjectStore implements ObjectStore {
  private static final String TEMPORARY = ".tmp";
  private static final String BALLAST = "ballast";

  /// Far longer than any write takes.
  private static final Duration TEMPORARY_LIFE = Duration.ofHours(1);

  private final Path root;
  private final Path temporary;
  private final Set<Path> durable = ConcurrentHashMap.newKeySet();
  private final AtomicLong temporaryNumber = new AtomicLong();
  private final String owner;
  private final Disk disk;
  private final Ballast ballast;

  private FileObjectStore(Path root, long ballastBytes, Disk disk, Tasks tasks) {
    this.root = root;
    this.temporary = root.resolve(TEMPORARY);
    Randomness randomness = new SystemRandomness();
    byte[] random = new byte[8];
    randomness.secret(random);
    this.owner = HexFormat.of().formatHex(random);
    this.disk = disk;
    this.ballast =
        new Ballast(
            temporary.resolve(BALLAST),
            temporary.resolve(owner + "-" + BALLAST),
            ballastBytes,
            disk,
            tasks,
            randomness);
  }

  /// Opens the store in `root`, on the disk that is there.
  ///
  /// @param create whether a missing directory is made
  /// @param ballastBytes what is set aside for the time when the disk is full; 0 = nothing
  public static FileObjectStore open(Path root, boolean create, long ballastBytes, Tasks tasks)
      throws StorageException {
    return open(root, create, ballastBytes, tasks, new Disk.Real());
  }

  /// The same on another disk.
  public static FileObjectStore open(
      Path root, boolean create, long ballastBytes, Tasks tasks, Disk disk)
      throws StorageException {
    try {
      if (create) {
        makeDirectories(root);
      }
      if (!Files.isDirectory(root)) {
        throw new StorageException.Refused(
            "the storage directory " + root + " does not exist: create it, or correct storage.url");
      }
      FileObjectStore store = new FileObjectStore(root.toRealPath(), ballastBytes, disk, tasks);
      makeDirectories(store.temporary);
      store.afloat(store::sweep);
      syncDirectories(store.root);
      store.ballast.open();
      return store;
    } catch (IOException e) {
      throw refused(disk, "open the storage directory", root, e);
    }
  }

  private void sweep() throws IOException {
    Instant now = Files.getLastModifiedTime(Files.createTempFile(temporary, "now", "")).toInstant();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(temporary)) {
      for (Path each : files) {
        String name = each.getFileName().toString();
        if (name.startsWith("now") || (!name.equals(BALLAST) && isOld(each, now))) {
          Files.deleteIfExists(each);
        }
      }
    }
  }

  private static boolean isOld(Path file, Instant now) throws IOException {
    try {
      return Files.getLastModifiedTime(file).toInstant().isBefore(now.minus(TEMPORARY_LIFE));
    } catch (NoSuchFileException e) {
      return false; // Its writer was done with it.
    }
  }

  private static void syncDirectories(Path directory) throws IOException {
    try (DirectoryStream<Path> children = Files.newDirectoryStream(directory)) {
      for (Path each : children) {
        if (Files.isDirectory(each)) {
          syncDirectories(each);
        }
      }
    }
    syncDirectory(directory);
  }

  private Path path(String key) {
    return root.resolve(key);
  }

  @Override
  public @Nullable Fetched get(String key, long offset, int length, Cause cause)
      throws StorageException {
    try (FileChannel file = FileChannel.open(path(key), StandardOpenOption.READ)) {
      return read(file, Math.min(offset, file.size()), length);
    } catch (NoSuchFileException e) {
      return absent(e);
    } catch (IOException e) {
      throw refused("read", path(key), e);
    }
  }

  @Override
  public @Nullable Fetched getSuffix(String key, int length, Cause cause) throws StorageException {
    try (FileChannel file = FileChannel.open(path(key), StandardOpenOption.READ)) {
      return read(file, Math.max(0, file.size() - length), length);
    } catch (NoSuchFileException e) {
      return absent(e);
    } catch (IOException e) {
      throw refused("read", path(key), e);
    }
  }

  /// Absence counts only while the root is there: an unmounted disk is no empty store.
  private @Nullable Fetched absent(NoSuchFileException e) throws StorageException {
    if (!Files.isDirectory(temporary)) {
      throw new StorageException.Refused("the storage directory " + root + " is gone", e);
    }
    return null;
  }

  private static Fetched read(FileChannel file, long offset, int length) throws IOException {
    long size = file.size();
    int count = (int) Math.min(length, size - offset);
    ByteBuffer bytes =
        count > 64 << 10 ? ByteBuffer.allocateDirect(count) : ByteBuffer.allocate(count);
    while (bytes.hasRemaining() && file.read(bytes, offset + bytes.position()) > 0) {
      // Reads may be short.
    }
    return new Fetched(bytes.flip(), size);
  }

  @Override
  public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
    Path target = path(key);
    Path parent = parentOf(target);
    Path written = temporary.resolve(owner + "-" + temporaryNumber.incrementAndGet());
    boolean created = true;
    try {
      afloat(
          () -> {
            Files.deleteIfExists(written);
            disk.write(written, body);
          });
      afloat(() -> link(target, parent, written));
    } catch (FileAlreadyExistsException e) {
      created = false;
    } catch (IOException e) {
      throw refused("write", target, e);
    } finally {
      discard(written);
    }
    try {
      syncDirectory(parent);
      syncAncestors(parent);
    } catch (IOException e) {
      throw new StorageException.OutcomeUnknown("syncing " + parent + " failed: " + e, e);
    }
    return created ? PutOutcome.CREATED : PutOutcome.EXISTS;
  }

  @FunctionalInterface
  private interface Step {
    void run() throws IOException;
  }

  /// Runs a step that takes room, once more without the ballast when there is none.
  private void afloat(Step step) throws IOException {
    try {
      step.run();
    } catch (IOException e) {
      if (!disk.isFull(temporary, e)) {
        throw e;
      }
      ballast.release();
      step.run();
    }
  }

  /// Who finds a directory may come before the sync of whoever has just made it.
  private void syncAncestors(Path directory) throws IOException {
    if (durable.contains(directory)) {
      return;
    }
    for (Path each = directory; !each.equals(root); each = parentOf(each)) {
      syncDirectory(parentOf(each));
    }
    durable.add(directory);
  }

  private static void discard(Path written) {
    try {
      Files.deleteIfExists(written);
    } catch (IOException e) {
      written.toFile().deleteOnExit(); // What stays is swept at a later start.
    }
  }

  private static Path parentOf(Path path) {
    Path parent = path.getParent();
    if (parent == null) {
      throw new IllegalArgumentException("key without a directory: " + path);
    }
    return parent;
  }

  private static void link(Path target, Path parent, Path written) throws IOException {
    try {
      Files.createLink(target, written);
    } catch (NoSuchFileException e) {
      makeDirectories(parent);
      Files.createLink(target, written);
    }
  }

  /// Makes a directory and its missing parents, durably.
  private static void makeDirectories(Path directory) throws IOException {
    if (Files.isDirectory(directory)) {
      return;
    }
    Path parent = directory.toAbsolutePath().getParent();
    if (parent != null) {
      makeDirectories(parent);
    }
    try {
      Files.createDirectory(directory);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(directory)) {
        throw new NotDirectoryException(directory.toString());
      }
    }
    if (parent != null) {
      syncDirectory(parent);
    }
  }

  private static void syncDirectory(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  @Override
  public void delete(String key, Cause cause) throws StorageException {
    try {
      if (Files.deleteIfExists(path(key))) {
        syncDirectory(parentOf(path(key)));
      }
    } catch (IOException e) {
      throw refused("delete", path(key), e);
    }
  }

  @Override
  public List<Listed> list(String prefix, String startAfter, int limit, Cause cause)
      throws StorageException {
    List<Listed> found = new ArrayList<>();
    if (!Files.isDirectory(temporary)) {
      throw new StorageException.Refused("the storage directory " + root + " is gone");
    }
    try {
      collect(root, "", prefix, startAfter, limit, found);
    } catch (IOException e) {
      throw refused("list", root, e);
    }
    return found;
  }

  /// A name in a directory; a directory sorts as `name/`, as its keys do.
  private record Child(String key, Path path, boolean isDirectory) {}

  private void collect(
      Path directory, String base, String prefix, String startAfter, int limit, List<Listed> found)
      throws IOException {
    for (Child child : children(directory, base)) {
      if (found.size() == limit) {
        return;
      }
      String key = child.key();
      boolean mayMatch = key.startsWith(prefix) || (child.isDirectory() && prefix.startsWith(key));
      boolean allBefore =
          key.compareTo(startAfter) <= 0 && !(child.isDirectory() && startAfter.startsWith(key));
      if (!mayMatch || allBefore) {
        continue;
      }
      if (child.isDirectory()) {
        collect(child.path(), key, prefix, startAfter, limit, found);
      } else {
        addUnlessDeleted(child, found);
      }
    }
  }

  private static void addUnlessDeleted(Child child, List<Listed> found) throws IOException {
    try {
      found.add(new Listed(child.key(), Files.size(child.path())));
    } catch (NoSuchFileException e) {
      return; // Another process deleted it meanwhile.
    }
  }

  private List<Child> children(Path directory, String base) throws IOException {
    List<Child> children = new ArrayList<>();
    try (DirectoryStream<Path> paths = Files.newDirectoryStream(directory)) {
      for (Path each : paths) {
        if (!each.equals(temporary)) {
          boolean isDirectory = Files.isDirectory(each);
          String key = base + each.getFileName() + (isDirectory ? "/" : "");
          children.add(new Child(key, each, isDirectory));
        }
      }
    }
    children.sort(java.util.Comparator.comparing(Child::key));
    return children;
  }

  private StorageException refused(String what, Path path, IOException e) {
    return refused(disk, what, path, e);
  }

  private static StorageException refused(Disk disk, String what, Path path, IOException e) {
    if (e instanceof AccessDeniedException) {
      return new StorageException.Refused(
          "no permission to " + what + " " + path + ": check its owner and mode", e);
    }
    String message = String.valueOf(e.getMessage());
    if (disk.isFull(path, e)) {
      return new StorageException.Refused(
          "the disk under " + path + " is full: free some space, then it goes on by itself", e);
    }
    return new StorageException.Refused("could not " + what + " " + path + ": " + message, e);
  }

  @Override
  public @Nullable String shortage() {
    return ballast.shortage();
  }

  @Override
  public void close() {
    ballast.close(); // No file stays open between calls.
  }
}
