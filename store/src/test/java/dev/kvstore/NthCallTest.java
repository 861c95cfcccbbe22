package dev.kvstore;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.kvstore.codec.Keys;
import dev.kvstore.codec.Values;
import dev.kvstore.engine.Environment;
import dev.kvstore.engine.Inspection;
import dev.kvstore.engine.Workers;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.testkit.Call;
import dev.kvstore.testkit.DiskImage;
import dev.kvstore.testkit.Fault;
import dev.kvstore.testkit.ModelledStore;
import dev.kvstore.testkit.PowerLoss;
import dev.kvstore.testkit.PublicCalls;
import dev.kvstore.testkit.Seed;
import dev.kvstore.testkit.SimulatedClock;
import dev.kvstore.testkit.SimulatedDirectory;
import dev.kvstore.testkit.Simulation;
import dev.kvstore.testkit.StoreModel;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every public operation, and every call to the disk that it makes: the first fails once, in each way
/// that it can, then the second, until the operation comes to its end without it. Each time the caller
/// gets an exception of the store or what he asked for; the store goes on to give right answers; and what
/// is left of it after death, power loss or closing is what was promised.
@Timeout(300)
class NthCallTest {
  private static final List<PowerLoss> MODES = List.of(PowerLoss.values());

  /// What was tried, for the output: operation, calls, runs.
  private static final Map<String, String> TRIED = Collections.synchronizedMap(new TreeMap<>());

  /// Failures that no caller was told, by what failed and what is done about it.
  private static final Map<String, Integer> UNTOLD = Collections.synchronizedMap(new TreeMap<>());

  @AfterAll
  static void tell() {
    TRIED.forEach(
        (operation, tried) -> System.out.println("NthCallTest: " + operation + ": " + tried));
    UNTOLD.forEach((call, runs) ->
        System.out.println("NthCallTest: not told, " + call + ": " + runs + " runs"));
  }

  // ---- What is done

  /// A store that is open, with what it holds.
  record Opened(KvStore store, ModelledStore modelled, StoreModel model) {
    byte[] expected(String key) {
      Value value = model.now().get(key);
      return value == null ? null : value.toBytes();
    }
  }

