/// Benchmarks: what the machine can do, and what the engine makes of it. docs/BENCHMARKS.md.
@org.jspecify.annotations.NullMarked
package zerofs.bench;
