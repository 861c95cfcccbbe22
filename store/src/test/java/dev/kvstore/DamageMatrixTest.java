package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

import dev.kvstore.segment.RecordFormat;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// One small store, and everything that can happen to its files, one thing at a time: never a wrong or
/// an old value without a word, and what is not concerned is served.
///
/// Which keys may be concerned is known beforehand, from where their records are.
@Timeout(600)
class DamageMatrixTest {
  private static final Options REFUSE =
      Simulation.tiny(Durability.ALWAYS).toBuilder().compaction(CompactionPolicy.manual()).build();
  private static final Options SERVE =
      REFUSE.toBuilder().damagePolicy(DamagePolicy.SERVE_REST).build();
  private static final List<String> KEYS =
      List.of("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k");

  /// A store at one moment of its life.
  ///
  /// @param closed whether it had been closed; else its process was killed
  /// @param values what it held
  private record Moment(String name, DiskImage image, boolean closed, Map<String, Value> values) {
    @Override
    public String toString() {
      return name + (closed ? ", closed" : ", killed");
    }
  }

  /// By and by, the last closed and the last killed one is what things are done to.
  private static final List<Moment> MOMENTS = new ArrayList<>();

  private static Moment closed;
  private static Moment killed;
  private static int cases;

  @BeforeAll
  static void live() {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    Map<String, Value> values = new TreeMap<>();
    disk = session(disk, "first", values, false, DamageMatrixTest::first);
    disk = session(disk, "second", values, true, DamageMatrixTest::second);
    disk = session(disk, "third", values, false, DamageMatrixTest::third);
    disk = session(disk, "fourth", values, true, DamageMatrixTest::fourth);
    disk = session(disk, "fifth", values, true, DamageMatrixTest::fifth);
    disk.discard();
    closed = MOMENTS.getLast();
    killed = MOMENTS.get(MOMENTS.size() - 2);
    for (Moment moment : List.of(closed, killed)) {
      assertThat(moment.image().files().keySet())
          .filteredOn(n -> n.endsWith(".seg"))
          .hasSizeGreaterThan(2);
      assertThat(moment.image().files().keySet()).anyMatch(n -> n.endsWith(".hint"));
    }
    assertThat(closed.image().files()).containsKey("INDEX");
    assertThat(looseKeys(closed)).isEmpty();
    assertThat(looseKeys(killed)).containsExactlyInAnyOrder("k", "c", "g", "h");
  }

  @AfterAll
  static void tell() {
    System.out.println("DamageMatrixTest: " + cases + " states of files were opened");
  }

  private interface Work {
    void on(KvStore store, Map<String, Value> values);
  }

  /// Opens, works, and leaves the store in one of two ways; notes it as it would be left in both.
  private static SimulatedDirectory session(
      SimulatedDirectory disk, String name, Map<String, Value> values, boolean close, Work work) {
    KvStore store = Simulation.open(disk, REFUSE);
    work.on(store, values);
    MOMENTS.add(new Moment(name, withoutText(disk.image()), false, new TreeMap<>(values)));
    if (!close) {
      DiskImage left = disk.image();
      Simulation.abandon(store);
      disk.discard();
      return left.mount();
    }
    store.close();
    MOMENTS.add(new Moment(name, withoutText(disk.image()), true, new TreeMap<>(values)));
    return disk;
  }

  /// Without what is for people.
  private static DiskImage withoutText(DiskImage image) {
    return image.without("RECOVERY.json").without("RECOVERY.jsonl").without("RESERVE");
  }

  private static void put(KvStore store, Map<String, Value> values, String key, Value value) {
    store.put(key, value);
    values.put(key, value);
  }

  private static void delete(KvStore store, Map<String, Value> values, String key) {
    assertThat(store.delete(key)).isTrue();
    values.remove(key);
  }

  private static void first(KvStore store, Map<String, Value> values) {
    put(store, values, "a", Value.of("a text"));
    put(store, values, "b", Value.of(42L));
    put(store, values, "c", Value.of(new byte[] {1, 2, 3}));
    put(store, values, "d", Value.of("first d"));
    put(store, values, "e", Value.of(2.5));
  }

