/// The filesystem: inodes, directories, file data, and how they become durable. Protocol servers
/// enter through [Filesystem]; read that first.
@org.jspecify.annotations.NullMarked
package zerofs.fs;
