@org.jspecify.annotations.NullMarked
package zerofs.server.metrics;