  /// An operation on an open store.
  ///
  /// @param callsLeast to the disk that it makes at least, or the test would prove little; 0: it must make
  ///     none at all, since memory is where the answer is
  record Operation(String name, int callsLeast, Consumer<Opened> run) {
    /// Whether there is room in the segment in use, which the first write has to make; else the operation
    /// has to.
    boolean hasRoom() {
      return callsLeast < 10;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static Operation read(String name, Consumer<Opened> run) {
    return new Operation(name, 0, run);
  }

  static Stream<Operation> readings() {
    return Stream.of(
        read("get", s -> assertThat(s.store.get(bytes("text"))).isEqualTo(s.expected("text"))),
        read("get of nothing", s -> assertThat(s.store.get(bytes("never"))).isNull()),
        read(
            "get through a function",
            s ->
                assertThat(s.store.get(bytes("text"), memory -> memory.byteSize()))
                    .contains((long) s.expected("text").length)),
        read(
            "getAll",
            s ->
                assertThat(s.store.getAll(List.of(bytes("text"), bytes("never"), bytes("number"))))
                    .containsExactly(s.expected("text"), null, s.expected("number"))),
        read("getValue", s -> assertThat(s.store.getValue("number")).contains(Value.of(41))),
        read("getString", s -> assertThat(s.store.getString("text")).contains("some other text")),
        read("getLong", s -> assertThat(s.store.getLong("number")).hasValue(41)),
        read("getDouble", s -> assertThat(s.store.getDouble("never")).isEmpty()),
        read("contains", s -> assertThat(s.store.contains("text")).isTrue()),
        read(
            "valueSize",
            s -> assertThat(s.store.valueSize(bytes("text"))).hasValue(s.expected("text").length)),
        read("size", s -> assertThat(s.store.size()).isEqualTo(s.model.now().size())),
        read("keys", s -> assertThat(s.store.keys()).hasSize(s.model.now().size())),
        read("entries", s -> s.model.checkLive(s.store)),
        read("stats", s -> assertThat(s.store.stats().keys()).isEqualTo(s.model.now().size())),
        read("recovery", s -> assertThat(s.store.recovery().keys()).isEqualTo(s.store.size())),
        read("async get", s -> assertThat(await(s.store.async().get(bytes("text")))).isNotNull()),
        read("map get", s -> assertThat(map(s).get("number")).contains(41L)),
        read(
            "map getAll",
            s ->
                assertThat(map(s).getAll(List.of("number", "-")))
                    .containsExactly(Optional.of(41L), Optional.empty())),
        read("map contains", s -> assertThat(map(s).contains("number")).isTrue()),
        read("map size", s -> assertThat(map(s).size()).isEqualTo(s.model.now().size())),
        read("map keys", s -> assertThat(map(s).keys()).contains("number", "text")),
        read(
            "map entries",
            s ->
                assertThat(s.store.map(Keys.text(), PublicCalls.ANY_VALUE).entries())
                    .hasSize(s.model.now().size())),
        read(
            "awaitDurable of what is durable",
            s -> s.store.awaitDurable(s.store.durableSequence())),
        read("sync of nothing", s -> s.store.sync()));
  }

  private static KvMap<String, Long> map(Opened opened) {
    return opened.store.map(Keys.text(), Values.int64());
  }

  private static Operation write(String name, int callsLeast, Consumer<Opened> run) {
    return new Operation(name, callsLeast, run);
  }

  static Stream<Operation> writings() {
    Value text = Value.of("something new");
    byte[] plain = bytes("plain");
    return Stream.of(
        write("put, the first", 10, s -> s.modelled.put("text", text)),
        write("put of a new key", 1, s -> s.modelled.put("new", text)),
        write("put into a new segment", 20, s -> s.modelled.put("new", large())),
        write(
            "putAll",
            20,
            s -> {
              Map<String, Value> entries = new LinkedHashMap<>();
              for (int i = 0; i < 4; i++) {
                entries.put("all-" + i, i == 2 ? large() : Value.of(i));
              }
              s.modelled.putAll(entries);
            }),
        write("delete", 1, s -> s.modelled.delete("text")),
        write("delete of nothing", 0, s -> s.modelled.delete("never")),
        write("write of a batch", 1, s -> batch(s, text)),
        write("write of a batch into a new segment", 20, s -> batch(s, large())),
        write(
            "putIfAbsent",
            1,
            s ->
                s.modelled.change(
                    "putIfAbsent",
                    only("new", Value.of(plain)),
                    () -> s.store.putIfAbsent(bytes("new"), plain))),
        write(
            "compareAndSet",
            1,
            s ->
                s.modelled.change(
                    "compareAndSet",
                    only("text", Value.of(plain)),
                    () -> s.store.compareAndSet(bytes("text"), s.expected("text"), plain))),
        write(
            "compareAndSet to nothing",
            1,
            s ->
                s.modelled.change(
                    "compareAndSet",
                    only("text", null),
                    () -> s.store.compareAndSet(bytes("text"), s.expected("text"), null))),
        write(
            "compareAndSet in vain",
            0,
            s -> assertThat(s.store.compareAndSet(bytes("text"), bytes("else"), plain)).isFalse()),
        write(
            "increment",
            1,
            s ->
                s.modelled.change(
                    "increment",
                    only("number", Value.of(42)),
                    () -> s.store.increment("number", 1) == 42)),
        write(
            "put that waits, in a store that does not",
            1,
            s ->
                s.modelled.change(
                    "put ALWAYS",
                    only("new", text),
                    () -> {
                      KvStore waiting = s.store.withDurability(Durability.ALWAYS);
                      return waiting.put("new", text) == waiting.durableSequence();
                    })),
        write(
            "put and awaitDurable",
            1,
            s -> {
              s.modelled.put("new", text);
              s.store.awaitDurable(s.store.lastSequence());
              s.model.allDurable();
            }),
        write(
            "put and sync",
            1,
            s -> {
              s.modelled.put("new", text);
              s.modelled.sync();
            }),
        write(
            "async put",
            1,
            s ->
                s.modelled.change(
                    "async put",
                    only("new", text),
                    () -> await(s.store.async().put(bytes("new"), text)) > 0)),
        write(
            "async write of a batch, and sync",
            1,
            s -> {
              WriteBatch batch = new WriteBatch().put("new", "value").delete("text");
              Map<String, Value> changes = only("new", Value.of("value"));
              changes.put("text", null);
              s.modelled.change(
                  "async batch", changes, () -> await(s.store.async().write(batch)) > 0);
              await(s.store.async().sync());
            }),
        write(
            "async delete",
            1,
            s ->
                s.modelled.change(
                    "async delete",
                    only("text", null),
                    () -> await(s.store.async().delete(bytes("text"))))),
        write(
            "async putIfAbsent",
            1,
            s ->
                s.modelled.change(
                    "async putIfAbsent",
                    only("new", Value.of(plain)),
                    () -> await(s.store.async().putIfAbsent(bytes("new"), plain)))),
        write(
            "async compareAndSet",
            1,
            s ->
                s.modelled.change(
                    "async compareAndSet",
                    only("text", Value.of(plain)),
                    () ->
                        await(
                            s.store
                                .async()
                                .compareAndSet(bytes("text"), s.expected("text"), plain)))),
        write(
            "async increment",
            1,
            s ->
                s.modelled.change(
                    "async increment",
                    only("number", Value.of(40)),
                    () -> await(s.store.async().increment(bytes("number"), -1)) == 40)),
        write(
            "map put",
            1,
            s ->
                s.modelled.change(
                    "map put",
                    only("new", Value.of(7)),
                    () -> s.store.map(Keys.text(), Values.int64()).put("new", 7L) > 0)),
        write(
            "map putAll",
            20,
            s -> {
              Map<String, String> texts = new LinkedHashMap<>();
              Map<String, Value> entries = new LinkedHashMap<>();
              for (int i = 0; i < 4; i++) {
                texts.put("all-" + i, "text ".repeat(i == 2 ? 1200 : 1));
                entries.put("all-" + i, Value.of(texts.get("all-" + i)));
              }
              s.modelled.putAll(
                  entries, list -> s.store.map(Keys.text(), Values.text()).putAll(texts));
            }),
        write(
            "map delete",
            1,
            s ->
                s.modelled.change(
                    "map delete",
                    only("text", null),
                    () -> s.store.map(Keys.text(), Values.text()).delete("text"))));
  }

  static Stream<Operation> upkeep() {
    return Stream.of(
        write("compact", 30, s -> s.store.compact()),
        write("async compact", 30, s -> await(s.store.async().compact())),
        write("startCompaction", 30, s -> s.store.startCompaction().join()),
        write(
            "writes and compact",
            40,
            s -> {
              s.modelled.put("new", large());
              s.modelled.delete("text");
              s.modelled.compact();
            }),
        write("close of what is unchanged", 0, s -> s.store.close()),
        write(
            "close after a write",
            10,
            s -> {
              s.modelled.put("new", Value.of(1));
              s.store.close();
              s.model.allDurable();
            }),
        write(
            "close after a large write",
            20,
            s -> {
              s.modelled.put("new", large());
              s.store.close();
              s.model.allDurable();
            }));
  }

  private static Value large() {
    return Value.of("large".repeat(1200)); // more than a segment
  }

  private static Map<String, Value> only(String key, Value value) {
    Map<String, Value> changes = new LinkedHashMap<>();
    changes.put(key, value);
    return changes;
  }

  private static void batch(Opened opened, Value value) {
    WriteBatch batch = new WriteBatch().put(bytes("new"), value).delete("text").put("last", "one");
    Map<String, Value> changes = only("new", value);
    changes.put("text", null);
    changes.put("last", Value.of("one"));
    opened.modelled.change("batch", changes, () -> opened.store.write(batch) > 0);
  }

  private static <T> T await(CompletableFuture<T> future) {
    try {
      return future.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof StoreException ours) {
        throw ours;
      }
      throw e;
    }
  }

