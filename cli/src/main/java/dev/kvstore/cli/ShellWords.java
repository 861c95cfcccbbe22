package dev.kvstore.cli;

import java.util.ArrayList;
import java.util.List;

/// Splits a line into words as the shells of Unix do.
///
/// - Blanks separate words; `#` at the beginning of a word begins a comment.
/// - Between single quotes every character means itself.
/// - Between double quotes, too, but for a backslash before `"`, `\`, `$` or a backquote.
/// - Elsewhere a backslash takes the special meaning from the next character.
final class ShellWords {
  private final String line;
  private int at;

  private ShellWords(String line) {
    this.line = line;
  }

  /// The words of a line.
  ///
  /// @throws BadInputException if a quote is not closed
  static String[] split(String line) {
    return new ShellWords(line).words().toArray(new String[0]);
  }

  private List<String> words() {
    List<String> words = new ArrayList<>();
    while (true) {
      while (at < line.length() && Character.isWhitespace(line.charAt(at))) {
        at++;
      }
      if (at == line.length() || line.charAt(at) == '#') {
        return words;
      }
      words.add(word());
    }
  }

  private String word() {
    StringBuilder word = new StringBuilder();
    while (at < line.length() && !Character.isWhitespace(line.charAt(at))) {
      char c = line.charAt(at++);
      switch (c) {
        case '\'' -> singleQuoted(word);
        case '"' -> doubleQuoted(word);
        case '\\' -> {
          if (at == line.length()) {
            throw new BadInputException("the line ends with a backslash");
          }
          word.append(line.charAt(at++));
        }
        default -> word.append(c);
      }
    }
    return word.toString();
  }

  private void singleQuoted(StringBuilder word) {
    int end = line.indexOf('\'', at);
    if (end < 0) {
      throw new BadInputException("a single quote is not closed");
    }
    word.append(line, at, end);
    at = end + 1;
  }

  private void doubleQuoted(StringBuilder word) {
    while (at < line.length()) {
      char c = line.charAt(at++);
      if (c == '"') {
        return;
      }
      if (c == '\\' && at < line.length() && "\"\\$`".indexOf(line.charAt(at)) >= 0) {
        c = line.charAt(at++);
      }
      word.append(c);
    }
    throw new BadInputException("a double quote is not closed");
  }
}
