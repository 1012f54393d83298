/// The engine against an independent model of POSIX: generated histories with restarts and crashes.
@org.jspecify.annotations.NullMarked
package zerofs.simulation;
