/// `zerofs fsck`: reads a volume as its objects have it, and says what is wrong with it. Changes
/// nothing. Read [Fsck] first.
@org.jspecify.annotations.NullMarked
package zerofs.fs.check;
