@org.jspecify.annotations.NullMarked
package zerofs.log;
