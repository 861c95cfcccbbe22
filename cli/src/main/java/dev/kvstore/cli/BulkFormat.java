package dev.kvstore.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/// The formats of `export` and `import`.
enum BulkFormat {
  JSONL,
  CSV,
  TSV;

  /// What completion offers.
  static final class Candidates implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return List.of("jsonl", "csv", "tsv").iterator();
    }
  }

  // How help explains the formats.

  static final String JSONL_HELP =
      "JSON Lines: {\"key\":\"a\",\"value\":\"b\"}, one object a line. A number is an int if it has"
          + " neither fraction nor exponent, else a float. \"type\" (string, int, float, bytes) is"
          + " optional. \"keyBase64\" and \"valueBase64\" hold what is not UTF-8, and with a type"
          + " the bytes the store keeps. Floats that JSON does not know are \"NaN\", \"Infinity\","
          + " \"-Infinity\" with type float.";

  static final String CSV_HELP =
      "CSV: key,value,type quoted as in RFC 4180. A first line that consists of these names (two or"
          + " all of them, in any order) is a header; without type all values are strings.";

  static final String TSV_HELP =
      "TSV: the same columns; tab, line feed, carriage return and backslash are \\t, \\n, \\r,"
          + " \\\\.";

  static final String BINARY_HELP =
      "In CSV and TSV what is not UTF-8 is Base64, and the type says so: bytes;value=base64 or"
          + " string;key=base64.";

  /// The format of a file.
  ///
  /// @param word the word that names it; null: the ending of the file's name does
  /// @param file the file, or `-`, which is JSON Lines unless a word says otherwise
  static BulkFormat of(@Nullable String word, String file) {
    if (word != null) {
      return switch (word) {
        case "jsonl", "json", "ndjson" -> JSONL;
        case "csv" -> CSV;
        case "tsv" -> TSV;
        default ->
            throw new BadInputException("the format must be jsonl, csv or tsv, not '" + word + "'");
      };
    }
    if (file.equals("-")) {
      return JSONL;
    }
    String name = file.toLowerCase(Locale.ROOT);
    return switch (name.substring(name.lastIndexOf('.') + 1)) {
      case "jsonl", "json", "ndjson" -> JSONL;
      case "csv" -> CSV;
      case "tsv", "tab" -> TSV;
      default ->
          throw new BadInputException(
              "the name of " + file + " does not tell its format; say --format jsonl, csv or tsv");
    };
  }

  /// @param mayHaveHeader whether a first line that looks like a header is one
  EntryReader reader(InputStream in, boolean mayHaveHeader) {
    return switch (this) {
      case JSONL -> new JsonLines.Reader(in);
      case CSV -> new Csv.Reader(in, mayHaveHeader);
      case TSV -> new Tsv.Reader(in, mayHaveHeader);
    };
  }

  EntryWriter writer(OutputStream out) throws IOException {
    return switch (this) {
      case JSONL -> new JsonLines.Writer(out);
      case CSV -> new Csv.Writer(out);
      case TSV -> new Tsv.Writer(out);
    };
  }
}
