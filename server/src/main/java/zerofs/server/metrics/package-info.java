/// What monitoring asks: numbers in the text format of Prometheus, and whether the process lives
/// and is ready, over HTTP.
@org.jspecify.annotations.NullMarked
package zerofs.server.metrics;
