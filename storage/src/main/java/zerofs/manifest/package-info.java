/// Manifests: numbered, create-only objects that say what the volume's state is made of. Read
/// [Manifest] first.
@org.jspecify.annotations.NullMarked
package zerofs.manifest;
