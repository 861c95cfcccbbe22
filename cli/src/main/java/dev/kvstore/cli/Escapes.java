package dev.kvstore.cli;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Bytes as one line that a person can read and a terminal cannot be fooled by.
///
/// Text stays as it is. Line breaks, tabs and backslashes become `\n`, `\r`, `\t`, `\\`; bytes that
/// are not text `\xNN`; other control characters, and those that reorder text, a backslash with `u`
/// and the number in braces. So two different keys never look the same.
final class Escapes {
  private Escapes() {}

  /// A key or value as one line.
  static String line(byte[] bytes) {
    @Nullable String text = Utf8Text.decode(bytes);
    return text == null ? bytewise(bytes) : text(text);
  }

  /// A key or value as one line of bounded length; the middle of a longer one is left out.
  static String line(byte[] bytes, int charactersMax) {
    String whole = line(bytes.length > 4 * charactersMax ? head(bytes, 4 * charactersMax) : bytes);
    if (whole.length() <= charactersMax) {
      return whole;
    }
    int cut = charactersMax - 1;
    if (Character.isHighSurrogate(whole.charAt(cut - 1))) {
      cut--;
    }
    return whole.substring(0, cut) + "…";
  }

  private static byte[] head(byte[] bytes, int length) {
    int end = length;
    while (end > length - 4 && (bytes[end] & 0xC0) == 0x80) {
      end--;
    }
    return Arrays.copyOf(bytes, end);
  }

  /// A message as one line; its backslashes stay as they are.
  static String message(String text) {
    StringBuilder line = new StringBuilder(text.length());
    for (String part : text.lines().map(String::strip).toList()) {
      line.append(line.isEmpty() || part.isEmpty() ? "" : " ");
      part.codePoints().forEach(c -> append(line, c, false));
    }
    return line.toString();
  }

  private static String text(String text) {
    StringBuilder line = new StringBuilder(text.length() + 8);
    text.codePoints().forEach(c -> append(line, c, true));
    return line.toString();
  }

  private static String bytewise(byte[] bytes) {
    StringBuilder line = new StringBuilder(bytes.length * 2);
    int at = 0;
    while (at < bytes.length) {
      int length = sequenceLength(bytes, at);
      if (length == 0) {
        line.append(String.format("\\x%02x", bytes[at] & 0xFF));
        at++;
      } else {
        append(line, new String(bytes, at, length, StandardCharsets.UTF_8).codePointAt(0), true);
        at += length;
      }
    }
    return line.toString();
  }

  /// Length of the character that begins at a byte; 0 if none does.
  private static int sequenceLength(byte[] bytes, int at) {
    for (int length = 1; length <= 4 && at + length <= bytes.length; length++) {
      if (Utf8Text.isText(bytes, at, at + length)) {
        return length;
      }
    }
    return 0;
  }

  private static void append(StringBuilder line, int c, boolean escapesBackslash) {
    switch (c) {
      case '\n' -> line.append("\\n");
      case '\r' -> line.append("\\r");
      case '\t' -> line.append("\\t");
      case '\\' -> line.append(escapesBackslash ? "\\\\" : "\\");
      default -> {
        if (isUnprintable(c)) {
          line.append("\\u{").append(Integer.toHexString(c)).append('}');
        } else {
          line.appendCodePoint(c);
        }
      }
    }
  }

  private static boolean isUnprintable(int c) {
    return Character.isISOControl(c)
        || c == 0x2028
        || c == 0x2029
        || (c >= 0x202A && c <= 0x202E)
        || (c >= 0x2066 && c <= 0x2069)
        || (c >= 0xD800 && c <= 0xDFFF);
  }
}
