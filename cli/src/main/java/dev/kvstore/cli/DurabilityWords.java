package dev.kvstore.cli;

import dev.kvstore.Durability;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// How a [Durability] is written on the command line.
final class DurabilityWords {
  /// What completion offers.
  static final class Candidates implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return List.of("always", "os", "every:100ms", "every:1s").iterator();
    }
  }

  private DurabilityWords() {}

  static Durability parse(String word) {
    if (word.equals("always")) {
      return Durability.ALWAYS;
    }
    if (word.equals("os")) {
      return Durability.OS;
    }
    if (word.startsWith("every:")) {
      try {
        return Durability.every(interval(word.substring("every:".length())));
      } catch (IllegalArgumentException | ArithmeticException e) {
        throw new BadInputException(
            "--durability " + word + ": the interval must be 1ms to 1h, for example every:100ms",
            e);
      }
    }
    throw new BadInputException(
        "--durability must be always, os or every:DURATION (every:100ms), not " + word);
  }

  private static Duration interval(String text) {
    Matcher parts = Pattern.compile("([0-9]{1,9})(ms|s|m|h)").matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException(text);
    }
    long number = Long.parseLong(parts.group(1));
    return switch (parts.group(2)) {
      case "ms" -> Duration.ofMillis(number);
      case "s" -> Duration.ofSeconds(number);
      case "m" -> Duration.ofMinutes(number);
      default -> Duration.ofHours(number);
    };
  }
}
