package zerofs.objectstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import zerofs.base.SeededRandomness;

class CreateOnlyProbeTest {
  private enum Answer {
    AS_IT_IS,
    REPLY_LOST,
    LOST,
    OVERWRITES,
    ALWAYS_EXISTS
  }

  /// A store that answers PUTs by a list, then as it is.
  private static final class Scripted implements ObjectStore {
    private final MemoryObjectStore memory = new MemoryObjectStore();
    private final List<Answer> answers;
    private int puts;

    Scripted(Answer... answers) {
      this.answers = List.of(answers);
    }

    @Override
    public @Nullable Fetched get(String key, long offset, int length, Cause cause) {
      return memory.get(key, offset, length, cause);
    }

    @Override
    public @Nullable Fetched getSuffix(String key, int length, Cause cause) {
      return memory.getSuffix(key, length, cause);
    }

    @Override
    public PutOutcome put(String key, Body body, Cause cause) throws StorageException {
      Answer answer = puts < answers.size() ? answers.get(puts) : Answer.AS_IT_IS;
      puts++;
      return switch (answer) {
        case AS_IT_IS -> memory.put(key, body, cause);
        case REPLY_LOST -> {
          memory.put(key, body, cause);
          throw new StorageException.OutcomeUnknown("the reply was lost");
        }
        case LOST -> throw new StorageException.OutcomeUnknown("the request was lost");
        case OVERWRITES -> {
          memory.delete(key, cause);
          yield memory.put(key, body, cause);
        }
        case ALWAYS_EXISTS -> PutOutcome.EXISTS;
      };
    }

    @Override
    public void delete(String key, Cause cause) {
      memory.delete(key, cause);
    }

    @Override
    public List<Listed> list(String prefix, String startAfter, int limit, Cause cause) {
      return memory.list(prefix, startAfter, limit, cause);
    }

    @Override
    public void close() {
      memory.close();
    }
  }

  private static void check(Answer... answers) throws StorageException {
    Scripted store = new Scripted(answers);
    CreateOnlyProbe.check(store, new SeededRandomness(1));
    assertThat(store.list("", "", 9, ObjectStore.Cause.ADMIN)).isEmpty();
  }

  @Test
  void aStoreThatHonoursItPassesWhateverRepliesAreLost() throws Exception {
    check();
    check(Answer.REPLY_LOST);
    check(Answer.LOST);
    check(Answer.AS_IT_IS, Answer.REPLY_LOST);
    check(Answer.LOST, Answer.LOST);
  }

  @Test
  void aStoreThatDoesNotIsRefused() {
    for (Answer[] each :
        new Answer[][] {
          {Answer.OVERWRITES, Answer.OVERWRITES},
          {Answer.LOST, Answer.OVERWRITES, Answer.OVERWRITES},
          {Answer.ALWAYS_EXISTS}
        }) {
      assertThatThrownBy(() -> check(each)).isInstanceOf(StorageException.Invalid.class);
    }
  }

  @Test
  void aStoreThatDoesNotAnswerIsNotBlamed() {
    assertThatThrownBy(() -> check(Answer.LOST, Answer.LOST, Answer.LOST, Answer.LOST))
        .isInstanceOf(StorageException.OutcomeUnknown.class);
  }
}
