package zerofs.simulation;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import zerofs.fs.Attributes;
import zerofs.fs.Call;
import zerofs.fs.Caller;
import zerofs.fs.Filesystem;
import zerofs.fs.FsException;
import zerofs.fs.Name;
import zerofs.fs.SetAttributes;

/// The operations that change a filesystem, done to one.
final class Changes {
  private Changes() {}

  /// Does what `op` says.
  ///
  /// @return attributes of the inode it made or changed, if they are its answer
  static @Nullable Attributes make(Filesystem fs, Op op) throws FsException {
    return switch (op) {
      case Op.Setattr it -> fs.setattr(call(it.caller()), it.inode(), it.changes());
      case Op.Write it ->
          fs.write(
              call(it.caller()), it.inode(), it.offset(), ByteBuffer.wrap(PosixModel.bytes(it)));
      case Op.Create it ->
          fs.create(
              call(it.caller()),
              it.directory(),
              it.name(),
              it.mode(),
              it.exclusive(),
              it.initial());
      case Op.CreateExclusive it ->
          fs.createExclusive(call(it.caller()), it.directory(), it.name(), it.verifier());
      case Op.Mkdir it ->
          fs.mkdir(call(it.caller()), it.directory(), it.name(), it.mode(), SetAttributes.NONE);
      case Op.Symlink it ->
          fs.symlink(
              call(it.caller()),
              it.directory(),
              it.name(),
              Name.of(it.target()).toBytes(),
              SetAttributes.NONE);
      case Op.Mknod it ->
          fs.mknod(
              call(it.caller()),
              it.directory(),
              it.name(),
              it.type(),
              it.mode(),
              it.major(),
              it.minor(),
              SetAttributes.NONE);
      case Op.Link it -> fs.link(call(it.caller()), it.inode(), it.directory(), it.name());
      default -> {
        makeSilently(fs, op);
        yield null;
      }
    };
  }

  private static void makeSilently(Filesystem fs, Op op) throws FsException {
    switch (op) {
      case Op.Unlink it -> fs.unlink(call(it.caller()), it.directory(), it.name());
      case Op.Rmdir it -> fs.rmdir(call(it.caller()), it.directory(), it.name());
      case Op.Rename it ->
          fs.rename(
              call(it.caller()),
              it.fromDirectory(),
              it.from(),
              it.toDirectory(),
              it.to(),
              it.mode());
      case Op.Release it -> fs.release(call(Caller.ROOT), it.inode());
      default -> throw new IllegalStateException("it changes nothing: " + op);
    }
  }

  private static Call call(Caller caller) {
    return Call.waiting(caller);
  }
}
