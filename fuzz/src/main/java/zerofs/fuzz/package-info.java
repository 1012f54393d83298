/// Decoders under hostile bytes: [Target] has them all. docs/TESTING.md "Fuzzing".
@org.jspecify.annotations.NullMarked
package zerofs.fuzz;
