package dev.kvstore.cli;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;

/// Splits a stream into lines of bounded length.
///
/// A line ends with a line feed or with the stream. Its bytes stay in one buffer that grows with
/// the longest line, and is let go again behind an unusually long one.
final class LineReader {
  /// Longest line: room for the largest value in Base64, and for its key.
  static final int LINE_BYTES_MAX = 3 << 29;

  private static final int KEPT_BYTES_MAX = 1 << 20;

  private final InputStream in;
  private final int lineBytesMax;
  private final byte[] chunk = new byte[64 << 10];
  private int at;
  private int end;

  private byte[] line = new byte[256];
  private int length;
  private boolean tooLong;
  private long number;
  private long bytesRead;

  LineReader(InputStream in) {
    this(in, LINE_BYTES_MAX);
  }

  LineReader(InputStream in, int lineBytesMax) {
    this.in = in;
    this.lineBytesMax = lineBytesMax;
  }

  /// Moves to the next line; false at the end.
  boolean next() throws IOException {
    if (line.length > KEPT_BYTES_MAX) {
      line = new byte[256];
    }
    length = 0;
    tooLong = false;
    if (at == end && !fill()) {
      return false;
    }
    number++;
    do {
      int from = at;
      while (at < end && chunk[at] != '\n') {
        at++;
      }
      append(from, at - from);
      if (at < end) {
        at++;
        return true;
      }
    } while (fill());
    return true;
  }

  /// The bytes of the line, of which the first [#length] count.
  byte[] bytes() {
    return line;
  }

  int length() {
    return length;
  }

  /// Whether the line was over the bound; its bytes then are not all there.
  boolean isTooLong() {
    return tooLong;
  }

  /// Number of the line, from 1.
  long number() {
    return number;
  }

  long bytesRead() {
    return bytesRead - (end - at);
  }

  int lineBytesMax() {
    return lineBytesMax;
  }

  private boolean fill() throws IOException {
    int count = in.read(chunk);
    at = 0;
    end = Math.max(count, 0);
    bytesRead += end;
    return count > 0;
  }

  private void append(int from, int count) {
    if (tooLong || count > lineBytesMax - length) {
      tooLong = true;
      return;
    }
    if (count > line.length - length) {
      long doubled = Math.max(2L * line.length, (long) length + count);
      line = Arrays.copyOf(line, (int) Math.min(doubled, lineBytesMax));
    }
    System.arraycopy(chunk, from, line, length, count);
    length += count;
  }
}
