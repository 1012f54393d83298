package zerofs.fs.engine;

import java.util.concurrent.atomic.AtomicLong;
import zerofs.base.Tasks;

/// What the operations of one open volume share.
record Core(
    Tasks tasks,
    Generations generations,
    InodeTable inodes,
    Rows rows,
    Directories directories,
    Files files,
    Setattr setattr,
    SpaceUsage usage,
    Attempts attempts,
    AtomicLong nextInode,
    Reaper reaper) {}