  private static void second(KvStore store, Map<String, Value> values) {
    put(store, values, "a", Value.of("another text"));
    delete(store, values, "b");
    store.write(new WriteBatch().put("f", "in a batch").put("g", "too").delete("d"));
    values.put("f", Value.of("in a batch"));
    values.put("g", Value.of("too"));
    values.remove("d");
  }

  private static void third(KvStore store, Map<String, Value> values) {
    put(store, values, "c", Value.of("third c"));
    delete(store, values, "f");
    put(store, values, "h", Value.of("h"));
    store.compact();
    put(store, values, "i", Value.of("after the compaction"));
  }

  private static void fourth(KvStore store, Map<String, Value> values) {
    put(store, values, "h", Value.of("newer h"));
    delete(store, values, "e");
    put(store, values, "j", Value.of("j"));
  }

  private static void fifth(KvStore store, Map<String, Value> values) {
    put(store, values, "a", Value.of("fifth a"));
    put(store, values, "i", Value.of("fifth i"));
    delete(store, values, "j");
    // What comes now is not forced, and nothing vouches for it.
    KvStore loose = store.withDurability(Durability.OS);
    put(loose, values, "k", Value.of("k"));
    put(loose, values, "c", Value.of("fifth c"));
    loose.write(new WriteBatch().put("g", "fifth g").delete("h"));
    values.put("g", Value.of("fifth g"));
    values.remove("h");
  }

  // ---- What must hold

  /// Keys of the records that lie in a range of a file.
  private static Set<String> keysIn(Moment moment, String file, long from, long to) {
    Set<String> keys = new HashSet<>();
    for (RecordInfo record : RECORDS.computeIfAbsent(moment, DamageMatrixTest::recordsOf)) {
      if (record.file().equals(file)
          && record.offset() < to
          && record.offset() + record.bytes() > from) {
        keys.add(new String(record.key(), StandardCharsets.UTF_8));
      }
    }
    keys.remove("");
    return keys;
  }

  private static final Map<Moment, List<RecordInfo>> RECORDS = new HashMap<>();

  private static List<RecordInfo> recordsOf(Moment moment) {
    SimulatedDirectory disk = moment.image().mount();
    try (Stream<RecordInfo> records = StoreInspector.records(disk.path())) {
      return records.toList();
    } finally {
      disk.discard();
    }
  }

  /// What was done to the files of a moment, and what may come of it.
  ///
  /// @param files those that are not what they were, each with where the first and the last change is
  /// @param concerned keys that may be lost, or show what they were before, with a word
  /// @param untold whether that may be without a word: the end of a log that nothing vouches for
  private record Meddling(
      Moment moment,
      DiskImage image,
      Map<String, Stretch> files,
      Set<String> concerned,
      boolean untold,
      String event) {

    static Meddling of(
        Moment moment, DiskImage image, Set<String> concerned, boolean untold, String event) {
      Map<String, byte[]> before = moment.image().files();
      Map<String, byte[]> after = image.files();
      Set<String> names = new HashSet<>(before.keySet());
      names.addAll(after.keySet());
      Map<String, Stretch> files = new HashMap<>();
      for (String name : names) {
        Stretch changed = Stretch.between(before.get(name), after.get(name));
        if (changed != null) {
          files.put(name, changed);
        }
      }
      return new Meddling(moment, image, files, concerned, untold, event);
    }

    /// Whether this damage is in what was changed; a manifest has one checksum for all of it.
    boolean explains(Damage damage) {
      Stretch changed = files.get(damage.file());
      return changed != null
          && (damage.file().equals("MANIFEST")
              || (damage.offset() <= changed.to
                  && damage.offset() + damage.bytes() >= changed.from));
    }

    /// Whether this damage tells of a key: it names the key, or is in the file that a record of the key is in.
    boolean tells(Damage damage, String key) {
      return explains(damage)
          && (damage.file().equals("MANIFEST")
              || damage.keys().stream().anyMatch(k -> text(k).equals(key))
              || keysIn(moment, damage.file(), 0, Long.MAX_VALUE).contains(key));
    }

    /// A file that has another version than before, and is refused for that and nothing else.
    boolean isRefusedFor(StoreVersionException e) {
      return files.keySet().stream()
          .filter(name -> name.equals("MANIFEST") || name.endsWith(".seg"))
          .filter(name -> e.getMessage().startsWith(name + " has format version "))
          .anyMatch(name -> {
            int version = versionOf(image.files().get(name));
            return version != versionOf(moment.image().files().get(name)) && version == e.found();
          });
    }

    private static int versionOf(byte[] content) {
      return content == null || content.length < 12
          ? -1
          : (content[10] & 0xFF) | (content[11] & 0xFF) << 8; // see FileFormat
    }
  }

