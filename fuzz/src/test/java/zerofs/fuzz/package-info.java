@org.jspecify.annotations.NullMarked
package zerofs.fuzz;
