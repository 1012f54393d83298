/// Checked-in bytes of everything that is stored, made once by the version that introduced them.
/// What these tests read, every later version must read: a change of a file here is a change of the
/// format. `mvn verify -pl tidy -am -Dzerofs.golden.rewrite=true` makes them anew.
@org.jspecify.annotations.NullMarked
package zerofs.golden;