  private record Stretch(long from, long to) {
    /// Null if there is no difference.
    static Stretch between(byte[] before, byte[] after) {
      if (before == null || after == null) {
        return before == null && after == null ? null : new Stretch(0, Long.MAX_VALUE);
      }
      int from = Arrays.mismatch(before, after);
      if (from < 0) {
        return null;
      }
      if (before.length != after.length) {
        return new Stretch(from, Math.max(before.length, after.length));
      }
      int to = before.length;
      while (before[to - 1] == after[to - 1]) {
        to--;
      }
      return new Stretch(from, to);
    }
  }

  private static String text(byte[] key) {
    return new String(key, StandardCharsets.UTF_8);
  }

  private static void require(
      Moment moment, DiskImage image, Set<String> concerned, boolean untold, String event) {
    require(Meddling.of(moment, image, concerned, untold, event));
  }

  /// Opens under both policies and requires that nothing is wrong without a word, and that keys which are
  /// not concerned are right.
  private static void require(Meddling meddling) {
    boolean found = requireRestServed(meddling);
    if (found) {
      requireRefused(meddling);
    }
    // Where nothing was found there is nothing to refuse: the two policies are one.
  }

  /// Opening refuses, and changes no file.
  private static void requireRefused(Meddling meddling) {
    cases++;
    DiskImage image = meddling.image();
    SimulatedDirectory disk = image.mount();
    try {
      Simulation.abandon(Simulation.open(disk, REFUSE));
      throw new AssertionError("was not refused");
    } catch (StoreCorruptionException | StoreVersionException e) {
      assertThat(e.getMessage()).isNotBlank();
      Map<String, byte[]> after = disk.image().files();
      assertThat(after.keySet()).isEqualTo(image.files().keySet());
      after.forEach((name, content) ->
          assertThat(Arrays.equals(content, image.files().get(name))).as(name).isTrue());
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(meddling.moment + ", " + meddling.event + ", REFUSE: " + e, e);
    } finally {
      disk.discard();
    }
  }

  /// Whether damage was found.
  private static boolean requireRestServed(Meddling meddling) {
    cases++;
    SimulatedDirectory disk = meddling.image().mount();
    try {
      KvStore store = Simulation.open(disk, SERVE);
      RecoveryReport report = store.recovery();
      new Answers(meddling, store, report).requireAll();
      for (Damage damage : report.damages()) {
        assertThat(damage.file()).isNotBlank();
        assertThat(damage.problem()).isNotBlank();
      }
      Simulation.abandon(store);
      return !report.damages().isEmpty();
    } catch (StoreCorruptionException e) {
      assertThat(e.file())
          .as(meddling.event + ": only without a manifest nothing is served")
          .isEqualTo("MANIFEST");
      return true;
    } catch (StoreVersionException e) {
      assertThat(meddling.isRefusedFor(e)).as(meddling.event + ": " + e).isTrue();
      return true;
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(meddling.moment + ", " + meddling.event + ", SERVE_REST: " + e, e);
    } finally {
      disk.discard();
    }
  }

  private enum Answer {
    RIGHT,
    /// An error of the store, that names one of the files that are not what they were.
    TOLD,
    WRONG
  }

