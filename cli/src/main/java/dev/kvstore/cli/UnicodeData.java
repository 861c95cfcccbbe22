package dev.kvstore.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/// The data that the demonstration works with: one record for each character, from its code point
/// (`U+0041`) to its name and properties. `UnicodeData.md` beside the file tells where it comes
/// from.
final class UnicodeData {
  static final String TITLE = "Unicode Character Database 15.0.0, UnicodeData.txt";
  static final String SOURCE = "Debian package unicode-data 15.0.0-1";
  static final String LICENCE = "Unicode License Agreement - Data Files and Software";

  private static final String FILE = "UnicodeData.txt.gz";

  private UnicodeData() {}

  /// All records in the order of the file.
  static Map<String, String> read() throws IOException {
    Map<String, String> records = new LinkedHashMap<>();
    try (InputStream packed = UnicodeData.class.getResourceAsStream(FILE)) {
      if (packed == null) {
        throw new IOException("this build lacks its data set " + FILE);
      }
      BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(new GZIPInputStream(packed), StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        int end = line.indexOf(';');
        records.put("U+" + line.substring(0, end), line.substring(end + 1));
      }
    }
    return records;
  }
}
