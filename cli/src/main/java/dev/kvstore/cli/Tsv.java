package dev.kvstore.cli;

import dev.kvstore.Entry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Entries as tab-separated lines, with the columns of [Columns].
///
/// One record is one line: tab, line feed, carriage return and backslash are written `\t`, `\n`,
/// `\r` and `\\`; any other backslash makes a line a bad one. Empty lines count as nothing.
final class Tsv {
  private Tsv() {}

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
          out.write('\t');
        }
        for (byte b : record.get(i)) {
          writeEscaped(b);
        }
      }
      out.write('\n');
    }

    private void writeEscaped(byte b) throws IOException {
      int letter =
          switch (b) {
            case '\t' -> 't';
            case '\n' -> 'n';
            case '\r' -> 'r';
            case '\\' -> '\\';
            default -> 0;
          };
      if (letter == 0) {
        out.write(b);
      } else {
        out.write('\\');
        out.write(letter);
      }
    }

    @Override
    public void close() throws IOException {
      out.flush();
    }
  }

  /// Reads entries.
  static final class Reader implements EntryReader {
    private final LineReader lines;
    private final Columns columns = new Columns();
    private boolean mayHaveHeader;

    Reader(InputStream in, boolean mayHaveHeader) {
      this.lines = new LineReader(in);
      this.mayHaveHeader = mayHaveHeader;
    }

    @Override
    public @Nullable Entry next() throws IOException, BadLineException {
      while (lines.next()) {
        if (lines.isTooLong()) {
          throw new BadLineException(
              lines.number(), "longer than " + lines.lineBytesMax() + " bytes");
        }
        byte[] line = lines.bytes();
        int from = lines.number() == 1 ? JsonLines.byteOrderMark(line, lines.length()) : 0;
        int to = lines.length();
        if (to > from && line[to - 1] == '\r') {
          to--;
        }
        if (from == to) {
          continue;
        }
        boolean first = mayHaveHeader;
        mayHaveHeader = false;
        try {
          List<byte[]> record = record(line, from, to);
          if (!first || !columns.takeHeader(record)) {
            return columns.entry(record);
          }
        } catch (BadInputException e) {
          throw new BadLineException(lines.number(), String.valueOf(e.getMessage()));
        }
      }
      return null;
    }

    @Override
    public long bytesRead() {
      return lines.bytesRead();
    }

    private static List<byte[]> record(byte[] line, int from, int to) {
      List<byte[]> fields = new ArrayList<>(3);
      ByteArrayOutputStream field = new ByteArrayOutputStream(Math.min(to - from, 1 << 20));
      for (int i = from; i < to; i++) {
        byte b = line[i];
        if (b == '\t') {
          fields.add(field.toByteArray());
          field.reset();
        } else if (b == '\\') {
          i++;
          field.write(unescaped(i < to ? line[i] : 0));
        } else {
          field.write(b);
        }
      }
      fields.add(field.toByteArray());
      return fields;
    }

    private static int unescaped(byte letter) {
      return switch (letter) {
        case 't' -> '\t';
        case 'n' -> '\n';
        case 'r' -> '\r';
        case '\\' -> '\\';
        default ->
            throw new BadInputException("a backslash stands before t, n, r or another backslash");
      };
    }
  }
}
