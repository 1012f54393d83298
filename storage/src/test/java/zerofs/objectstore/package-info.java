@org.jspecify.annotations.NullMarked
package zerofs.objectstore;
