package zerofs.simulation;

/// Told of each request to a store or a disk, in the task that makes it. It may keep that task.
interface RequestWatcher {
  /// A request begins.
  ///
  /// @param name what is done to what
  /// @param changes whether it changes what store or disk have
  /// @return what [#end] is told
  int begin(String name, boolean changes);

  /// A request that changes something was applied; its answer has not come.
  void end(int number);
}
