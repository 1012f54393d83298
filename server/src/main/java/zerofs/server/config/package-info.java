/// The configuration file: TOML in, validated records out; every mistake is a sentence with line
/// and column.
@org.jspecify.annotations.NullMarked
package zerofs.server.config;
