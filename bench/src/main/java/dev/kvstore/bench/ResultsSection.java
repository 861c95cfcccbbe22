package dev.kvstore.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// The part of a Markdown file that a program writes, between two marks that stay.
record ResultsSection(Path file) {
  static final String BEGIN = "<!-- results -->";
  static final String END = "<!-- /results -->";

  /// @throws IllegalArgumentException if the file has no such part
  void replace(String markdown) throws IOException {
    Files.writeString(file, replaced(Files.readString(file), markdown));
  }

  static String replaced(String text, String markdown) {
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException("there is no " + BEGIN + " ... " + END);
    }
    return text.substring(0, begin + BEGIN.length())
        + "\n\n"
        + markdown.strip()
        + "\n\n"
        + text.substring(end);
  }
}
