/// Ways into this package for fuzzing: what is not public there.
@org.jspecify.annotations.NullMarked
package zerofs.server.nfs;
