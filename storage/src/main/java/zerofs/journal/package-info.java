/// The local journal: redo records of what the store does not have yet. Read docs/JOURNAL.md, then
/// [JournalDirectory], then [Journal]. The engine does not write one yet.
@org.jspecify.annotations.NullMarked
package zerofs.journal;
