/// What the tree knows of a file's extents, and the one function that merges it: pure values, no
/// I/O. Read [ChunkRow] first.
@org.jspecify.annotations.NullMarked
package zerofs.fs.extent;