  /// Every way of reading a store that was meddled with. All answers are right, but those for keys that are
  /// concerned, if that was told: by an error of the read itself, or by damage in the report of the open that
  /// is in what was changed and tells of the key. That a write was dropped with the tail of the log is no word
  /// for one that was durable.
  private record Answers(Meddling meddling, KvStore store, RecoveryReport report) {

    void requireAll() {
      Map<String, Value> values = meddling.moment.values();
      int present = 0;
      int perhaps = 0;
      for (String key : KEYS) {
        Value wanted = values.get(key);
        byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
        Answer got = judge(key, "getValue", wanted, () -> store.getValue(key).orElse(null));
        judge(key, "contains", wanted != null, () -> store.contains(key));
        judge(
            key,
            "valueSize",
            wanted == null ? -1L : wanted.toBytes().length,
            () -> store.valueSize(bytes).orElse(-1));
        judge(
            key,
            "getAll",
            wanted == null ? null : Value.of(wanted.toBytes()),
            () -> {
              byte[] value = store.getAll(List.of(bytes)).getFirst();
              return value == null ? null : Value.of(value);
            });
        if (got == Answer.RIGHT) {
          present += wanted == null ? 0 : 1;
          perhaps += wanted == null ? 0 : 1;
        } else {
          perhaps++;
        }
      }
      Map<String, Value> entries = new TreeMap<>();
      iterate(
          "entries",
          entries,
          wanted -> wanted,
          () -> {
            try (Stream<Entry> all = store.entries()) {
              all.forEach(entry -> requireNew(entries, entry.keyText(), entry.value()));
            }
          });
      Map<String, Boolean> keys = new TreeMap<>();
      iterate(
          "keys",
          keys,
          wanted -> wanted == null ? null : true,
          () -> {
            try (Stream<byte[]> all = store.keys()) {
              all.forEach(key -> {
                if (!mayBeTwice(text(key))) {
                  requireNew(keys, text(key), true);
                }
                keys.put(text(key), true);
              });
            }
          });
      long twice = KEYS.stream().filter(this::mayBeTwice).count();
      assertThat(store.size()).as("size").isBetween((long) present, perhaps + twice);
    }

    /// Where an older record of a key does not verify, nobody can tell that it is of the same key: the index has
    /// both, and to get the key is an error.
    private boolean mayBeTwice(String key) {
      return meddling.concerned.contains(key)
          && report.damages().stream().anyMatch(damage -> meddling.tells(damage, key));
    }

    private static <T> void requireNew(Map<String, T> found, String key, T value) {
      assertThat(KEYS).as("a key that never was").contains(key);
      assertThat(found.put(key, value)).as("delivered twice: " + key).isNull();
    }

    /// An iteration that comes to its end has answered for every key; one that does not, for those that it has
    /// delivered.
    private <T> void iterate(
        String way, Map<String, T> found, Function<Value, T> wanted, Runnable iteration) {
      boolean ended = true;
      try {
        iteration.run();
      } catch (StoreCorruptionException e) {
        requireNamesTheFile(e);
        assertThat(meddling.concerned).as(way + " has met " + e).isNotEmpty();
        ended = false;
      }
      for (String key : KEYS) {
        if (ended || found.containsKey(key)) {
          judge(key, way, wanted.apply(meddling.moment.values().get(key)), () -> found.get(key));
        }
      }
    }

    private void requireNamesTheFile(StoreCorruptionException e) {
      assertThat(meddling.files.keySet()).as("those that were changed").contains(e.file());
    }

    private <T> Answer judge(String key, String way, T wanted, Supplier<T> read) {
      Answer answer;
      try {
        answer = Objects.equals(wanted, read.get()) ? Answer.RIGHT : Answer.WRONG;
      } catch (StoreCorruptionException e) {
        requireNamesTheFile(e);
        answer = Answer.TOLD;
      }
      boolean isTail =
          answer == Answer.WRONG
              && !report.dropped().isEmpty()
              && looseKeys(meddling.moment, meddling.files).contains(key);
      if (answer == Answer.WRONG
          && !meddling.untold
          && !isTail
          && report.damages().stream().noneMatch(damage -> meddling.tells(damage, key))) {
        throw new AssertionError(key + " is wrong without a word by " + way + "; " + report);
      }
      if (answer != Answer.RIGHT
          && !meddling.concerned.contains(key)
          && !keysOf(report.dropped()).contains(key)) {
        throw new AssertionError(
            key + " is not concerned, and is " + answer + " by " + way + "; " + report);
      }
      return answer;
    }
  }

