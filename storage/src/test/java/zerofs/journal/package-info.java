@org.jspecify.annotations.NullMarked
package zerofs.journal;
