package zerofs.fs;

/// What stat(2) tells of an inode. Times are nanoseconds since 1970-01-01T00:00Z split in seconds
/// (signed) and nanoseconds (0 to 999,999,999).
///
/// @param mode permission bits, 07777
/// @param size bytes
/// @param allocatedBytes bytes that count against the volume's size; st_blocks = this / 512
/// @param change grows with every change of data or attributes
/// @param parent the containing directory, for directories; else 0
/// @param major device number of character and block devices
public record Attributes(
    long inode,
    FileType type,
    int mode,
    int nlink,
    int uid,
    int gid,
    long size,
    long allocatedBytes,
    int major,
    int minor,
    long atimeSeconds,
    int atimeNanos,
    long mtimeSeconds,
    int mtimeNanos,
    long ctimeSeconds,
    int ctimeNanos,
    long btimeSeconds,
    int btimeNanos,
    long change,
    long parent) {}
