/// XDR (RFC 4506): reading and writing, with every length checked before it is believed.
@org.jspecify.annotations.NullMarked
package zerofs.wire.xdr;
