package dev.kvstore.testkit;

import dev.kvstore.Entry;
import dev.kvstore.KvStore;
import dev.kvstore.Value;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What a store must and may hold: every write in order, and what is known about each.
///
/// After a crash a store must hold the result of a *prefix* of the writes: no hole, no half of a batch,
/// nothing that was deleted, and at least as many as were promised. Promised are, after the death of
/// the process, all that were acknowledged; after power loss, all that the store said were durable.
///
/// Not safe for threads.
public final class StoreModel {
  /// One key of a write.
  ///
  /// @param value null: the key is removed
  record Change(String key, @Nullable Value value) {}

  /// @param sequence of its last change, or of the last write before it if it changed nothing
  private record Write(String what, List<Change> changes, long sequence) {}

  private static final long UNKNOWN = -1;

  // The state before the first of the writes that follow.
  private final Map<String, Value> base = new TreeMap<>();
  private long baseSequence = UNKNOWN;
  private final List<Write> writes = new ArrayList<>();

  // Invariant: durable <= acknowledged <= writes.size(). Those that are not acknowledged are one,
  // or those of one call; each of them may have happened if those before it have.
  private int acknowledged;
  private int durable;

  // The result of the acknowledged writes.
  private final Map<String, Value> now = new TreeMap<>();

  /// Every key that ever was.
  private final TreeSet<String> keys = new TreeSet<>();

  private final List<String> log = new ArrayList<>();

  /// What a reader sees while nobody writes.
  public Map<String, Value> now() {
    return now;
  }

  /// The same knowledge, for one of several things that may happen from here.
  public StoreModel copy() {
    StoreModel copy = new StoreModel();
    copy.base.putAll(base);
    copy.baseSequence = baseSequence;
    copy.writes.addAll(writes);
    copy.acknowledged = acknowledged;
    copy.durable = durable;
    copy.now.putAll(now);
    copy.keys.addAll(keys);
    copy.log.addAll(log);
    return copy;
  }

  /// The same knowledge for the case that what was acknowledged since an earlier moment was still under
  /// way: no more is promised than then.
  ///
  /// @param earlier a copy of this, made since the last check
  public StoreModel promisingNoMoreThan(StoreModel earlier) {
    StoreModel copy = copy();
    copy.acknowledged = earlier.acknowledged;
    copy.durable = earlier.durable;
    copy.now.clear();
    copy.now.putAll(earlier.now);
    return copy;
  }

  /// Changes whenever what is promised does.
  public List<Integer> promise() {
    return List.of(durable, acknowledged, writes.size(), log.size());
  }

  /// Whether nothing was ever written or found.
  public boolean isNew() {
    return log.isEmpty();
  }

  // ---- While the store is open

  /// A write is about to be made; until [#acknowledge] or [#withdraw] nobody knows.
  void begin(String what, List<Change> changes) {
    forgetUnknown();
    beginNext(what, changes);
  }

  /// The same for another write of the same call.
  void beginNext(String what, List<Change> changes) {
    writes.add(new Write(what, changes, UNKNOWN));
    changes.forEach(change -> keys.add(change.key()));
    log.add(what);
  }

  /// The first write that is under way has returned normally.
  ///
  /// @param sequence of its last change
  void acknowledge(long sequence) {
    Write write = writes.get(acknowledged);
    writes.set(acknowledged, new Write(write.what, write.changes, sequence));
    apply(write, now);
    acknowledged++;
  }

  /// What is under way has not happened.
  void withdraw() {
    writes.subList(acknowledged, writes.size()).clear();
    log.add("  refused");
  }

  /// Everything up to this sequence survives power loss.
  void durable(long sequence) {
    while (durable < acknowledged && writes.get(durable).sequence <= sequence) {
      durable++;
    }
  }

  /// Everything that was acknowledged survives power loss: the store was closed.
  public void allDurable() {
    durable = acknowledged;
  }

  /// Something worth knowing when reading a failure.
  public void note(String event) {
    log.add(event);
  }

  private void forgetUnknown() {
    if (writes.size() > acknowledged) {
      throw new IllegalStateException("the fate of a write is unknown: settle first");
    }
  }

  private static void apply(Write write, Map<String, Value> state) {
    for (Change change : write.changes) {
      if (change.value == null) {
        state.remove(change.key);
      } else {
        state.put(change.key, change.value);
      }
    }
  }

  // ---- After a crash

  /// The store that was opened after the process died holds what it must.
  public void checkAfterKill(KvStore store) {
    check(store, acknowledged, "the death of the process");
  }

  /// The store that was opened after the power went holds what it must.
  public void checkAfterPowerLoss(KvStore store) {
    check(store, durable, "power loss");
  }

