package dev.kvstore.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.kvstore.StoreInspector;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/// `recovery`: tells what earlier opens of the store have found and done.
@Command(
    name = "recovery",
    description = {
      "Tells what earlier opens of the store have found and done, oldest first.",
      "Those of a store that had been closed are left out. Works while the store is open.",
    },
    footer = {
      "--json: each receipt as it is in RECOVERY.jsonl; docs/durability.md explains the fields.",
    })
final class RecoveryVerb extends Verb {
  @Option(names = "--json", description = "Print JSON objects, one on each line.")
  private boolean json;

  @Override
  int run() throws IOException {
    if (StoreAccess.isAbsent(directory())) {
      throw new NoStoreException(directory());
    }
    List<String> receipts = StoreInspector.recoveryHistory(directory());
    for (String receipt : receipts) {
      out().line(json ? receipt : Receipt.of(receipt).line());
    }
    if (receipts.isEmpty() && !json) {
      out().line("nothing: the store has been closed before each open");
    }
    return ExitCode.DONE;
  }

  /// What people want to know of a receipt.
  private static final class Receipt {
    private String outcome = "";
    private long openedAtMillis;
    private long tailBytesCut;
    private String tailReason = "";
    private int dropped;
    private int filesIgnored;
    private int leftoversRemoved;
    private int damages;

    static Receipt of(String text) throws IOException {
      Receipt receipt = new Receipt();
      try (JsonParser json = JsonLines.parser(text)) {
        json.nextToken();
        while (json.nextToken() == JsonToken.FIELD_NAME) {
          String name = json.currentName();
          json.nextToken();
          receipt.take(name, json);
        }
      }
      return receipt;
    }

    private void take(String name, JsonParser json) throws IOException {
      switch (name) {
        case "outcome" -> outcome = json.getText();
        case "openedAtMillis" -> openedAtMillis = json.getLongValue();
        case "tailBytesCut" -> tailBytesCut = json.getLongValue();
        case "tailReason" -> tailReason = json.getText();
        case "dropped" -> dropped = elements(json);
        case "filesIgnored" -> filesIgnored = elements(json);
        case "leftoversRemoved" -> leftoversRemoved = elements(json);
        case "damages" -> damages = elements(json);
        default -> json.skipChildren();
      }
    }

    private static int elements(JsonParser json) throws IOException {
      int count = 0;
      while (json.nextToken() != JsonToken.END_ARRAY) {
        json.skipChildren();
        count++;
      }
      return count;
    }

    String line() {
      StringBuilder line = new StringBuilder();
      line.append(Instant.ofEpochMilli(openedAtMillis)).append("  ").append(outcome);
      if (tailBytesCut > 0) {
        line.append(", ").append(Units.count(tailBytesCut, "byte")).append(" cut in ");
        line.append(Units.count(dropped, "place")).append(" (");
        line.append(Escapes.message(tailReason)).append(')');
      }
      append(line, damages, "damage");
      append(line, filesIgnored, "ignored file");
      append(line, leftoversRemoved, "leftover");
      return line.toString();
    }

    private static void append(StringBuilder line, int count, String what) {
      if (count > 0) {
        line.append(", ").append(Units.count(count, what));
      }
    }
  }
}
