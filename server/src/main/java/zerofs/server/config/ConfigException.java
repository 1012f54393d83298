package zerofs.server.config;

import java.io.Serial;

/// A mistake in the configuration, as a sentence for the user.
public final class ConfigException extends Exception {
  @Serial private static final long serialVersionUID = 1;

  public ConfigException(String message) {
    super(message);
  }
}
