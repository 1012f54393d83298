/// ONC RPC version 2 (RFC 5531): call headers, credentials, reply headers.
@org.jspecify.annotations.NullMarked
package zerofs.wire.rpc;
