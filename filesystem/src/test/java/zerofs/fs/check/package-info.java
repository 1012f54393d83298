@org.jspecify.annotations.NullMarked
package zerofs.fs.check;
