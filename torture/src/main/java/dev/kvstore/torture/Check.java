package dev.kvstore.torture;

import dev.kvstore.KvStore;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Holds an open store to what the writers were told.
final class Check {
  private static final int PROBLEMS_MAX = 20;

  private final KvStore store;
  private final Ledger ledger;
  private final List<String> problems = new ArrayList<>();
  private long keys;
  private long bytes;

  Check(KvStore store, Ledger ledger) {
    this.store = store;
    this.ledger = ledger;
  }

  /// What [#settle] found of the writes under way.
  record Settled(int happened, int not, List<String> problems) {}

  /// Decides for each write under way, by what the store shows, whether it happened. From then on it must
  /// show or must not, as any other. One that is there in part is a problem.
  static Settled settle(KvStore store, Ledger ledger) {
    int happened = 0;
    int not = 0;
    List<String> problems = new ArrayList<>();
    for (int thread = 0; thread < ledger.threads(); thread++) {
      Optional<Write> underWay = ledger.underWay(thread);
      if (underWay.isEmpty()) {
        continue;
      }
      Write write = underWay.get();
      boolean before = true;
      boolean after = true;
      List<String> seen = new ArrayList<>();
      for (Write.Change change : write.changes()) {
        byte[] found = store.get(Content.key(thread, change.key()));
        before &= Arrays.equals(found, expected(ledger, thread, change.key()));
        after &= Arrays.equals(found, of(thread, write, change));
        seen.add(
            Content.name(thread, change.key())
                + (change.removes()
                    ? " to be removed"
                    : " to be set to " + change.size() + " bytes")
                + ", found "
                + Content.describe(found)
                + ", before it write "
                + ledger.lastWrite(thread, change.key()));
      }
      if (!before && !after) {
        problems.add(
            "write "
                + write.number()
                + " of thread "
                + thread
                + " was under way and is there neither as a whole nor not at all: "
                + String.join("; ", seen));
      }
      ledger.settle(thread, write, after);
      happened += after ? 1 : 0;
      not += after ? 0 : 1;
    }
    return new Settled(happened, not, problems);
  }

  private static byte @Nullable [] of(int thread, Write write, Write.Change change) {
    return change.removes()
        ? null
        : Content.value(write.number(), thread, change.key(), change.size());
  }

  private static byte @Nullable [] expected(Ledger ledger, int thread, int key) {
    int size = ledger.size(thread, key);
    return size == Write.Change.REMOVED
        ? null
        : Content.value(ledger.lastWrite(thread, key), thread, key, size);
  }

  /// Compares every key, the list of keys and their number.
  void requireAll() throws LossException {
    Set<String> present = new HashSet<>();
    for (int thread = 0; thread < ledger.threads(); thread++) {
      for (int key = 0; key < ledger.keys(); key++) {
        byte[] expected = expected(ledger, thread, key);
        byte[] found = store.get(Content.key(thread, key));
        if (expected != null) {
          present.add(Content.name(thread, key));
          bytes += expected.length;
        }
        keys++;
        if (!Arrays.equals(expected, found)) {
          problem(mismatch(thread, key, found));
        }
      }
    }
    Set<String> listed = new HashSet<>();
    try (Stream<byte[]> all = store.keys()) {
      all.forEach(key -> {
        String name = new String(key, StandardCharsets.ISO_8859_1);
        if (!listed.add(name)) {
          problem("key " + name + " is listed twice");
        } else if (!present.contains(name)) {
          problem("key " + name + " is listed and was removed, or never written");
        }
      });
    }
    for (String name : present) {
      if (!listed.contains(name)) {
        problem("key " + name + " is not listed");
      }
    }
    if (store.size() != present.size()) {
      problem("size() is " + store.size() + ", there are " + present.size() + " keys");
    }
    if (!problems.isEmpty()) {
      throw new LossException(problems);
    }
  }

  private void problem(String text) {
    if (problems.size() < PROBLEMS_MAX) {
      problems.add(text);
    }
  }

  private String mismatch(int thread, int key, byte @Nullable [] found) {
    long last = ledger.lastWrite(thread, key);
    int size = ledger.size(thread, key);
    String acknowledged =
        last == 0
            ? "was never written"
            : size == Write.Change.REMOVED
                ? "was removed by write " + last + ", which was acknowledged"
                : "was set to " + size + " bytes by write " + last + ", which was acknowledged";
    return "key "
        + Content.name(thread, key)
        + " "
        + acknowledged
        + "; found: "
        + Content.describe(found);
  }

  long keys() {
    return keys;
  }

  long bytes() {
    return bytes;
  }
}
