package zerofs.tidy;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A layout of fixed size, as a document or a class comment draws it: either cells `offset name
/// bytes` between bars, or a ruler of offsets over the names.
///
/// @param fields in order; the last one ends where the layout does
record Layout(List<Field> fields) {
  private static final Pattern START = Pattern.compile("(?<!\\d)0 (?:magic|version)\\b");
  private static final Pattern CELL = Pattern.compile("(\\d+) (.+?)(?: (\\d+))?");
  private static final Pattern RULER = Pattern.compile("(?m)^///\\s+(0(?:\\s+\\d+){4,})\\s*$");
  private static final Pattern BAR = Pattern.compile("[|\\n]");
  private static final Pattern SPACES = Pattern.compile("\\s+");

  /// @param offset where it begins
  /// @param name as it is written
  /// @param bytes how long it says that it is; -1 = does not say
  record Field(int offset, String name, int bytes) {}

  /// The first layout of cells in a text; empty fields = there is none.
  static Layout ofCells(String text) {
    List<Field> fields = new ArrayList<>();
    Matcher start = START.matcher(text);
    if (start.find()) {
      int end = text.indexOf('`', start.start());
      String cells = text.substring(start.start(), end).replace("///", " ");
      for (String cell : BAR.split(cells)) {
        Matcher field = CELL.matcher(SPACES.matcher(cell.strip()).replaceAll(" "));
        if (field.matches()) {
          int bytes = field.group(3) == null ? -1 : Integer.parseInt(field.group(3));
          fields.add(new Field(Integer.parseInt(field.group(1)), field.group(2), bytes));
        }
      }
    }
    return new Layout(List.copyOf(fields));
  }

  /// Offsets of the layout in a class comment, whichever way it is drawn.
  static List<Integer> offsetsIn(SourceFile source) {
    List<Integer> cells = ofCells(source.text()).offsets();
    Matcher ruler = RULER.matcher(source.text());
    if (!cells.isEmpty() || !ruler.find()) {
      return cells;
    }
    return SPACES.splitAsStream(ruler.group(1)).map(Integer::valueOf).toList();
  }

  List<Integer> offsets() {
    return fields.stream().map(Field::offset).toList();
  }

  /// What does not fit: gaps, overlaps, an end that is not `bytes`.
  List<String> misfits(int bytes) {
    List<String> found = new ArrayList<>();
    for (int i = 0; i < fields.size(); i++) {
      Field field = fields.get(i);
      int end = i + 1 < fields.size() ? fields.get(i + 1).offset() : bytes;
      if (field.offset() >= end || (field.bytes() >= 0 && field.offset() + field.bytes() != end)) {
        found.add(field + " does not end at " + end);
      }
    }
    return found;
  }

  /// The bytes of a field, from an object that begins at `start`.
  byte[] cut(int field, byte[] object, int start, int bytes) {
    int end = field + 1 < fields.size() ? fields.get(field + 1).offset() : bytes;
    return java.util.Arrays.copyOfRange(object, start + fields.get(field).offset(), start + end);
  }
}