  /// Keys of writes that nothing in the log vouches for.
  private static Set<String> looseKeys(Moment moment) {
    return looseKeys(moment, Map.of());
  }

  /// The same where marks that were changed vouch for nothing.
  private static Set<String> looseKeys(Moment moment, Map<String, Stretch> changed) {
    List<RecordInfo> records = RECORDS.computeIfAbsent(moment, DamageMatrixTest::recordsOf);
    long vouched = 0;
    for (RecordInfo record : records) {
      boolean vouches =
          record.kind() == RecordInfo.Kind.MARK || record.kind() == RecordInfo.Kind.SEAL;
      Stretch stretch = changed.get(record.file());
      boolean isChanged =
          stretch != null
              && record.offset() < stretch.to
              && record.offset() + record.bytes() > stretch.from;
      if (vouches && !isChanged) {
        vouched = Math.max(vouched, record.sequence());
      }
    }
    Set<String> keys = new HashSet<>();
    for (RecordInfo record : records) {
      if (record.sequence() > vouched) {
        keys.add(text(record.key()));
      }
    }
    return keys;
  }

  private static Set<String> keysOf(List<RecoveryReport.Dropped> dropped) {
    Set<String> keys = new HashSet<>();
    dropped.forEach(stretch ->
        stretch.keys().forEach(key -> keys.add(new String(key, StandardCharsets.UTF_8))));
    return keys;
  }

  private static List<String> files(Moment moment) {
    return List.copyOf(moment.image().files().keySet());
  }

  private static boolean isTail(Moment moment, String file) {
    String last =
        files(moment).stream().filter(n -> n.endsWith(".seg")).reduce((a, b) -> b).orElseThrow();
    return file.equals(last);
  }

  private static long endOfLog(byte[] segment) {
    int end = segment.length;
    while (end > 0 && segment[end - 1] == 0) {
      end--;
    }
    return end;
  }

  /// The end of the log, where nothing but its own bytes tells how far it went: of a store that was closed,
  /// its last mark is that, if there is no image.
  private static boolean takesTheEnd(Moment moment, String file, long to, boolean hasImage) {
    if (!isTail(moment, file) || (moment.closed() && hasImage)) {
      return false;
    }
    long end = endOfLog(moment.image().files().get(file));
    return to >= end - 8 - (moment.closed() ? RecordFormat.MARK_BYTES : 0);
  }

  /// How much of a file is tried.
  private enum Share {
    /// In `make test`.
    SAMPLE,
    /// In `make torture`.
    ALL
  }

  /// With what is derived from segments, and without it, so that they are read. Of a sample, the second only
  /// for changes that begin at an even offset.
  private static void change(
      Moment moment, String file, byte[] content, int from, int to, Share share, String event) {
    DiskImage image = moment.image().with(file, content);
    Set<String> concerned = keysIn(moment, file, from, to);
    require(moment, image, concerned, takesTheEnd(moment, file, to, true), event);
    if (file.endsWith(".seg") && (share == Share.ALL || from % 2 == 0)) {
      for (String name : files(moment)) {
        if (name.equals("INDEX") || name.endsWith(".hint")) {
          image = image.without(name);
        }
      }
      boolean untold = takesTheEnd(moment, file, to, false);
      require(moment, image, concerned, untold, event + ", no hints, no INDEX");
    }
  }

  // ---- Bytes

  @Test
  void everyByteTurnedOverIsHarmlessOrTold() {
    Seed.fixed(61, random -> flipAll(random, Share.SAMPLE));
  }

