package zerofs.server.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/// Which volumes this user serves on this machine: a file per volume in a private directory that
/// holds the path of its server's admin socket. The file itself proves nothing; a server counts as
/// running while it answers there, so what a killed one leaves behind is in nobody's way.
///
/// It is a guard against accidents. Two writers can't damage a volume: the second fences the first.
final class RunningServers {
  private static final Logger LOG = LoggerFactory.getLogger(RunningServers.class);

  private final Path directory;

  RunningServers(Path directory) {
    this.directory = directory;
  }

  /// `$XDG_RUNTIME_DIR/zerofs`, else a directory of the user's in the one for temporary files.
  static RunningServers ofThisUser() {
    String runtime = System.getenv("XDG_RUNTIME_DIR");
    return new RunningServers(
        runtime == null || runtime.isEmpty()
            ? Path.of(
                System.getProperty("java.io.tmpdir"), "zerofs-" + System.getProperty("user.name"))
            : Path.of(runtime, "zerofs"));
  }

  /// Says that this process is about to serve a volume.
  ///
  /// @param takeover whether to do so though another one serves it
  /// @throws Failure when another one does
  void enter(String volumeId, Path adminSocket, boolean takeover) throws Failure {
    try {
      prepare();
      Path guard = directory.resolve(volumeId + ".lock");
      try (FileChannel channel =
              FileChannel.open(guard, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
          FileLock _ = channel.lock()) {
        Path other = running(volumeId, adminSocket);
        if (other != null && !takeover) {
          throw new Failure(
              ExitCode.USAGE,
              "a ZeroFS server serves this volume already (it answers on "
                  + other
                  + "): stop it first, or take the volume over from it by 'run --takeover' (what"
                  + " only its journal has is lost then)");
        }
        Files.writeString(entry(volumeId), adminSocket.toString());
      }
    } catch (IOException e) {
      LOG.warn("not looked for other servers of this volume on this machine: {}", e.toString());
    }
  }

  /// Where another server of a volume answers; null when none does. On the own socket it is this
  /// process that answers: it was refused there if anyone else did.
  private @Nullable Path running(String volumeId, Path own) throws IOException {
    if (!Files.exists(entry(volumeId))) {
      return null;
    }
    Path socket = Path.of(Files.readString(entry(volumeId)));
    if (socket.equals(own)) {
      return null;
    }
    String answer = AdminServer.ask(socket, "volume", AdminServer.ASK_MILLIS_MAX);
    return answer != null && answer.strip().equals(volumeId) ? socket : null;
  }

  /// Says that it has ended, unless another one has taken its place.
  void leave(String volumeId, Path adminSocket) {
    try {
      Path entry = entry(volumeId);
      if (Files.exists(entry) && Files.readString(entry).equals(adminSocket.toString())) {
        Files.delete(entry);
      }
    } catch (IOException e) {
      LOG.debug("left an entry behind: {}", e.toString());
    }
  }

  private Path entry(String volumeId) {
    return directory.resolve(volumeId);
  }

  private void prepare() throws IOException {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectory(
          directory,
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    // In a directory for everybody's temporary files it could be somebody else's trap.
    String owner = Files.getOwner(directory, LinkOption.NOFOLLOW_LINKS).getName();
    if (!owner.equals(System.getProperty("user.name"))) {
      throw new IOException(directory + " belongs to " + owner);
    }
  }
}
