package dev.kvstore.cli;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/// A pattern for keys: `*` any characters, `?` one, `[abc]`, `[a-z]` one of these, `[!a-z]` or
/// `[^a-z]` one that is not; a backslash takes the special meaning from what follows.
///
/// A character is one of UTF-8 text, or one byte of a key that is none. Matching takes time
/// proportional to the lengths of key and pattern multiplied, at worst.
final class Glob {
  private static final int STAR = -1;
  private static final int ANY = -2;
  private static final int SET = -3;

  /// One element of a pattern: a code point, or one of the constants above.
  ///
  /// @param ranges pairs of first and last; of a set only
  private record Element(int symbol, boolean isNegated, List<int[]> ranges) {
    boolean matches(int c) {
      if (symbol != SET) {
        return symbol == ANY || symbol == c;
      }
      for (int[] range : ranges) {
        if (c >= range[0] && c <= range[1]) {
          return !isNegated;
        }
      }
      return isNegated;
    }
  }

  private final List<Element> elements = new ArrayList<>();
  private final int[] pattern;
  private int at;

  /// @throws BadInputException if the pattern is none
  Glob(String pattern) {
    this.pattern = pattern.codePoints().toArray();
    while (at < this.pattern.length) {
      elements.add(element());
    }
  }

  boolean matches(byte[] key) {
    String text = Utf8Text.decode(key);
    String characters = text == null ? new String(key, StandardCharsets.ISO_8859_1) : text;
    return matches(characters.codePoints().toArray());
  }

  private boolean matches(int[] text) {
    int inText = 0;
    int inPattern = 0;
    int starInPattern = -1;
    int starInText = 0;
    while (inText < text.length) {
      if (inPattern < elements.size() && elements.get(inPattern).symbol() == STAR) {
        starInPattern = inPattern++;
        starInText = inText;
      } else if (inPattern < elements.size() && elements.get(inPattern).matches(text[inText])) {
        inPattern++;
        inText++;
      } else if (starInPattern >= 0) {
        inPattern = starInPattern + 1;
        inText = ++starInText;
      } else {
        return false;
      }
    }
    while (inPattern < elements.size() && elements.get(inPattern).symbol() == STAR) {
      inPattern++;
    }
    return inPattern == elements.size();
  }

  private Element element() {
    int c = pattern[at++];
    return switch (c) {
      case '*' -> new Element(STAR, false, List.of());
      case '?' -> new Element(ANY, false, List.of());
      case '[' -> set();
      case '\\' -> new Element(character(), false, List.of());
      default -> new Element(c, false, List.of());
    };
  }

  private Element set() {
    boolean isNegated = at < pattern.length && (pattern[at] == '!' || pattern[at] == '^');
    if (isNegated) {
      at++;
    }
    List<int[]> ranges = new ArrayList<>();
    while (at >= pattern.length || pattern[at] != ']' || ranges.isEmpty()) {
      int first = setCharacter();
      int last = first;
      if (at + 1 < pattern.length && pattern[at] == '-' && pattern[at + 1] != ']') {
        at++;
        last = setCharacter();
      }
      ranges.add(new int[] {first, last});
    }
    at++;
    return new Element(SET, isNegated, ranges);
  }

  private int setCharacter() {
    if (at >= pattern.length) {
      throw new BadInputException("the pattern has a '[' without its ']'");
    }
    int c = pattern[at++];
    return c == '\\' ? character() : c;
  }

  private int character() {
    if (at >= pattern.length) {
      throw new BadInputException("the pattern ends with a backslash");
    }
    return pattern[at++];
  }
}