  @Tag("torture")
  @Test
  @Timeout(3600)
  void everyBitTurnedOverIsHarmlessOrTold() {
    Seed.fixed(62, random -> flipAll(random, Share.ALL));
  }

  /// Of a sample one bit of each byte, and of one in 16 of the dull ones; of all, each bit, but one of the dull
  /// ones.
  private static void flipAll(SplittableRandom random, Share share) {
    for (Moment moment : List.of(closed, killed)) {
      for (String file : files(moment)) {
        byte[] content = moment.image().files().get(file);
        for (int at = 0; at < content.length; at++) {
          boolean dull = isDull(content, at);
          if (share == Share.SAMPLE && dull && at % 16 != 0) {
            continue;
          }
          int bits = share == Share.SAMPLE || dull ? 1 : 8;
          for (int bit = 0; bit < bits; bit++) {
            int mask = 1 << (bits == 1 ? random.nextInt(8) : bit);
            byte[] flipped = content.clone();
            flipped[at] ^= (byte) mask;
            change(moment, file, flipped, at, at + 1, share, file + " @ " + at + " ^ " + mask);
          }
        }
      }
    }
  }

  /// With nothing but zeros 16 bytes around it: in the shard table of an image, in the unused rest of a segment.
  private static boolean isDull(byte[] content, int at) {
    for (int i = Math.max(0, at - 16); i < Math.min(content.length, at + 16); i++) {
      if (content[i] != 0) {
        return false;
      }
    }
    return true;
  }

  @Test
  void everyRangeOfZerosIsHarmlessOrTold() {
    zeroAll(Share.SAMPLE);
  }

  @Tag("torture")
  @Test
  void everyRangeOfZerosFromEachWordOnIsHarmlessOrTold() {
    zeroAll(Share.ALL);
  }

  /// Of a sample, small ranges from every eighth on, large ones from every quarter of one; of all, from every
  /// eighth byte on.
  private static void zeroAll(Share share) {
    for (Moment moment : List.of(closed, killed)) {
      for (String file : files(moment)) {
        byte[] content = moment.image().files().get(file);
        for (int length : new int[] {8, 40, 512, 4096}) {
          int step = share == Share.ALL ? 8 : length < 512 ? 8 * length : length / 4;
          for (int from = 0; from < content.length; from += step) {
            int to = Math.min(content.length, from + length);
            byte[] zeroed = content.clone();
            Arrays.fill(zeroed, from, to, (byte) 0);
            if (!Arrays.equals(zeroed, content)) {
              change(
                  moment, file, zeroed, from, to, share, file + " zeroed @ " + from + " to " + to);
            }
          }
        }
      }
    }
  }

  @Test
  void everyLengthIsHarmlessOrTold() {
    cutAll(Share.SAMPLE);
  }

  @Tag("torture")
  @Test
  void everyLengthWithinZerosTooIsHarmlessOrTold() {
    cutAll(Share.ALL);
  }

  /// Of a sample not each length within zeros: one in 64 behind the end of the log, one in 16 in an image.
  private static void cutAll(Share share) {
    for (Moment moment : List.of(closed, killed)) {
      for (String file : files(moment)) {
        byte[] content = moment.image().files().get(file);
        long end = endOfLog(content);
        for (int length = 0; length < content.length; length++) {
          boolean behind = length > end + 16 && length % 64 != 0;
          boolean dull = file.equals("INDEX") && isDull(content, length) && length % 16 != 0;
          if (share == Share.SAMPLE && (behind || dull)) {
            continue;
          }
          byte[] cut = Arrays.copyOf(content, length);
          change(moment, file, cut, length, content.length, share, file + " @ " + length + " cut");
        }
      }
    }
  }

  // ---- Whole files

  @Test
  void everyFileRemovedIsHarmlessOrTold() {
    for (Moment moment : MOMENTS) {
      for (String file : files(moment)) {
        require(
            moment,
            moment.image().without(file),
            keysIn(moment, file, 0, Long.MAX_VALUE),
            false,
            file + " removed");
      }
    }
  }

