package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.bouncycastle.crypto.macs.SipHash;
import org.bouncycastle.crypto.params.KeyParameter;
import org.junit.jupiter.api.Test;
import zerofs.fs.Name;

/// Index rows hold hashes, so they never change.
class NameHashTest {
  @Test
  void itIsSipHash24() {
    Random random = new Random(5);
    for (int length = 0; length < 300; length++) {
      byte[] key = new byte[16];
      byte[] name = new byte[length];
      random.nextBytes(key);
      random.nextBytes(name);
      SipHash reference = new SipHash();
      reference.init(new KeyParameter(key));
      reference.update(name, 0, length);
      assertThat(NameHash.keyed(key).of(Name.of(name))).isEqualTo(reference.doFinal());
    }
  }

  /// Appendix A of the paper: key and input are the bytes 0, 1, 2, ….
  @Test
  void theVectorOfThePaper() {
    byte[] key = new byte[16];
    byte[] input = new byte[15];
    for (int i = 0; i < 16; i++) {
      key[i] = (byte) i;
      input[Math.min(i, 14)] = (byte) Math.min(i, 14);
    }
    assertThat(NameHash.keyed(key).of(Name.of(input))).isEqualTo(0xa129ca6149be45e5L);
  }
}
