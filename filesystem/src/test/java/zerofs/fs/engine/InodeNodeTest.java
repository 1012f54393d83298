package zerofs.fs.engine;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import zerofs.base.SystemTasks;

class InodeNodeTest {
  private final InodeNode node = new InodeNode(5, new SystemTasks((_, _) -> {}));

  @Test
  void aNodeThatWasUsedSinceItWasLookedAtDoesNotLeave() {
    long seen = node.uses();
    node.pin();
    assertThat(node.tryRetire(node.uses())).as("pinned").isFalse();
    node.unpin();
    assertThat(node.tryRetire(seen)).as("used meanwhile").isFalse();
    assertThat(node.tryRetire(node.uses())).isTrue();
    assertThat(node.pin()).isFalse();
  }
}
