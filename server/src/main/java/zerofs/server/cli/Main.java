package zerofs.server.cli;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.Security;
import java.util.HexFormat;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import zerofs.base.Randomness;
import zerofs.base.SystemRandomness;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.log.VolumeSecrets;
import zerofs.objectstore.ObjectStore;
import zerofs.objectstore.StorageException;
import zerofs.server.config.Config;
import zerofs.server.config.ConfigException;
import zerofs.server.config.ConfigReader;

/// The command line of ZeroFS.
@Command(
    name = "zerofs",
    description = "A POSIX filesystem whose only durable home is an object store.",
    version = "zerofs " + Main.VERSION,
    mixinStandardHelpOptions = true,
    subcommands = {
      Main.Quickstart.class,
      Main.Init.class,
      Main.Run.class,
      Main.ChangePassword.class,
      Main.Status.class,
      Main.Flush.class,
      FsckCommand.class
    })
public final class Main {
  static final String VERSION = "0.1.0";

  private static final Logger LOG = LoggerFactory.getLogger(Main.class);

  /// How long, in seconds, a name that has no address is not asked for again.
  private static final String UNKNOWN_HOST_SECONDS = "1";

  /// How long an address is used on when its name can't be asked for.
  private static final String STALE_HOST_SECONDS = "86400";

  public static void main(String[] arguments) {
    // An outage of DNS is none of a store whose address is known, and no longer than it lasts.
    Security.setProperty("networkaddress.cache.negative.ttl", UNKNOWN_HOST_SECONDS);
    Security.setProperty("networkaddress.cache.stale.ttl", STALE_HOST_SECONDS);
    System.exit(execute(arguments));
  }

  static int execute(String... arguments) {
    return new CommandLine(new Main())
        .setExecutionExceptionHandler((e, _, _) -> report(e))
        .execute(arguments.length == 0 ? new String[] {"--help"} : arguments);
  }

  /// One sentence for the user, one exit code for the service manager.
  private static int report(Exception e) {
    int code =
        switch (e) {
          case Failure failure -> failure.exitCode();
          case ConfigException _ -> ExitCode.USAGE;
          case StorageException storage -> ExitCode.of(storage);
          default -> {
            LOG.error("unexpected failure", e);
            yield ExitCode.UNEXPECTED;
          }
        };
    System.err.println("zerofs: " + e.getMessage());
    return code;
  }

  static Config config(Path file) throws ConfigException {
    return ConfigReader.read(file, System::getenv);
  }

  static Tasks tasks() {
    return new SystemTasks((name, e) -> LOG.error("task '{}' failed", name, e));
  }

  @Command(
      name = "quickstart",
      description = "Make a volume in a directory or bucket if there is none, and serve it.")
  static final class Quickstart implements Callable<Integer> {
    @Parameters(
        arity = "0..1",
        defaultValue = "zerofs-data",
        paramLabel = "DIR|s3://BUCKET/PREFIX",
        description = "where to store; for s3:// the configuration goes to ./zerofs-data")
    private String where = "zerofs-data";

    @Override
    public Integer call() throws Exception {
      boolean isBucket = where.startsWith("s3://");
      Path directory = Path.of(isBucket ? "zerofs-data" : where).toAbsolutePath().normalize();
      Path file = directory.resolve("zerofs.toml");
      String url = isBucket ? where : "file://" + directory.resolve("store");
      if (!Files.exists(file)) {
        prepare(directory, file, url);
      } else if (isBucket && !config(file).storageUrl().equals(url)) {
        throw new Failure(
            ExitCode.USAGE,
            file
                + " is for "
                + config(file).storageUrl()
                + ": run quickstart elsewhere, or 'zerofs"
                + " run -c' with a configuration for "
                + url);
      }
      Config config = config(file);
      ServerProcess process = new ServerProcess(config, System.out);
      process.run(false, () -> ready(process.nfsPort()));
      return ExitCode.OK;
    }

    static void prepare(Path directory, Path file, String url) throws IOException {
      Files.createDirectories(directory);
      byte[] random = new byte[24];
      new SystemRandomness().secret(random);
      Path password = directory.resolve("password");
      if (!Files.exists(password)) {
        Files.createFile(
            password,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.writeString(password, HexFormat.of().formatHex(random), StandardOpenOption.WRITE);
      }
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(
          file, ConfigTemplate.of(url, Files.readString(password).strip(), endpoint(url)));
      System.out.println(
          "made "
              + file
              + "\nThe password that encrypts the volume is in "
              + password
              + ": keep a copy elsewhere. Without it the data is lost.");
    }

    /// Where another store than AWS is, as the environment says for all programs of this kind.
    private static @Nullable String endpoint(String url) {
      return url.startsWith("s3://") ? System.getenv("AWS_ENDPOINT_URL") : null;
    }

    private static void ready(int port) {
      System.out.println(
          "ready. Mount it (as root):\n"
              + "  Linux:  mount -t nfs -o vers=3,proto=tcp,nolock,hard,port="
              + port
              + ",mountport="
              + port
              + ",mountproto=tcp 127.0.0.1:/ /mnt\n"
              + "  macOS:  mount -t nfs -o vers=3,tcp,nolocks,port="
              + port
              + ",mountport="
              + port
              + " 127.0.0.1:/ /Volumes/zerofs");
    }
  }

