/// The rules, run.
@org.jspecify.annotations.NullMarked
package zerofs.tidy;