  // ---- What is tried

  /// What cannot touch a disk: fields and views.
  private static final Set<String> WITHOUT_DISK =
      Set.of(
          "async",
          "map",
          "withDurability",
          "options",
          "directory",
          "lastSequence",
          "durableSequence",
          "map store");

  /// What has tests of its own below.
  private static final Set<String> TRIED_BELOW = Set.of("open", "look salvage");

  @Test
  void noPublicOperationIsMissing() {
    List<String> names =
        Stream.of(
                Stream.of(readings(), writings(), upkeep()).flatMap(all -> all).map(o -> o.name),
                Arrays.stream(Look.values()).map(look -> "look " + look.method()),
                Stream.of(WITHOUT_DISK, TRIED_BELOW).flatMap(Set::stream))
            .flatMap(all -> all)
            .toList();
    assertThat(
            Stream.of(
                    publicMethods(KvStore.class, ""),
                    publicMethods(AsyncKvStore.class, "async "),
                    publicMethods(KvMap.class, "map "),
                    publicMethods(StoreInspector.class, "look "))
                .flatMap(all -> all)
                .filter(method -> names.stream().noneMatch(name -> isOf(name, method))))
        .as("operations that are not tried")
        .isEmpty();
  }

  private static Stream<String> publicMethods(Class<?> type, String prefix) {
    return Arrays.stream(type.getDeclaredMethods())
        .filter(method -> Modifier.isPublic(method.getModifiers()) && !method.isSynthetic())
        .map(method -> prefix + method.getName())
        .distinct();
  }

