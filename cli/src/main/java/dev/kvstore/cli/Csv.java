package dev.kvstore.cli;

import dev.kvstore.Entry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Entries as CSV after RFC 4180, with the columns of [Columns].
///
/// Reading works on bytes, so that it knows lines and positions exactly, and is strict: a quote
/// stands around a field or is doubled inside of one, and nowhere else. Lines end with LF or CRLF;
/// written are LF. Empty lines count as nothing. Behind a bad record reading goes on with the next
/// line.
final class Csv {
  private Csv() {}

  /// Writes entries, a header before them.
  static final class Writer implements EntryWriter {
    private final OutputStream out;

    Writer(OutputStream out) throws IOException {
      this.out = out;
      write(Columns.HEADER);
    }

    @Override
    public void write(Entry entry) throws IOException {
      write(Columns.record(entry));
    }

    private void write(List<byte[]> record) throws IOException {
      for (int i = 0; i < record.size(); i++) {
        if (i > 0) {
          out.write(',');
        }
        writeField(record.get(i));
      }
      out.write('\n');
    }

    private void writeField(byte[] field) throws IOException {
      if (!needsQuotes(field)) {
        out.write(field);
        return;
      }
      out.write('"');
      for (byte b : field) {
        if (b == '"') {
          out.write('"');
        }
        out.write(b);
      }
      out.write('"');
    }

    private static boolean needsQuotes(byte[] field) {
      for (byte b : field) {
        switch (b) {
          case ',', '"', '\n', '\r' -> {
            return true;
          }
          default -> {}
        }
      }
      return field.length == 0 || field[0] == ' ' || field[field.length - 1] == ' ';
    }

    @Override
    public void close() throws IOException {
      out.flush();
    }
  }

  /// Reads entries.
  static final class Reader implements EntryReader {
    private static final int END = -1;

    private final InputStream in;
    private final int recordBytesMax;
    private final Columns columns = new Columns();
    private boolean mayHaveHeader;

    private final byte[] chunk = new byte[64 << 10];
    private int at;
    private int end;
    private long bytesFilled;
    private long line = 1;

    private ByteArrayOutputStream field = new ByteArrayOutputStream();
    private int recordBytes;

    Reader(InputStream in, boolean mayHaveHeader) {
      this(in, mayHaveHeader, LineReader.LINE_BYTES_MAX);
    }

    Reader(InputStream in, boolean mayHaveHeader, int recordBytesMax) {
      this.in = in;
      this.mayHaveHeader = mayHaveHeader;
      this.recordBytesMax = recordBytesMax;
    }

    @Override
    public @Nullable Entry next() throws IOException, BadLineException {
      if (bytesFilled == 0 && peek() != END) {
        at += JsonLines.byteOrderMark(chunk, end);
      }
      while (peek() != END) {
        long first = line;
        try {
          List<byte[]> record = record();
          boolean isEmpty = record.size() == 1 && record.getFirst().length == 0;
          if (isEmpty) {
            continue;
          }
          boolean isHeader = mayHaveHeader && columns.takeHeader(record);
          mayHaveHeader = false;
          if (!isHeader) {
            return columns.entry(record);
          }
        } catch (BadInputException e) {
          mayHaveHeader = false;
          throw new BadLineException(first, String.valueOf(e.getMessage()));
        }
      }
      return null;
    }

    @Override
    public long bytesRead() {
      return bytesFilled - (end - at);
    }

    /// The fields of the next record.
    private List<byte[]> record() throws IOException {
      List<byte[]> fields = new ArrayList<>(3);
      recordBytes = 0;
      while (true) {
        field.reset();
        boolean isLast = peek() == '"' ? quotedField() : plainField();
        fields.add(field.toByteArray());
        if (field.size() > 1 << 20) {
          field = new ByteArrayOutputStream();
        }
        if (isLast) {
          return fields;
        }
      }
    }

    /// Reads a field up to and with what ends it.
    ///
    /// @return whether it is the last one of its record
    private boolean plainField() throws IOException {
      while (true) {
        int b = read();
        switch (b) {
          case ',' -> {
            return false;
          }
          case '\r', '\n', END -> {
            endLine(b);
            return true;
          }
          case '"' -> throw skipLine("a quote inside a field that does not begin with one");
          default -> append(b);
        }
      }
    }

    private boolean quotedField() throws IOException {
      read();
      while (true) {
        int b = read();
        if (b == END) {
          throw new BadInputException("a quote is not closed before the end of the file");
        }
        if (b != '"') {
          append(b);
          continue;
        }
        int next = read();
        switch (next) {
          case '"' -> append('"');
          case ',' -> {
            return false;
          }
          case '\r', '\n', END -> {
            endLine(next);
            return true;
          }
          default -> throw skipLine("something follows a closing quote");
        }
      }
    }

    private void endLine(int b) throws IOException {
      if (b == '\r' && peek() != END && read() != '\n') {
        throw skipLine("a carriage return inside a field without quotes");
      }
    }

    private void append(int b) throws IOException {
      if (++recordBytes > recordBytesMax) {
        throw skipLine("longer than " + recordBytesMax + " bytes");
      }
      field.write(b);
    }

    private BadInputException skipLine(String reason) throws IOException {
      boolean behindLine = at > 0 && chunk[at - 1] == '\n';
      for (int b = behindLine ? '\n' : read(); b != '\n' && b != END; b = read()) {}
      return new BadInputException(reason);
    }

    private int read() throws IOException {
      int b = peek();
      if (b != END) {
        at++;
        if (b == '\n') {
          line++;
        }
      }
      return b;
    }

    private int peek() throws IOException {
      if (at == end) {
        int count = in.read(chunk);
        if (count <= 0) {
          return END;
        }
        at = 0;
        end = count;
        bytesFilled += count;
      }
      return chunk[at] & 0xFF;
    }
  }
}
