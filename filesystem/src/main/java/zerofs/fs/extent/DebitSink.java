package zerofs.fs.extent;

/// Is told each reference to a frame that a merge dropped, once.
@FunctionalInterface
public interface DebitSink {
  /// For merges whose result is only read or kept in memory: what they drop is still in the tree.
  DebitSink NONE = (frame, death) -> {};

  /// @param death log position of the entry that replaced it
  void drop(FrameRef frame, long death);
}
