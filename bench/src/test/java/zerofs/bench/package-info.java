@org.jspecify.annotations.NullMarked
package zerofs.bench;
