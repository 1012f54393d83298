@org.jspecify.annotations.NullMarked
package zerofs.base;
