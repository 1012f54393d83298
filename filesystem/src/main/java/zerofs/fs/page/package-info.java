/// Payload memory: the slab that holds decoded file bytes off heap, and the pages in it.
@org.jspecify.annotations.NullMarked
package zerofs.fs.page;
