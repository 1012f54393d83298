package zerofs.server.nfs;

import java.net.InetAddress;
import java.util.List;

/// One export.
///
/// @param durability when replies are sent that must be stable (RFC 1813 §1.7)
/// @param readOnly whether changes are refused
/// @param rootSquash whether uid 0 becomes `anonUid`
/// @param allSquash whether every uid does
/// @param allowed networks that may connect
/// @param verifier write verifier (RFC 1813 §3.3.7): changes when unstable writes may be lost
public record NfsSettings(
    Durability durability,
    boolean readOnly,
    boolean rootSquash,
    boolean allSquash,
    int anonUid,
    int anonGid,
    List<Network> allowed,
    long verifier) {
  public NfsSettings {
    allowed = List.copyOf(allowed);
  }

  /// Whether a client of this address may connect.
  boolean allows(InetAddress client) {
    return allowed.stream().anyMatch(network -> network.contains(client));
  }

  /// The same export with another write verifier.
  public NfsSettings withVerifier(long other) {
    return new NfsSettings(
        durability, readOnly, rootSquash, allSquash, anonUid, anonGid, allowed, other);
  }

  /// What an answer to a stable request means.
  public enum Durability {
    /// It is on this machine's disk, and will be in the bucket: lost only with that disk, or when
    /// another machine takes the volume over before.
    JOURNAL,
    /// It is in the bucket.
    STORE,
    /// It is in memory: lost with the process or, where there is a journal, with the machine's
    /// power.
    MEMORY
  }

  /// Loopback only, nobody squashed, stable means in the bucket.
  public static NfsSettings standard(long verifier) {
    return new NfsSettings(
        Durability.STORE,
        false,
        false,
        false,
        65534,
        65534,
        List.of(Network.parse("127.0.0.0/8"), Network.parse("::1/128")),
        verifier);
  }

  /// An IP network.
  ///
  /// @param prefix leading bits that count
  public record Network(InetAddress address, int prefix) {
    /// Parses `10.0.0.0/8`, `::1/128`, or a single address.
    public static Network parse(String text) {
      int slash = text.indexOf('/');
      String host = slash < 0 ? text : text.substring(0, slash);
      if (!host.matches("[0-9a-fA-F.:]+")) {
        throw new IllegalArgumentException("'" + text + "' is not a network like 10.0.0.0/8");
      }
      try {
        InetAddress address = InetAddress.getByName(host);
        int bits = address.getAddress().length * 8;
        int prefix = slash < 0 ? bits : Integer.parseInt(text.substring(slash + 1));
        if (prefix < 0 || prefix > bits) {
          throw new IllegalArgumentException("'" + text + "': prefix not in 0 to " + bits);
        }
        return new Network(address, prefix);
      } catch (java.net.UnknownHostException | NumberFormatException e) {
        throw new IllegalArgumentException("'" + text + "' is not a network like 10.0.0.0/8", e);
      }
    }

    public boolean contains(InetAddress other) {
      byte[] mine = address.getAddress();
      byte[] theirs = other.getAddress();
      if (mine.length != theirs.length) {
        return false;
      }
      for (int bit = 0; bit < prefix; bit++) {
        int mask = 0x80 >> (bit & 7);
        if (((mine[bit >> 3] ^ theirs[bit >> 3]) & mask) != 0) {
          return false;
        }
      }
      return true;
    }
  }
}
