package dev.kvstore.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/// Standard output as bytes: results and nothing else. Text is UTF-8 whatever the locale says.
///
/// Buffered; [#flush] is called once at the end of a command. A failure is never swallowed: every
/// method throws [OutputException].
final class Output extends OutputStream {
  private static final int BUFFER_BYTES = 64 << 10;

  private final OutputStream out;

  Output(OutputStream out) {
    this.out = new BufferedOutputStream(out, BUFFER_BYTES);
  }

  /// Writes text and ends the line.
  void line(String text) {
    write(text.getBytes(StandardCharsets.UTF_8));
    write('\n');
  }

  @Override
  public void write(int b) {
    try {
      out.write(b);
    } catch (IOException e) {
      throw new OutputException(e);
    }
  }

  @Override
  public void write(byte[] bytes) {
    write(bytes, 0, bytes.length);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      throw new OutputException(e);
    }
  }

  @Override
  public void flush() {
    try {
      out.flush();
    } catch (IOException e) {
      throw new OutputException(e);
    }
  }

  /// Flushes. Standard output itself stays open.
  @Override
  public void close() {
    flush();
  }
}
