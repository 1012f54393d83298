/// The rules of the project that the build checks, as functions from the tree of sources to what
/// breaks them. Not part of the product: nothing depends on this module. `TidyTest` runs them on
/// the whole tree; read [SourceTree] first.
@org.jspecify.annotations.NullMarked
package zerofs.tidy;
