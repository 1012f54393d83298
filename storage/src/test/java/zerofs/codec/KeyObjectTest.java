package zerofs.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import zerofs.base.SeededRandomness;
import zerofs.objectstore.StorageException;

class KeyObjectTest {
  private static final byte[] VOLUME = new byte[16];
  private static final int MEMORY = 8;
  private static final int ITERATIONS = 12;
  private static final int LANES = 16;

  private static byte[] object() {
    return KeyObject.create("password", VOLUME, new byte[32], new SeededRandomness(1));
  }

  /// Derivation takes what the object says before anything can tell that it is damaged.
  @ParameterizedTest
  @CsvSource({
    MEMORY + ", 131073",
    MEMORY + ", 1048576",
    MEMORY + ", -1",
    MEMORY + ", 0",
    ITERATIONS + ", 17",
    ITERATIONS + ", 0",
    LANES + ", 65",
    LANES + ", 0",
  })
  void parametersThatNobodyChoseAreDamage(int offset, int value) {
    ByteBuffer damaged = ByteBuffer.wrap(object()).order(ByteOrder.LITTLE_ENDIAN);
    damaged.putInt(offset, value);
    assertThatThrownBy(() -> KeyObject.open("password", VOLUME, damaged))
        .isInstanceOf(StorageException.Corrupt.class)
        .hasMessageContaining("damaged");
  }

  @Test
  void whatIsMadeOpens() throws Exception {
    assertThat(KeyObject.open("password", VOLUME, ByteBuffer.wrap(object()))).hasSize(32);
  }
}
