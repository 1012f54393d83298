/// The rows of the metadata tree: keys, values, their codecs, and how rows of one key combine.
/// Values only: no I/O, no locks. Spec: docs/FORMAT.md "Metadata rows".
@org.jspecify.annotations.NullMarked
package zerofs.fs.row;