  @Test
  void everyTwoFilesSwappedOrOneInThePlaceOfAnotherAreHarmlessOrTold() {
    for (Moment moment : List.of(closed, killed)) {
      for (String one : files(moment)) {
        for (String other : files(moment)) {
          if (one.equals(other)) {
            continue;
          }
          Map<String, byte[]> files = moment.image().files();
          Set<String> concerned = keysIn(moment, one, 0, Long.MAX_VALUE);
          require(
              moment,
              moment.image().with(one, files.get(other)),
              concerned,
              false,
              other + " in the place of " + one);
          concerned.addAll(keysIn(moment, other, 0, Long.MAX_VALUE));
          require(
              moment,
              moment.image().with(one, files.get(other)).with(other, files.get(one)),
              concerned,
              false,
              one + " and " + other + " swapped");
        }
      }
    }
  }

  @Test
  void everyFileUnderANameThatIsFreeIsHarmlessOrTold() {
    for (Moment moment : List.of(closed, killed)) {
      for (String file : files(moment)) {
        for (String name :
            List.of(
                "0000000900.seg",
                "0000000900.hint",
                "0000000001.hint",
                "MANIFEST.tmp",
                "INDEX.tmp")) {
          if (!moment.image().files().containsKey(name)) {
            require(
                moment,
                moment.image().with(name, moment.image().files().get(file)),
                Set.of(),
                false,
                file + " as " + name);
          }
        }
      }
    }
  }

  // ---- Older copies

  /// Each file of each earlier moment, in the place of what it has become: manifest from before the
  /// compaction and the deletes, a segment from when it was the active one, image, hint, and those that
  /// are not there any more.
  @Test
  void everyOlderCopyOfAFileIsHarmlessOrTold() {
    int older = 0;
    for (Moment now : MOMENTS) {
      for (Moment then : MOMENTS.subList(0, MOMENTS.indexOf(now))) {
        for (Map.Entry<String, byte[]> file : then.image().files().entrySet()) {
          if (Arrays.equals(file.getValue(), now.image().files().get(file.getKey()))) {
            continue;
          }
          older++;
          DiskImage image = now.image().with(file.getKey(), file.getValue());
          Set<String> concerned = keysIn(now, file.getKey(), 0, Long.MAX_VALUE);
          String event = file.getKey() + " of " + then;
          if (file.getKey().equals("MANIFEST")) {
            // What it does not know of is not served, and it says so.
            concerned = Set.copyOf(KEYS);
          }
          // The last writes of a store that was killed are in that file and nowhere else.
          boolean untold = !now.closed() && isTail(now, file.getKey());
          require(now, image, concerned, untold, event);
          require(
              now,
              image.without("INDEX"),
              concerned,
              untold || isTail(now, file.getKey()),
              event + ", no INDEX");
        }
      }
    }
    assertThat(older).isGreaterThan(60);
  }

  /// A copy of the whole store from before, which went its own way: same store, same names, the same
  /// lengths, other contents. The active segment and the image are not told from those of a twin.
  @Test
  void everySealedFileOfATwinIsHarmlessOrTold() {
    Moment start = MOMENTS.stream().filter(Moment::closed).findFirst().orElseThrow();
    List<Moment> twins = new ArrayList<>();
    for (String word : List.of("one", "two")) {
      SimulatedDirectory disk = start.image().mount();
      Map<String, Value> values = new TreeMap<>(start.values());
      List<String> order = word.equals("one") ? List.of("h", "i", "j") : List.of("j", "h", "i");
      KvStore store = Simulation.open(disk, REFUSE);
      order.forEach(key -> put(store, values, key, Value.of(word + key)));
      store.delete("a"); // garbage, for the compaction to seal it all
      values.remove("a");
      store.compact();
      put(store, values, "k", Value.of(word));
      twins.add(
          new Moment("twin " + word, withoutText(disk.image()), false, new TreeMap<>(values)));
      store.close();
      twins.add(new Moment("twin " + word, withoutText(disk.image()), true, new TreeMap<>(values)));
      disk.discard();
    }
    for (Moment now : twins) {
      for (Moment other : twins) {
        for (Map.Entry<String, byte[]> file : other.image().files().entrySet()) {
          if (isTail(now, file.getKey()) || file.getKey().equals("INDEX")) {
            continue;
          }
          boolean all = file.getKey().equals("MANIFEST");
          DiskImage image = now.image().with(file.getKey(), file.getValue());
          for (DiskImage mixed : List.of(image, image.without("INDEX"))) {
            require(
                now,
                mixed,
                all ? Set.copyOf(KEYS) : keysIn(now, file.getKey(), 0, Long.MAX_VALUE),
                false,
                file.getKey() + " of " + other);
          }
        }
      }
    }
  }

