package zerofs.manifest;

import java.util.List;
import zerofs.codec.ObjectId;

/// The state of a volume at one log position: "these sorted runs hold every row up to `mark`; what
/// came later is in the log". Immutable; one object per number, `manifest/<number>` named so that
/// the newest sorts first (FORMAT.md). The first manifest of an epoch (a claim) is never deleted.
///
/// @param number 1 and up, one more than the manifest it follows
/// @param epoch the epoch of its writer
/// @param mark highest log position whose rows are in `runs`; 0 = none
/// @param markSequence last commit sequence that the runs hold
/// @param claim whether it is the first manifest of its epoch
/// @param epochs every epoch of the volume, ascending; carried whole in every manifest
/// @param runs sorted runs of rows, newest first
public record Manifest(
    long number,
    int epoch,
    long mark,
    long markSequence,
    boolean claim,
    List<EpochEntry> epochs,
    List<RunDescriptor> runs) {
  public Manifest {
    epochs = List.copyOf(epochs);
    runs = List.copyOf(runs);
  }

  /// The entry of an epoch.
  public EpochEntry epochEntry(int wanted) {
    return epochs.get(wanted - 1);
  }

  /// One epoch: a writer's ownership of the log.
  ///
  /// @param epoch 1 and up, without gaps
  /// @param start its first log position
  /// @param end position of the fence that closed it; 0 while it is the newest
  /// @param endSequence last commit sequence of its recovered history; 0 while it is the newest
  /// @param salt 16 random bytes in hexadecimal, for object keys (codec.FrameCodec)
  /// @param host name of the machine that its writer ran on, for messages
  /// @param journal id of the local journal its writer used; "" = none
  /// @param startedWallNanos when it was claimed, for messages
  /// @param inFlightMax how many log objects its writer may have in flight
  /// @param lossPossible whether it began without all that the epoch before it had answered
  public record EpochEntry(
      int epoch,
      long start,
      long end,
      long endSequence,
      String salt,
      String host,
      String journal,
      long startedWallNanos,
      int inFlightMax,
      boolean lossPossible) {}

  /// One sorted run: tables with disjoint, ascending key ranges.
  ///
  /// @param lowestPosition lowest log position whose rows it holds
  /// @param highestPosition highest log position whose rows it holds
  public record RunDescriptor(
      long lowestPosition, long highestPosition, List<TableDescriptor> tables) {
    public RunDescriptor {
      tables = List.copyOf(tables);
    }

    public long bytes() {
      return tables.stream().mapToLong(TableDescriptor::bytes).sum();
    }
  }

  /// One SST object.
  ///
  /// @param id its name
  /// @param bytes size of the object
  /// @param tailBytes size of filter + index + footer at its end: one GET
  /// @param rows number of rows
  /// @param firstKey lowest key, hexadecimal
  /// @param lastKey highest key, hexadecimal
  public record TableDescriptor(
      ObjectId id, long bytes, int tailBytes, long rows, String firstKey, String lastKey) {}
}