  /// Whether a name begins with the method, or with its prefix and has the method as a word.
  private static boolean isOf(String name, String method) {
    String prefix = method.substring(0, method.indexOf(' ') + 1);
    List<String> words = List.of(name.split("[^A-Za-z]+"));
    boolean sameKind =
        prefix.isEmpty() ? !name.matches("(async|map|look) .*") : name.startsWith(prefix);
    return sameKind && words.contains(method.substring(prefix.length()));
  }

  // ---- On a store that is open

  @ParameterizedTest
  @MethodSource("readings")
  void anOperationThatOnlyReadsHasNoCallThatCouldFail(Operation operation) {
    Seed.fixed(1, random -> tryEachCall(operation, Durability.ALWAYS, random));
  }

  @ParameterizedTest
  @MethodSource("writings")
  void aWriteWhoseNthCallFailsIsToldAndNothingIsWrong(Operation operation) {
    Seed.fixed(
        2,
        random -> {
          tryEachCall(operation, Durability.ALWAYS, random);
          if (!operation.hasRoom() || operation.name.matches("put (and|that waits).*")) {
            tryEachCall(operation, Durability.OS, random);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("upkeep")
  void upkeepWhoseNthCallFailsIsToldAndNothingIsWrong(Operation operation) {
    Seed.fixed(3, random -> tryEachCall(operation, Durability.OS, random));
  }

  private static void tryEachCall(
      Operation operation, Durability durability, SplittableRandom random) {
    Options options = Simulation.tiny(durability);
    StoreModel model = new StoreModel();
    DiskImage start = closedStore(options, model);
    Try unharmed = new Try(start, options, model.copy(), operation, List.of());
    List<Call> calls = unharmed.run(Integer.MAX_VALUE, Fault.IO_ERROR, random);
    int runs = 0;
    int told = 0;
    for (Fault fault : Fault.values()) {
      for (int n = 1; ; n++) {
        if (n <= calls.size() && !fault.hits(calls.get(n - 1))) {
          continue;
        }
        Try harmed = new Try(start, options, model.copy(), operation, calls);
        int made = harmed.run(n, fault, random).size();
        runs++;
        told += harmed.told ? 1 : 0;
        if (made < n) {
          break;
        }
      }
    }
    TRIED.put(
        operation + ", " + durability,
        calls.size() + " calls, " + runs + " runs, " + told + " with an exception");
    if (operation.callsLeast == 0) {
      assertThat(calls).as("an answer that is in memory").isEmpty();
    } else {
      assertThat(calls)
          .as("calls of " + operation)
          .hasSizeGreaterThanOrEqualTo(operation.callsLeast);
      assertThat(told).as("failures that the caller was told").isPositive();
    }
  }

  /// A store that has been closed: several segments with hints, an image, garbage, and some keys to
  /// work with.
  private static DiskImage closedStore(Options options, StoreModel model) {
    SimulatedDirectory disk = SimulatedDirectory.empty();
    KvStore store = Simulation.open(disk, options.toBuilder().durability(Durability.OS).build());
    ModelledStore modelled = new ModelledStore(store, model);
    SplittableRandom random = new SplittableRandom(11);
    for (int step = 0; step < 40; step++) {
      modelled.step(random);
    }
    modelled.put("text", Value.of("some text"));
    modelled.put("number", Value.of(41));
    modelled.put("text", Value.of("some other text"));
    store.close();
    model.allDurable();
    DiskImage image = disk.image();
    disk.discard();
    return image;
  }

  /// One run of one operation, with one call that fails.
  private static final class Try {
    private final DiskImage start;
    private final Options options;
    private final StoreModel model;
    private final Operation operation;
    private final List<Call> plan;
    private boolean told;

    /// @param plan the calls that the operation makes if all goes well; empty if that is to be found out
    Try(DiskImage start, Options options, StoreModel model, Operation operation, List<Call> plan) {
      this.start = start;
      this.options = options;
      this.model = model;
      this.operation = operation;
      this.plan = plan;
    }

    /// @return the calls that the operation has made
    List<Call> run(int n, Fault fault, SplittableRandom random) {
      SimulatedDirectory disk = start.mount();
      List<Call> calls = List.of();
      try {
        KvStore store = Simulation.open(disk, options);
        model.checkAfterKill(store);
        ModelledStore modelled = new ModelledStore(store, model);
        if (operation.hasRoom() && operation.callsLeast > 0) {
          modelled.put("before", Value.of("makes room"));
        }
        int before = disk.calls();
        if (n < Integer.MAX_VALUE) {
          disk.failAt(before + n, fault);
        }
        String refusals = model.toString();
        try {
          operation.run.accept(new Opened(store, modelled, model));
        } catch (StoreException e) {
          model.note("told: " + e);
          told = true;
        }
        told |= !refusals.equals(model.toString()) && model.toString().contains("  refused");
        told |= modelled.hasFailed();
        calls = disk.log().subList(before, disk.calls());
        boolean endedWriting = isOpen(store) && !store.stats().failure().isEmpty();
        if (disk.failures() > 0 && !told && !endedWriting) {
          Untold.require(operation.name, plan, n, fault);
        }
        disk.heal();
        afterwards(store, modelled, disk, random);
        return calls;
      } catch (RuntimeException | AssertionError e) {
        String where = n <= calls.size() ? calls.get(n - 1).toString() : "call " + n + " of it";
        throw new AssertionError(
            operation + ": " + fault + " at " + where + ": " + e + "\n" + model, e);
      } finally {
        disk.discard();
      }
    }

    private void afterwards(
        KvStore store, ModelledStore modelled, SimulatedDirectory disk, SplittableRandom random) {
      PowerLoss mode = MODES.get(random.nextInt(MODES.size()));
      DiskImage left = disk.image();
      reopen(left, false, "killed");
      reopen(left.afterPowerLoss(mode, random), true, "power loss " + mode);
      if (isOpen(store)) {
        model.checkLive(store);
        if (store.stats().failure().isEmpty()) {
          assertThat(modelled.hasFailed()).isFalse();
          modelled.put("afterwards", Value.of("works"));
          assertThat(store.getString("afterwards")).contains("works");
          store.close();
          model.allDurable();
        } else {
          assertThatExceptionOfType(StoreFailedException.class)
              .isThrownBy(() -> store.put("afterwards", "refused"));
          Simulation.abandon(store);
        }
      }
      assertThat(disk.open()).as("left open").isEmpty();
      reopen(disk.image(), false, "closed");
    }

    private static boolean isOpen(KvStore store) {
      try {
        store.size();
        return true;
      } catch (StoreClosedException e) {
        return false;
      }
    }

    private void reopen(DiskImage image, boolean powerLoss, String event) {
      StoreModel expected = model.copy();
      SimulatedDirectory disk = image.mount();
      KvStore store = null;
      try {
        store = Simulation.open(disk, options);
        if (powerLoss) {
          expected.checkAfterPowerLoss(store);
        } else {
          expected.checkAfterKill(store);
        }
        assertThat(store.recovery().damages()).isEmpty();
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(event + ": " + e + "\nfrom\n" + image, e);
      } finally {
        Simulation.kill(store, disk);
      }
    }
  }

  // ---- What nobody is told

  /// A failure that no caller is told, because what he asked for has been done all the same. Of all
  /// others somebody is told: by an exception, or by a store that takes no more writes.
  ///
  /// @param operations in whose course it may be, a pattern
  /// @param call operation and file, a pattern
  /// @param faults the ways to fail
  /// @param why what is done without, or when it is done instead
  private record Untold(String operations, String call, Set<Fault> faults, String why) {
    private static final Set<Fault> ANY = EnumSet.allOf(Fault.class);
    private static final Set<Fault> FULL = EnumSet.of(Fault.NO_SPACE, Fault.NO_SPACE_HALF_WAY);
    private static final String COMPACTIONS = ".*compact|startCompaction";

    private static final List<Untold> ALL =
        List.of(
            new Untold(
                ".*",
                "(list . for|create|write|rename) N.hint.tmp.*",
                ANY,
                "the next open scans it"),
            new Untold(
                "(close|open of).*",
                "(list . for|create|write|rename) INDEX.tmp.*",
                ANY,
                "the next open reads the log"),
            new Untold(".*", "(open|size|fillZero|cut|create) RESERVE", ANY, "kept when it can be"),
            new Untold(".*", "list . for RESERVE", ANY, "kept when it can be"),
            new Untold(
                "open of .*",
                "list . for [.]|(list . for|[a-zA-Z]+) RECOVERY.json.*",
                ANY,
                "a receipt for people, done without"),
            new Untold(
                ".*", "(create|write) MANIFEST.tmp", FULL, "once more with blocks of the reserve"),
            new Untold(".*", "cut N.seg", FULL, "it is sealed later, at the latest by close"),
            new Untold(
                "open of .*",
                "fillZero N.seg|rename MANIFEST.tmp to MANIFEST",
                FULL,
                "once more with blocks of the reserve"),
            new Untold(
                COMPACTIONS, "(create|write) N.seg", FULL, "once more with blocks of the reserve"),
            new Untold(
                COMPACTIONS,
                "(list . for|remove) (N.seg|N.hint|INDEX)",
                ANY,
                "a leftover, which the next open removes"),
            new Untold(COMPACTIONS, "(open|size|map) N.hint", ANY, "the segment is read instead"),
            new Untold(
                "compact|async compact|startCompaction",
                "(open|fillZero|map) N.seg",
                ANY,
                "the tail is not made ready for writes, and so left out"));

    /// What was the `n`-th call of an operation must be one of these if it failed so.
    static void require(String operation, List<Call> calls, int n, Fault fault) {
      String kind = kind(calls, n);
      Untold untold =
          ALL.stream()
              .filter(one ->
                  operation.matches(one.operations)
                      && kind.matches(one.call)
                      && one.faults.contains(fault))
              .findFirst()
              .orElseThrow(() -> new AssertionError("a failure that nobody was told: " + kind));
      UNTOLD.merge(kind + ": " + untold.why, 1, Integer::sum);
    }

    /// A look into the directory is told apart by the call that it is made for.
    private static String kind(List<Call> calls, int n) {
      Call call = calls.get(n - 1);
      String file =
          call.operation().equals("list") && n < calls.size()
              ? ". for " + calls.get(n).file()
              : call.file();
      return call.operation() + " " + file.replaceAll("[0-9]+(?=\\.)", "N");
    }
  }

  /// One run of something, with one call that fails.
  ///
  /// @param calls that it has made
  /// @param told whether it said that something failed
  private record Outcome(int calls, boolean told) {}

  /// All runs of something.
  ///
  /// @param calls that it makes if nothing fails
  private record Tally(int calls, int runs, int told) {
    @Override
    public String toString() {
      return calls + " calls, " + runs + " runs, " + told + " with an exception or damage";
    }
  }

  /// Has the first call fail, then the second, in each way, until a run comes to its end without.
  private static Tally failEachCall(BiFunction<Integer, Fault, Outcome> run) {
    int calls = 0;
    int runs = 0;
    int told = 0;
    for (Fault fault : Fault.values()) {
      Outcome outcome;
      int n = 0;
      do {
        outcome = run.apply(++n, fault);
        runs++;
        told += outcome.told ? 1 : 0;
      } while (outcome.calls >= n);
      calls = Math.max(calls, n - 1);
    }
    return new Tally(calls, runs, told);
  }

  // ---- Opening

  /// What is opened.
  private enum Start {
    NEW,
    CLOSED,
    KILLED,
    KILLED_WITHOUT_HINTS,
    CLOSED_WITHOUT_HINTS_AND_IMAGE;

    DiskImage make(Options options, StoreModel model) {
      if (this == NEW) {
        return DiskImage.of(Map.of());
      }
      DiskImage closed = closedStore(options, model);
      if (this == CLOSED) {
        return closed;
      }
      if (this == CLOSED_WITHOUT_HINTS_AND_IMAGE) {
        return withoutDerived(closed);
      }
      SimulatedDirectory disk = closed.mount();
      KvStore store = Simulation.open(disk, options);
      model.checkAfterKill(store);
      ModelledStore modelled = new ModelledStore(store, model);
      SplittableRandom random = new SplittableRandom(12);
      for (int step = 0; step < 12; step++) {
        modelled.step(random);
      }
      DiskImage killed = disk.image();
      Simulation.kill(store, disk);
      return this == KILLED ? killed : withoutDerived(killed);
    }

    private static DiskImage withoutDerived(DiskImage image) {
      DiskImage without = image;
      for (String name : image.files().keySet()) {
        if (name.endsWith(".hint") || name.equals("INDEX")) {
          without = without.without(name);
        }
      }
      return without;
    }
  }

  static Stream<List<Object>> openings() {
    List<List<Object>> openings = new ArrayList<>();
    for (Start start : Start.values()) {
      openings.add(List.of(start, false));
      if (start != Start.NEW) {
        openings.add(List.of(start, true));
      }
    }
    return openings.stream();
  }

  @ParameterizedTest
  @MethodSource("openings")
  void anOpenWhoseNthCallFailsIsToldAndTheNextHasEverything(List<Object> opening) {
    Start start = (Start) opening.get(0);
    Options options =
        Simulation.tiny(Durability.ALWAYS).toBuilder().readOnly((boolean) opening.get(1)).build();
    StoreModel model = new StoreModel();
    DiskImage image = start.make(Simulation.tiny(Durability.ALWAYS), model);
    String what = "open of " + start + (options.readOnly() ? ", for reading" : "");
    SimulatedDirectory unharmed = image.mount();
    openTwice(unharmed, options, model.copy());
    List<Call> plan = unharmed.log();
    unharmed.discard();
    Tally tally =
        failEachCall((n, fault) -> {
          SimulatedDirectory disk = image.mount().failAt(n, fault);
          try {
            boolean told = openTwice(disk, options, model.copy());
            if (disk.failures() > 0 && !told) {
              Untold.require(what, plan, n, fault);
            }
            return new Outcome(disk.calls(), told);
          } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(
                fault + " at " + disk.log().get(n - 1) + ": " + e + "\nfrom\n" + image, e);
          } finally {
            disk.discard();
          }
        });
    TRIED.put(what, tally.toString());
    assertThat(tally.calls).isGreaterThanOrEqualTo(options.readOnly() ? 8 : 15);
    assertThat(tally.told).isGreaterThan(tally.calls);
  }

  /// What an open has left bears every power loss: also if a force failed on the way that nobody was told.
  ///
  /// @return whether the first open failed
  private static boolean openTwice(SimulatedDirectory disk, Options options, StoreModel model) {
    boolean failed = false;
    KvStore store;
    try {
      store = Simulation.open(disk, options);
    } catch (StoreIoException e) {
      failed = true;
      assertThat(disk.open()).as("left open").isEmpty();
      disk.heal();
      store = Simulation.open(disk, options);
    }
    model.checkAfterKill(store);
    assertThat(store.recovery().damages()).isEmpty();
    DiskImage opened = disk.image();
    store.close();
    assertThat(disk.open()).as("left open").isEmpty();
    SplittableRandom random = new SplittableRandom(disk.calls());
    boolean untold = disk.failures() > 0 && !failed;
    for (PowerLoss mode : untold ? MODES : List.of(MODES.get(random.nextInt(MODES.size())))) {
      requireAllAfterPowerLoss(opened.afterPowerLoss(mode, random), model, mode);
    }
    return failed;
  }

  private static void requireAllAfterPowerLoss(DiskImage image, StoreModel model, PowerLoss mode) {
    SimulatedDirectory disk = image.mount();
    KvStore store = null;
    try {
      store = Simulation.open(disk, Simulation.tiny(Durability.ALWAYS));
      model.copy().checkAfterPowerLoss(store);
      assertThat(store.recovery().damages()).isEmpty();
    } catch (RuntimeException | AssertionError e) {
      throw new AssertionError("power loss " + mode + ": " + e + "\nfrom\n" + image, e);
    } finally {
      Simulation.kill(store, disk);
    }
  }

  // ---- Looking into files

  /// What looks into a store that nobody has open.
  private enum Look {
    RECOVERY_HISTORY {
      @Override
      DiskImage image() {
        SimulatedDirectory disk = super.image().mount();
        Simulation.open(disk, Simulation.tiny(Durability.ALWAYS)).close();
        DiskImage recovered = disk.image();
        disk.discard();
        return recovered;
      }

      @Override
      boolean into(Directory directory) {
        assertThat(Inspection.recoveryHistory(directory)).isNotEmpty();
        return false;
      }
    },
    VERIFY {
      @Override
      boolean into(Directory directory) {
        return !Inspection.verify(directory, Progress.NONE).damages().isEmpty();
      }
    },
    RECORDS {
      @Override
      boolean into(Directory directory) {
        try (Stream<RecordInfo> records = Inspection.records(directory)) {
          assertThat(records.filter(record -> record.kind() == RecordInfo.Kind.PUT)).isNotEmpty();
        }
        return false;
      }
    },
    RECORD_BYTES {
      @Override
      boolean into(Directory directory) {
        String segment =
            directory.list().stream()
                .filter(name -> name.endsWith(".seg"))
                .findFirst()
                .orElseThrow();
        assertThat(Inspection.recordBytes(directory, segment, SegmentFormat.HEADER_BYTES))
            .isNotEmpty();
        return false;
      }
    };

    /// Whether it tells of damage.
    abstract boolean into(Directory directory);

    DiskImage image() {
      return Start.KILLED.make(Simulation.tiny(Durability.ALWAYS), new StoreModel());
    }

    /// The method of [StoreInspector] that it stands for.
    String method() {
      String words = name().toLowerCase(Locale.ROOT);
      int gap = words.indexOf('_');
      return gap < 0
          ? words
          : words.substring(0, gap) + name().charAt(gap + 1) + words.substring(gap + 2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLookIntoFilesWhoseNthCallFailsIsToldAndChangesNothing(Look look) {
    DiskImage image = look.image();
    Tally tally =
        failEachCall((n, fault) -> {
          SimulatedDirectory disk = image.mount().failAt(n, fault);
          boolean told;
          try {
            told = look.into(disk);
          } catch (StoreIoException e) {
            told = true;
          }
          assertThat(told).as("a failure is told").isEqualTo(disk.failures() > 0);
          assertThat(disk.open()).as("left open").isEmpty();
          assertThat(disk.image().fingerprint()).isEqualTo(image.fingerprint());
          disk.discard();
          return new Outcome(disk.calls(), told);
        });
    TRIED.put("look, " + look, tally.toString());
    assertThat(tally.calls).isGreaterThan(look == Look.RECOVERY_HISTORY ? 3 : 10);
  }

  // ---- Salvaging

  /// Which of the two directories has the call that fails.
  private enum Side {
    SOURCE,
    TARGET
  }

  @ParameterizedTest
  @EnumSource
  void aSalvageWhoseNthCallFailsIsToldAndTheNextHasEverything(Side side) {
    StoreModel model = new StoreModel();
    DiskImage image = Start.KILLED.make(Simulation.tiny(Durability.ALWAYS), model);
    Tally tally =
        failEachCall((n, fault) -> {
          SimulatedDirectory source = image.mount();
          SimulatedDirectory target = SimulatedDirectory.empty();
          SimulatedDirectory harmed = side == Side.SOURCE ? source : target;
          harmed.failAt(n, fault);
          try {
            boolean told = !salvages(source, target, model);
            assertThat(source.image().fingerprint()).isEqualTo(image.fingerprint());
            return new Outcome(harmed.calls(), told);
          } catch (RuntimeException | AssertionError e) {
            throw new AssertionError(side + ", " + fault + " at " + harmed.log().get(n - 1), e);
          } finally {
            source.discard();
            target.discard();
          }
        });
    TRIED.put("salvage, calls to the " + side, tally.toString());
    assertThat(tally.calls).isGreaterThan(10);
    assertThat(tally.told).isPositive();
  }

  /// @return whether it went well, in which case all is there; else it told, and the next one goes well
  private static boolean salvages(
      SimulatedDirectory source, SimulatedDirectory target, StoreModel model) {
    boolean done;
    try {
      done = salvage(source, target).isEmpty();
      assertThat(!done).as("a failure is told").isEqualTo(source.failures() > 0);
    } catch (StoreIoException e) {
      done = false;
    }
    if (done) {
      assertHolds(target, model);
    } else {
      source.heal();
      SimulatedDirectory next = SimulatedDirectory.empty();
      assertThat(salvage(source, next)).isEmpty();
      assertHolds(next, model);
      next.discard();
    }
    assertThat(source.open()).as("left open").isEmpty();
    assertThat(target.open()).as("left open").isEmpty();
    return done;
  }

  private static List<Damage> salvage(SimulatedDirectory source, SimulatedDirectory target) {
    Environment environment =
        new Environment(new SimulatedClock(), new SplittableRandom(4), Workers.inline());
    return Inspection.salvage(source, target.requireLock(), environment, true, Progress.NONE)
        .damages();
  }

  private static void assertHolds(SimulatedDirectory target, StoreModel model) {
    target.heal();
    try (KvStore copy = Simulation.open(target, Simulation.tiny(Durability.ALWAYS))) {
      assertThat(model.contents(copy)).isEqualTo(model.now());
      assertThat(copy.recovery().damages()).isEmpty();
    }
    assertThat(new String(target.image().files().get("SALVAGE.jsonl"), StandardCharsets.UTF_8))
        .contains("\"type\": \"end\"");
  }
}
