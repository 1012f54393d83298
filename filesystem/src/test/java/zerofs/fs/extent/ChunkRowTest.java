package zerofs.fs.extent;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import zerofs.codec.ObjectId;
import zerofs.objectstore.StorageException;

/// Random rows: merging is associative, accounts for each reference once, and survives encoding.
class ChunkRowTest {
  private int frames;
  private int offset;
  private ObjectId object = new ObjectId(ObjectId.Kind.LOG, 1, 1);

  /// The log object of the position mostly, else a data segment; frames follow one another in it.
  private FrameRef nextFrame(Random random, long position) {
    if (random.nextInt(8) == 0) {
      ObjectId.Kind kind = random.nextInt(3) == 0 ? ObjectId.Kind.DATA : ObjectId.Kind.LOG;
      long number = kind == ObjectId.Kind.LOG ? position : 1 + random.nextInt(20);
      object = new ObjectId(kind, 1 + random.nextInt(3), number);
    }
    int stored = 600 + random.nextInt(100);
    offset += stored;
    return new FrameRef(object, frames++, offset - stored, stored);
  }

  private ExtentState state(Random random, long position) {
    if (random.nextInt(6) > 3) {
      return ExtentState.NONE;
    }
    FrameRef frame = nextFrame(random, position);
    return switch (random.nextInt(4)) {
      case 0 ->
          ExtentState.frame(
              frame, random.nextBoolean() ? 32768 : 1 + random.nextInt(32768), position);
      case 1 -> ExtentState.clip(random.nextInt(3) * 9000, position);
      case 2 -> ExtentState.inline(new byte[random.nextInt(30)], position);
      case 3 -> {
        int from = random.nextInt(20000);
        int to = from + 1 + random.nextInt(5000);
        int next = to + 1 + random.nextInt(3000);
        int[] ranges =
            random.nextBoolean() ? new int[] {from, to} : new int[] {from, to, next, next + 9};
        yield ExtentState.patch(new Patch(frame, position, ranges, 32768));
      }
      default -> throw new AssertionError();
    };
  }

  private ChunkRow row(Random random, long position) {
    object = new ObjectId(ObjectId.Kind.LOG, 1 + random.nextInt(3), position);
    ChunkRow.Builder builder = new ChunkRow.Builder();
    for (int i = 0; i < ChunkRow.EXTENTS; i++) {
      builder.set(i, state(random, position));
    }
    return builder.build();
  }

  private static int references(ChunkRow row) {
    int count = 0;
    for (int i = 0; i < ChunkRow.EXTENTS; i++) {
      ExtentState state = row.extent(i);
      count += state.patches().size() + (state.base() == ExtentState.Base.FRAME ? 1 : 0);
    }
    return count;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void mergingIsAssociativeAndDropsEachReferenceOnce(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      ChunkRow a = row(random, 10);
      ChunkRow b = row(random, 11);
      ChunkRow c = row(random, 12);
      Map<FrameRef, Integer> left = new HashMap<>();
      Map<FrameRef, Integer> right = new HashMap<>();
      DebitSink leftSink = (frame, death) -> left.merge(frame, 1, Integer::sum);
      DebitSink rightSink = (frame, death) -> right.merge(frame, 1, Integer::sum);
      ChunkRow one = ChunkRow.merge(ChunkRow.merge(c, b, leftSink), a, leftSink);
      ChunkRow other = ChunkRow.merge(c, ChunkRow.merge(b, a, rightSink), rightSink);
      assertThat(one).isEqualTo(other);
      assertThat(left).isEqualTo(right);
      assertThat(left.values()).allMatch(count -> count == 1);
      assertThat(references(a) + references(b) + references(c) - left.size())
          .isEqualTo(references(one));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void aRowSurvivesEncoding(long seed) throws Exception {
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      ChunkRow row =
          ChunkRow.merge(row(random, 1 + random.nextInt(99)), row(random, 7), DebitSink.NONE);
      assertThat(ChunkRowFormat.decode(ChunkRowFormat.encode(row))).isEqualTo(row);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void garbageIsRefusedAndNothingWorse(long seed) {
    Random random = new Random(seed);
    byte[] good = ChunkRowFormat.encode(row(random, 9));
    int refused = 0;
    for (int round = 0; round < 5000; round++) {
      byte[] bytes = good.clone();
      for (int i = 0; i <= random.nextInt(3); i++) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      try {
        ChunkRowFormat.decode(bytes);
      } catch (StorageException.Corrupt e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(1000);
  }
}
