package zerofs.server.nfs;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import zerofs.base.SimulatedTasks;
import zerofs.server.nfs.ReplyCache.Known;

class ReplyCacheTest {
  private static ByteBuffer reply(int value) {
    return ByteBuffer.allocate(4).putInt(0, value);
  }

  private static ReplyCache.Key key(int xid) {
    return new ReplyCache.Key("client", xid, 100, 7);
  }

  private static void inSimulation(java.util.function.Consumer<SimulatedTasks> body) {
    SimulatedTasks tasks = new SimulatedTasks(1);
    tasks.run(() -> body.accept(tasks));
  }

  @Test
  void aCopyOfACallThatIsBeingDoneWaitsForItsReply() {
    inSimulation(
        tasks -> {
          ReplyCache cache = new ReplyCache(tasks);
          assertThat(cache.begin(key(1))).isInstanceOf(Known.No.class);
          Known second = cache.begin(key(1));
          assertThat(second).isInstanceOf(Known.InProgress.class);
          cache.done(key(1), reply(42));
          ByteBuffer answer = cache.await(((Known.InProgress) second).progress());
          assertThat(answer).isEqualTo(reply(42));
          assertThat(cache.begin(key(1))).isEqualTo(new Known.Done(reply(42)));
        });
  }

  @Test
  void aCallThatGotNoReplyIsDoneAgain() {
    inSimulation(
        tasks -> {
          ReplyCache cache = new ReplyCache(tasks);
          cache.begin(key(1));
          Known second = cache.begin(key(1));
          cache.failed(key(1));
          assertThat(cache.await(((Known.InProgress) second).progress())).isNull();
          assertThat(cache.begin(key(1))).isInstanceOf(Known.No.class);
        });
  }

  @Test
  void otherClientsXidsLengthsAndContentsAreOtherCalls() {
    inSimulation(
        tasks -> {
          ReplyCache cache = new ReplyCache(tasks);
          cache.begin(key(1));
          cache.done(key(1), reply(1));
          assertThat(cache.begin(new ReplyCache.Key("other", 1, 100, 7)))
              .isInstanceOf(Known.No.class);
          assertThat(cache.begin(new ReplyCache.Key("client", 2, 100, 7)))
              .isInstanceOf(Known.No.class);
          assertThat(cache.begin(new ReplyCache.Key("client", 1, 104, 7)))
              .isInstanceOf(Known.No.class);
          assertThat(cache.begin(new ReplyCache.Key("client", 1, 100, 8)))
              .isInstanceOf(Known.No.class);
        });
  }

  @Test
  void aReplyIsForgottenAfterTwoMinutes() {
    inSimulation(
        tasks -> {
          ReplyCache cache = new ReplyCache(tasks);
          cache.begin(key(1));
          cache.done(key(1), reply(1));
          tasks.sleep(119_000_000_000L);
          assertThat(cache.begin(key(1))).isInstanceOf(Known.Done.class);
          tasks.sleep(2_000_000_000L);
          assertThat(cache.begin(key(1))).isInstanceOf(Known.No.class);
        });
  }

  @Test
  void manyRepliesPushOutTheOldestAndNeverACallInProgress() {
    inSimulation(
        tasks -> {
          ReplyCache cache = new ReplyCache(tasks);
          cache.begin(key(0));
          for (int xid = 1; xid <= 9000; xid++) {
            cache.begin(key(xid));
            cache.done(key(xid), reply(xid));
          }
          assertThat(cache.begin(key(0))).isInstanceOf(Known.InProgress.class);
          assertThat(cache.begin(key(9000))).isInstanceOf(Known.Done.class);
          assertThat(cache.begin(key(1))).isInstanceOf(Known.No.class);
        });
  }
}
