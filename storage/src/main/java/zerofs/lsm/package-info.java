/// Sorted rows: packed runs in memory, SST objects in the store, lookups and scans over all of
/// them, flush and compaction. It knows nothing of what rows mean: a [RowMerger] says how rows of
/// one key combine. Read [LsmTree] first.
@org.jspecify.annotations.NullMarked
package zerofs.lsm;
