package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
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

  /// Opens under both policies and requires that nothing is wrong without a word, and that keys which are
  /// not concerned are right.
  ///
  /// @param concerned keys that may be lost, or show what they were before, with a word
  /// @param untold whether that may be without a word: the end of a log that nothing vouches for
  private static void require(
      Moment moment, DiskImage image, Set<String> concerned, boolean untold, String event) {
    boolean found = requireRestServed(moment, image, concerned, untold, event);
    if (found) {
      requireRefused(moment, image, event);
    }
    // Where nothing was found there is nothing to refuse: the two policies are one.
  }

  /// Opening refuses, and changes no file.
  private static void requireRefused(Moment moment, DiskImage image, String event) {
    cases++;
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
      throw new AssertionError(moment + ", " + event + ", REFUSE: " + e, e);
    } finally {
      disk.discard();
    }
  }

  /// Whether damage was found.
  private static boolean requireRestServed(
      Moment moment, DiskImage image, Set<String> concerned, boolean untold, String event) {
    cases++;
    SimulatedDirectory disk = image.mount();
    try {
      KvStore store = Simulation.open(disk, SERVE);
      RecoveryReport report = store.recovery();
      requireAnswers(moment, store, concerned, untold);
      for (Damage damage : report.damages()) {
        assertThat(damage.file()).isNotBlank();
        assertThat(damage.problem()).isNotBlank();
      }
      Simulation.abandon(store);
      return !report.damages().isEmpty();
    } catch (StoreCorruptionException e) {
      assertThat(e.file())
          .as(event + ": only without a manifest nothing is served")
          .isEqualTo("MANIFEST");
      return true;
    } catch (StoreVersionException e) {
      assertThat(event).contains(" @ 1"); // the version, bytes 10 and 11 of each file
      return true;
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError(moment + ", " + event + ", SERVE_REST: " + e, e);
    } finally {
      disk.discard();
    }
  }

  private enum Answer {
    RIGHT,
    /// An error of the store.
    TOLD,
    WRONG
  }

  private static Answer answer(Moment moment, KvStore store, String key) {
    try {
      Value got = store.getValue(key).orElse(null);
      Value wanted = moment.values().get(key);
      return (wanted == null ? got == null : wanted.equals(got)) ? Answer.RIGHT : Answer.WRONG;
    } catch (StoreCorruptionException e) {
      return Answer.TOLD;
    }
  }

  /// All answers are right, but those for keys that are concerned, if that was told. That a write was
  /// dropped with the tail of the log is no word for one that was durable.
  private static void requireAnswers(
      Moment moment, KvStore store, Set<String> concerned, boolean untold) {
    RecoveryReport report = store.recovery();
    Set<String> dropped = keysOf(report.dropped());
    Set<String> loose = looseKeys(moment);
    for (String key : KEYS) {
      Answer answer = answer(moment, store, key);
      boolean isTail = !report.dropped().isEmpty() && loose.contains(key);
      if (answer == Answer.WRONG && !untold && !isTail && report.damages().isEmpty()) {
        throw new AssertionError(key + " is wrong without a word; " + report);
      }
      if (answer != Answer.RIGHT && !concerned.contains(key) && !dropped.contains(key)) {
        throw new AssertionError(key + " is not concerned, and is " + answer + "; " + report);
      }
    }
  }

  /// Keys of writes that nothing in the log vouches for.
  private static Set<String> looseKeys(Moment moment) {
    List<RecordInfo> records = RECORDS.computeIfAbsent(moment, DamageMatrixTest::recordsOf);
    long vouched =
        records.stream()
            .filter(record ->
                record.kind() == RecordInfo.Kind.MARK || record.kind() == RecordInfo.Kind.SEAL)
            .mapToLong(RecordInfo::sequence)
            .max()
            .orElse(0);
    Set<String> keys = new HashSet<>();
    for (RecordInfo record : records) {
      if (record.sequence() > vouched) {
        keys.add(new String(record.key(), StandardCharsets.UTF_8));
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

  /// The end of the log of a store that was killed: nothing but its own bytes tells how far it went.
  private static boolean takesTheEnd(Moment moment, String file, long to) {
    byte[] content = moment.image().files().get(file);
    return !moment.closed() && isTail(moment, file) && to >= endOfLog(content) - 8;
  }

  private static void change(
      Moment moment, String file, byte[] content, int from, int to, String event) {
    require(
        moment,
        moment.image().with(file, content),
        keysIn(moment, file, from, to),
        takesTheEnd(moment, file, to),
        event);
  }

  // ---- Bytes

  @Test
  void everyByteTurnedOverIsHarmlessOrTold() {
    Seed.fixed(
        61,
        random -> {
          for (Moment moment : List.of(closed, killed)) {
            flipAll(moment, random, 1);
          }
        });
  }

  private static void flipAll(Moment moment, SplittableRandom random, int masks) {
    for (String file : files(moment)) {
      byte[] content = moment.image().files().get(file);
      for (int at = 0; at < content.length; at++) {
        if (isDull(content, at) && at % 16 != 0) {
          continue;
        }
        for (int i = 0; i < masks; i++) {
          int mask = masks == 1 ? 1 << random.nextInt(8) : 1 << i;
          byte[] flipped = content.clone();
          flipped[at] ^= (byte) mask;
          change(moment, file, flipped, at, at + 1, file + " @ " + at + " ^ " + mask);
        }
      }
    }
  }

  /// In the shard table of an image, or in the unused rest of a segment.
  private static boolean isDull(byte[] content, int at) {
    for (int i = Math.max(0, at - 16); i < Math.min(content.length, at + 16); i++) {
      if (content[i] != 0) {
        return false;
      }
    }
    return true;
  }

  @Tag("torture")
  @Test
  void everyBitTurnedOverIsHarmlessOrTold() {
    Seed.fixed(
        62,
        random -> {
          for (Moment moment : List.of(closed, killed)) {
            flipAll(moment, random, 8);
          }
        });
  }

  @Test
  void everyRangeOfZerosIsHarmlessOrTold() {
    for (Moment moment : List.of(closed, killed)) {
      for (String file : files(moment)) {
        byte[] content = moment.image().files().get(file);
        for (int length : new int[] {8, 40, 512, 4096}) {
          for (int from = 0;
              from < content.length;
              from += length < 512 ? 8 * length : length / 4) {
            int to = Math.min(content.length, from + length);
            byte[] zeroed = content.clone();
            Arrays.fill(zeroed, from, to, (byte) 0);
            if (!Arrays.equals(zeroed, content)) {
              change(moment, file, zeroed, from, to, file + " zeroed @ " + from + " to " + to);
            }
          }
        }
      }
    }
  }

  @Test
  void everyLengthIsHarmlessOrTold() {
    for (Moment moment : List.of(closed, killed)) {
      for (String file : files(moment)) {
        byte[] content = moment.image().files().get(file);
        long end = endOfLog(content);
        for (int length = 0; length < content.length; length++) {
          if (length > end + 16 && length % 64 != 0) {
            continue; // less of the zeros behind everything
          }
          if (file.equals("INDEX") && isDull(content, length) && length % 16 != 0) {
            continue;
          }
          byte[] cut = Arrays.copyOf(content, length);
          change(moment, file, cut, length, content.length, file + " @ " + length + " cut");
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
    try {
      SalvageReport report = StoreInspector.salvage(disk.path(), target, Progress.NONE);
      boolean noManifest = report.damages().stream().anyMatch(d -> d.file().equals("MANIFEST"));
      Set<String> lost = new HashSet<>(concerned);
      lost.addAll(keysOf(report.dropped()));
      try (KvStore store = KvStore.open(target)) {
        assertThat(store.size()).isEqualTo(report.keys());
        for (String key : KEYS) {
          boolean right = answer(moment, store, key) == Answer.RIGHT;
          boolean mayComeBack = noManifest && moment.values().get(key) == null;
          assertThat(right || lost.contains(key) || mayComeBack).as(key).isTrue();
        }
      }
      assertThat(StoreInspector.verify(target, Progress.NONE).isIntact()).isTrue();
    } catch (StoreVersionException e) {
      assertThat(event).contains(" @ 1");
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
