/// NFSv3, MOUNT and PORTMAP over TCP on one port. [NfsServer] accepts; a [RpcConnection] per client
/// reads requests and answers what is in memory itself; [NfsService] and its procedures turn
/// requests into calls of [zerofs.fs.Filesystem].
@org.jspecify.annotations.NullMarked
package zerofs.server.nfs;
