/// The engine behind [zerofs.fs.Filesystem]: inodes in memory, generations of changes, the commit
/// gate, and the drain that turns a sealed generation into one log object.
///
/// Read `Volume` (construction and facade), then `Generations` (commit), then `Durability` (seal,
/// encode, store). Locks and their order: docs/LOCKING.md.
@org.jspecify.annotations.NullMarked
package zerofs.fs.engine;