  @Command(name = "init", description = "Write a commented configuration.")
  static final class Init implements Callable<Integer> {
    @Parameters(arity = "0..1", defaultValue = "zerofs.toml", paramLabel = "PATH")
    private Path path = Path.of("zerofs.toml");

    @Override
    public Integer call() throws Exception {
      if (Files.exists(path)) {
        throw new Failure(ExitCode.USAGE, path + " exists already: it is left as it is");
      }
      Files.writeString(
          path,
          ConfigTemplate.of("file:///var/lib/zerofs", "${ZEROFS_PASSWORD}", null),
          StandardOpenOption.CREATE_NEW);
      System.out.println("made " + path + ": edit it, then 'zerofs run -c " + path + "'");
      return ExitCode.OK;
    }
  }

  @Command(name = "run", description = "Serve the volume of a configuration.")
  static final class Run implements Callable<Integer> {
    @Option(
        names = {"-c", "--config"},
        required = true,
        paramLabel = "FILE")
    private Path file = Path.of("zerofs.toml");

    @Option(
        names = "--takeover",
        description =
            "serve the volume although another server does (it ends), or one elsewhere did not stop"
                + " by itself: what only its journal has is left out")
    private boolean takeover;

    @Override
    public Integer call() throws Exception {
      new ServerProcess(config(file), System.out).run(takeover, () -> System.out.println("ready"));
      return ExitCode.OK;
    }
  }

  @Command(
      name = "change-password",
      description = "Wrap the volume's key by a new password (ZEROFS_NEW_PASSWORD, or asked for).")
  static final class ChangePassword implements Callable<Integer> {
    @Option(
        names = {"-c", "--config"},
        required = true,
        paramLabel = "FILE")
    private Path file = Path.of("zerofs.toml");

    @Override
    public Integer call() throws Exception {
      Config config = config(file);
      String password = newPassword();
      if (password == null || password.length() < 8) {
        throw new Failure(ExitCode.USAGE, "the new password must have at least 8 characters");
      }
      Randomness randomness = new SystemRandomness();
      Tasks tasks = tasks();
      try (ObjectStore store =
          ServerProcess.retrying(ServerProcess.openStore(config, true, tasks), tasks, randomness)) {
        VolumeSecrets.changePassword(store, config.password(), password, randomness);
      }
      System.out.println(
          "the password is changed: put the new one into storage.encryption_password of " + file);
      return ExitCode.OK;
    }

    private static @Nullable String newPassword() {
      String given = System.getenv("ZEROFS_NEW_PASSWORD");
      Console console = System.console();
      if (given != null || console == null || !console.isTerminal()) {
        return given;
      }
      char[] typed = console.readPassword("new password: ");
      return typed == null ? null : new String(typed);
    }
  }

  /// Asks the server that runs with a configuration.
  private static int ask(Path file, String request) throws ConfigException, Failure {
    Config config = config(file);
    String answer = AdminServer.ask(config.adminSocket(), request, 0);
    if (answer == null) {
      throw new Failure(
          ExitCode.UNEXPECTED,
          "no server answers on "
              + config.adminSocket()
              + ": start it with 'zerofs run -c "
              + file
              + "'");
    }
    System.out.print(answer.endsWith("\n") ? answer : answer + "\n");
    return answer.startsWith("error:") ? ExitCode.UNEXPECTED : ExitCode.OK;
  }

  @Command(name = "status", description = "Show how a running server is doing.")
  static final class Status implements Callable<Integer> {
    @Option(
        names = {"-c", "--config"},
        required = true,
        paramLabel = "FILE")
    private Path file = Path.of("zerofs.toml");

    @Option(names = "--json")
    private boolean json;

    @Override
    public Integer call() throws Exception {
      return ask(file, json ? "status --json" : "status");
    }
  }

  @Command(name = "flush", description = "Store everything, and write rows in memory to SSTs.")
  static final class Flush implements Callable<Integer> {
    @Option(
        names = {"-c", "--config"},
        required = true,
        paramLabel = "FILE")
    private Path file = Path.of("zerofs.toml");

    @Override
    public Integer call() throws Exception {
      return ask(file, "flush");
    }
  }
}
