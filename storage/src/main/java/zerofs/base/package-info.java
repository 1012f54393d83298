/// Clock, chance, threads and waits: everything that a simulation must control enters the engine
/// through here.
@org.jspecify.annotations.NullMarked
package zerofs.base;
