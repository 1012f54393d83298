/// The one thing that is durable: immutable objects under names. Read [ObjectStore] first.
///
/// Each concern is one decorator over that interface (retry, trace, fault, latency); the stores
/// themselves (memory, file, S3) do one request per call and hide nothing.
@org.jspecify.annotations.NullMarked
package zerofs.objectstore;
