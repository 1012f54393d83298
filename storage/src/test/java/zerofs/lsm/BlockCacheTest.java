package zerofs.lsm;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;
import zerofs.base.Tasks;
import zerofs.codec.ObjectId;
import zerofs.objectstore.StorageException;

class BlockCacheTest {
  private static final ObjectId TABLE = new ObjectId(ObjectId.Kind.SST, 1, 1);
  private static final int BYTES = 4000;

  private final Tasks tasks =
      new SystemTasks(
          (name, e) -> {
            throw new AssertionError(name, e);
          });
  private final BlockCache cache = new BlockCache(tasks, 256 << 10);

  private static Block block() throws StorageException {
    Block.Builder builder = new Block.Builder();
    builder.add(new byte[] {1}, new byte[BYTES]);
    return new Block(builder.finish());
  }

  private static List<Block> blocks(int count) throws StorageException {
    List<Block> blocks = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      blocks.add(block());
    }
    return blocks;
  }

  @Test
  void whatIsAskedForEntersHoweverMuchTheOthersAreUsed() throws Exception {
    for (int i = 0; i < 200; i++) {
      cache.add(TABLE, i, blocks(1));
      for (int use = 0; use < 1000; use++) {
        cache.get(TABLE, use % (i + 1));
      }
      assertThat(cache.get(TABLE, i)).as("block " + i).isNotNull();
      assertThat(cache.bytes()).isLessThanOrEqualTo(256 << 10);
    }
  }

  /// An operation that needs many blocks at once and starts again at each miss, beside others that
  /// bring theirs: it fetches each one once.
  @Test
  void anOperationThatStartsAgainAtEachMissComesToItsEnd() throws Exception {
    Random random = new Random(1);
    for (int operation = 0; operation < 300; operation++) {
      int[] needed = random.ints(12, 0, 10_000).map(each -> each * 4).distinct().toArray();
      int fetches = 0;
      for (int i = 0; i < needed.length; i++) {
        if (cache.get(TABLE, needed[i]) == null) {
          cache.add(TABLE, needed[i], blocks(4));
          fetches++;
          i = -1;
        }
      }
      assertThat(fetches).isLessThanOrEqualTo(needed.length);
    }
  }

  @Test
  void neighboursLeaveFirst() throws Exception {
    cache.add(TABLE, 0, blocks(31));
    for (int i = 0; i < 45; i++) {
      cache.add(TABLE, 100 + i, blocks(1));
    }
    assertThat(cache.get(TABLE, 0)).as("asked for").isNotNull();
    assertThat(cache.get(TABLE, 100)).as("asked for").isNotNull();
    assertThat(cache.get(TABLE, 30)).as("a neighbour").isNull();
  }
}
