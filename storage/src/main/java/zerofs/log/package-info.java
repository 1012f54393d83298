/// The log: one object per sealed generation, in order of position; fences that end an epoch; and
/// how a process becomes the writer. The protocol is model-checked; each rule's name stands where
/// the code obeys it (docs/RECOVERY.md lists them). Read [LogFormat], then [VolumeOpening], then
/// [LogWriter].
@org.jspecify.annotations.NullMarked
package zerofs.log;
