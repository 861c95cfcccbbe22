package dev.kvstore.cli;

import java.util.List;

/// Rows whose columns stand below each other. Columns of numbers are right-aligned: those whose
/// first cell below the heading begins with a digit.
final class TextTable {
  private final List<String[]> rows;

  /// @param rows the first one is the heading; all have the same number of cells
  TextTable(List<String[]> rows) {
    this.rows = rows;
  }

  void print(Output out) {
    int columns = rows.getFirst().length;
    int[] widths = new int[columns];
    for (String[] row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row[i].length());
      }
    }
    for (String[] row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < columns; i++) {
        String padding = " ".repeat(widths[i] - row[i].length());
        line.append(i == 0 ? "" : "  ");
        line.append(isNumeric(i) ? padding + row[i] : row[i] + padding);
      }
      out.line(line.toString().stripTrailing());
    }
  }

  private boolean isNumeric(int column) {
    String cell = rows.get(Math.min(1, rows.size() - 1))[column];
    return !cell.isEmpty() && Character.isDigit(cell.charAt(0));
  }
}
