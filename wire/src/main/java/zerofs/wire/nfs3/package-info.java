/// NFS version 3 and MOUNT version 3 (RFC 1813): numbers, file handles, status codes.
@org.jspecify.annotations.NullMarked
package zerofs.wire.nfs3;
