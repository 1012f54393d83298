@org.jspecify.annotations.NullMarked
package zerofs.lsm;
