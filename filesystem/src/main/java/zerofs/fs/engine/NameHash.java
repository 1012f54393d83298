package zerofs.fs.engine;

import org.bouncycastle.crypto.macs.SipHash;
import org.bouncycastle.crypto.params.KeyParameter;
import zerofs.fs.Name;

/// SipHash-2-4 of a name under a key of the volume: nobody without the key can choose names that
/// collide. (Aumasson and Bernstein, "SipHash: a fast short-input PRF".)
final class NameHash {
  private final KeyParameter key;

  /// @param key 16 bytes
  NameHash(byte[] key) {
    this.key = new KeyParameter(key);
  }

  long of(Name name) {
    SipHash mac = new SipHash();
    mac.init(key);
    byte[] raw = name.raw();
    mac.update(raw, 0, raw.length);
    return mac.doFinal();
  }
}
