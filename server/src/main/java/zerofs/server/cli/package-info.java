/// The command line: what a person types, sees, and gets as an exit code. [Main] is the entry.
@org.jspecify.annotations.NullMarked
package zerofs.server.cli;
