@org.jspecify.annotations.NullMarked
package zerofs.codec;