  // ---- Copied out

  /// What salvage makes of it is whole, and holds what is not concerned.
  @Test
  void salvageServesTheRestOfWhateverIsDamaged() {
    Seed.fixed(
        63,
        random -> {
          for (Moment moment : List.of(closed, killed)) {
            for (String file : files(moment)) {
              byte[] content = moment.image().files().get(file);
              for (int i = 0; i < 12; i++) {
                int at =
                    random.nextInt(Math.max(1, (int) Math.min(content.length, endOfLog(content))));
                byte[] flipped = content.clone();
                flipped[at] ^= (byte) (1 << random.nextInt(8));
                salvaged(
                    moment,
                    moment.image().with(file, flipped),
                    keysIn(moment, file, at, at + 1),
                    file + " @ " + at);
              }
              if (!file.equals(
                  "MANIFEST")) { // without it what was deleted may come back, and it says so
                salvaged(
                    moment,
                    moment.image().without(file),
                    keysIn(moment, file, 0, Long.MAX_VALUE),
                    "no " + file);
              }
            }
          }
        });
  }

  private static void salvaged(
      Moment moment, DiskImage image, Set<String> concerned, String event) {
    cases++;
    SimulatedDirectory disk = image.mount();
    Path target = disk.path().resolveSibling(disk.path().getFileName() + "-salvaged");
    Meddling meddling = Meddling.of(moment, image, concerned, false, event);
    try {
      SalvageReport report = StoreInspector.salvage(disk.path(), target, Progress.NONE);
      boolean noManifest = report.damages().stream().anyMatch(d -> d.file().equals("MANIFEST"));
      Set<String> lost = new HashSet<>(concerned);
      lost.addAll(keysOf(report.dropped()));
      try (KvStore store = KvStore.open(target)) {
        Map<String, Value> found = new TreeMap<>();
        try (Stream<Entry> entries = store.entries()) {
          entries.forEach(entry -> Answers.requireNew(found, entry.keyText(), entry.value()));
        }
        assertThat(found).hasSize((int) report.keys());
        assertThat(store.size()).isEqualTo(report.keys());
        for (String key : KEYS) {
          assertThat(store.getValue(key)).as(key).isEqualTo(Optional.ofNullable(found.get(key)));
          boolean right = Objects.equals(found.get(key), moment.values().get(key));
          boolean mayComeBack = noManifest && moment.values().get(key) == null;
          assertThat(right || lost.contains(key) || mayComeBack).as(key).isTrue();
          boolean isDropped = keysOf(report.dropped()).contains(key);
          assertThat(
                  right
                      || isDropped
                      || report.damages().stream().anyMatch(d -> meddling.tells(d, key)))
              .as(key + " is wrong without a word; " + report.damages())
              .isTrue();
        }
      }
      assertThat(StoreInspector.verify(target, Progress.NONE).isIntact()).isTrue();
    } catch (StoreVersionException e) {
      assertThat(meddling.isRefusedFor(e)).as(event + ": " + e).isTrue();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(moment + ", " + event + ", salvaged: " + e, e);
    } finally {
      disk.discard();
      deleteAll(target);
    }
  }

  private static void deleteAll(Path directory) {
    try (Stream<Path> files = java.nio.file.Files.walk(directory)) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        java.nio.file.Files.delete(file);
      }
    } catch (java.nio.file.NoSuchFileException e) {
      // Refused before it was made.
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