  /// The store holds everything but perhaps so many of the last writes.
  public void checkMayLack(KvStore store, int count) {
    check(store, Math.max(0, acknowledged - count), "the loss of " + count + " writes");
  }

  /// Whether a key may have this value if so many of the last writes are missing, or fewer.
  public boolean allows(String key, @Nullable Value value, int mayLack) {
    Map<String, Value> state = new TreeMap<>(base);
    boolean allowed = false;
    for (int count = 0; count <= writes.size(); count++) {
      if (count > 0) {
        apply(writes.get(count - 1), state);
      }
      if (count >= acknowledged - mayLack) {
        allowed |= Objects.equals(state.get(key), value);
      }
    }
    return allowed;
  }

  private void check(KvStore store, int least, String event) {
    Map<String, Value> found = contents(store);
    long lastSequence = store.lastSequence();
    Map<String, Value> state = new TreeMap<>(base);
    String otherSequence = "";
    for (int count = 0; count <= writes.size(); count++) {
      if (count > 0) {
        apply(writes.get(count - 1), state);
      }
      if (count >= least && state.equals(found)) {
        long expected = count == 0 ? baseSequence : writes.get(count - 1).sequence;
        if (expected == UNKNOWN || expected == lastSequence) {
          settle(count, found, lastSequence);
          return;
        }
        otherSequence =
            "it holds "
                + count
                + " writes, which is up to sequence "
                + expected
                + ", but says "
                + lastSequence
                + "\n";
      }
    }
    throw new AssertionError(
        otherSequence + explain(found, least, event) + "\n" + store.recovery());
  }

  /// The store that is open shows what was acknowledged; and perhaps of the writes that failed the
  /// first.
  public void checkLive(KvStore store) {
    Map<String, Value> found = contents(store);
    Map<String, Value> state = new TreeMap<>(now);
    for (int count = acknowledged; !found.equals(state); count++) {
      if (count == writes.size()) {
        throw new AssertionError(explain(found, acknowledged, "nothing"));
      }
      apply(writes.get(count), state);
    }
  }

  /// What was found is what counts from now on, durable or not: a store that is open has told that its
  /// last sequence is in it.
  private void settle(int count, Map<String, Value> found, long lastSequence) {
    log.add("  holds " + count + " of " + writes.size() + " writes, sequence " + lastSequence);
    base.clear();
    base.putAll(found);
    baseSequence = lastSequence;
    now.clear();
    now.putAll(found);
    writes.clear();
    acknowledged = 0;
    durable = 0;
  }

  /// Everything in a store, read in every way there is.
  public Map<String, Value> contents(KvStore store) {
    Map<String, Value> found = new TreeMap<>();
    try (Stream<Entry> entries = store.entries()) {
      entries.forEach(entry -> {
        if (found.put(entry.keyText(), entry.value()) != null) {
          throw new AssertionError("delivered twice: " + entry.keyText());
        }
      });
    }
    if (store.size() != found.size()) {
      throw new AssertionError("size() is " + store.size() + ", there are " + found.size());
    }
    for (String key : keys) {
      Value expected = found.get(key);
      Value got = store.getValue(key).orElse(null);
      if (expected == null ? got != null : !expected.equals(got)) {
        throw new AssertionError(key + " is " + got + " by get, " + expected + " by iteration");
      }
    }
    return found;
  }

  private String explain(Map<String, Value> found, int least, String event) {
    StringBuilder text = new StringBuilder("after ").append(event);
    text.append(" the store must hold ").append(least).append(" to ").append(writes.size());
    text.append(" of the writes since the last open");
    Map<String, Value> expected = new TreeMap<>(base);
    for (int count = 0; count < least; count++) {
      apply(writes.get(count), expected);
    }
    TreeSet<String> all = new TreeSet<>(expected.keySet());
    all.addAll(found.keySet());
    for (String key : all) {
      Value wanted = expected.get(key);
      if (!Objects.equals(wanted, found.get(key))) {
        text.append("\n  ").append(key).append(" is ").append(text(found.get(key)));
        text.append(", after ").append(least).append(" writes it was ").append(text(wanted));
      }
    }
    text.append('\n').append(this);
    return text.toString();
  }

  /// What has happened, for a message.
  @Override
  public String toString() {
    int from = Math.max(0, log.size() - 60);
    return "the last of "
        + log.size()
        + " events:\n  "
        + String.join("\n  ", log.subList(from, log.size()));
  }

  static String text(@Nullable Value value) {
    if (!(value instanceof Value.Bytes(byte[] bytes))) {
      return String.valueOf(value);
    }
    String start = new String(bytes, 0, Math.min(16, bytes.length), StandardCharsets.ISO_8859_1);
    return "'" + start.replaceAll("[^ -~]", ".") + "', " + bytes.length + " B";
  }
}
