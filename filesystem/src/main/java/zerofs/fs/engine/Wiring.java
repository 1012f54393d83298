package zerofs.fs.engine;

import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import zerofs.fs.extent.ChunkRow;
import zerofs.objectstore.StorageException;

/// Ties the knot between what is told of progress and what makes it.
final class Wiring {
  private @Nullable Durability durability;
  private @Nullable Maintenance maintenance;

  void sealsBy(Durability seals) {
    durability = seals;
  }

  void tells(Maintenance told) {
    maintenance = told;
  }

  void sealDue() {
    Objects.requireNonNull(durability).sealDue();
  }

  boolean flushIsBehind() {
    Maintenance asked = maintenance;
    return asked != null && asked.isBehind();
  }

  void flushed() {
    Objects.requireNonNull(durability).flushed();
  }

  /// What happens once a generation is stored.
  ///
  /// @param lost told when nothing more can be
  Durability.Settlement settlement(FileSettlement files, Consumer<StorageException> lost) {
    return new Durability.Settlement() {
      @Override
      public void settle(Generation generation, Map<Generation.ChunkId, ChunkRow> chunks) {
        files.settle(generation, chunks);
      }

      @Override
      public void stored() {
        Maintenance told = maintenance;
        if (told != null) {
          told.stored();
        }
      }

      @Override
      public void lost(StorageException reason) {
        lost.accept(reason);
      }
    };
  }
}
