package dev.kvstore.index;

import dev.kvstore.lincheck.Effort;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/// The index as the store uses it, with all keys in one bucket and more than it has room for: one writer
/// that puts and deletes, as the append lock has it; compaction, which redirects entries that still are
/// what it copied; readers; and a table that is enlarged at any time and shrinks when something goes.
///
/// A record is a key and a version and never changes, so its address tells both.
@Param(name = "key", gen = IntGen.class, conf = "0:3")
@Param(name = "version", gen = IntGen.class, conf = "1:3")
public class HashIndexLinearizabilityTest {
  private static final int SHARD = 5;
  private static final long WINDOW = 9;

  /// Others in the bucket of the keys, which has eight slots: two of the four keys are sent on.
  private static final int STANDING = 6;

  // Lincheck makes an object for each history, one after the other, and never says that it is done.
  private static HashIndex before = new HashIndex();

  private final HashIndex index = new HashIndex();

  @SuppressWarnings("StaticAssignmentInConstructor")
  public HashIndexLinearizabilityTest() {
    before.close();
    before = index;
    for (int other = 10; other < 10 + STANDING; other++) {
      index.insert(hash(other), address(other, 1));
    }
  }

  // Keys 0 and 1 share window and bucket, 2 and 3 the bucket alone.
  private static long hash(int key) {
    long window = key < 2 ? WINDOW : WINDOW + key;
    return (long) SHARD << 54 | window << 30;
  }

  private static long address(int key, int version) {
    return (long) key << 4 | version;
  }

  private long lookUp(int key) {
    return index.find(hash(key), address -> address >>> 4 == key);
  }

  // ---- The writer

  @Operation(nonParallelGroup = "writer")
  public void put(@Param(name = "key") int key, @Param(name = "version") int version) {
    while (true) {
      long old = lookUp(key);
      if (old == HashIndex.NONE) {
        index.insert(hash(key), address(key, version));
        return;
      }
      if (index.replace(hash(key), old, address(key, version))) {
        return;
      }
    }
  }

  @Operation(nonParallelGroup = "writer")
  public boolean delete(@Param(name = "key") int key) {
    while (true) {
      long old = lookUp(key);
      if (old == HashIndex.NONE) {
        return false;
      }
      if (index.remove(hash(key), old)) {
        return true;
      }
    }
  }

  @Operation(nonParallelGroup = "writer")
  public boolean putIfVacant(@Param(name = "key") int key, @Param(name = "version") int version) {
    // Keys 0 and 1 look the same; refused for either one's sake the caller must ask.
    if (index.insertIfVacant(hash(key), address(key, version))) {
      return true;
    }
    if (lookUp(key) != HashIndex.NONE) {
      return false;
    }
    index.insert(hash(key), address(key, version));
    return true;
  }

  // ---- Everybody

  @Operation
  public int find(@Param(name = "key") int key) {
    return (int) (lookUp(key) & 15);
  }

  @Operation
  public boolean contains(@Param(name = "key") int key, @Param(name = "version") int version) {
    return index.contains(hash(key), address(key, version));
  }

  @Operation
  public boolean redirect(
      @Param(name = "key") int key,
      @Param(name = "version") int from,
      @Param(name = "version") int to) {
    return index.replace(hash(key), address(key, from), address(key, to));
  }

  @Operation
  public boolean redirectMany(
      @Param(name = "key") int key,
      @Param(name = "version") int from,
      @Param(name = "version") int to) {
    boolean[] replaced = new boolean[2];
    long[] hashes = {hash(10), hash(key)};
    index.replaceAll(
        hashes,
        new long[] {address(10, 1), address(key, from)},
        new long[] {address(10, 1), address(key, to)},
        2,
        replaced);
    return replaced[0] && replaced[1];
  }

  /// The table becomes larger, and small again with the next key that is deleted.
  @Operation
  public void enlarge() {
    index.reserve(SHARD, 500);
  }

  /// A step of an iteration hands over a range of hashes at one moment; that of all keys here is one.
  @Operation
  public String collect() {
    List<Long> found = new ArrayList<>();
    index.collect((long) SHARD << 24, found::add);
    return found.stream()
        .filter(address -> address >>> 4 < 10)
        .sorted()
        .map(address -> (address >>> 4) + "." + (address & 15))
        .toList()
        .toString();
  }

  /// What must come out, in an order that Lincheck finds or does not.
  public static class Specification {
    private final Map<Integer, Integer> versions = new HashMap<>();

    public void put(int key, int version) {
      versions.put(key, version);
    }

    public boolean delete(int key) {
      return versions.remove(key) != null;
    }

    public boolean putIfVacant(int key, int version) {
      return versions.putIfAbsent(key, version) == null;
    }

    public int find(int key) {
      return versions.getOrDefault(key, 0);
    }

    public boolean contains(int key, int version) {
      return find(key) == version;
    }

    public boolean redirect(int key, int from, int to) {
      return versions.replace(key, from, to);
    }

    public boolean redirectMany(int key, int from, int to) {
      return redirect(key, from, to);
    }

    public void enlarge() {}

    public String collect() {
      return versions.entrySet().stream()
          .sorted(Map.Entry.comparingByKey())
          .map(entry -> entry.getKey() + "." + entry.getValue())
          .toList()
          .toString();
    }
  }

  // ---- The tests

  @Test
  void threadsAgainstEachOtherHaveAnOrder() {
    stress(new Effort(5, 300));
  }

  @Test
  @Tag("torture")
  void threadsAgainstEachOtherHaveAnOrderForLong() {
    stress(new Effort(60, 5000).times(Effort.minutes() / 4));
  }

  private static void stress(Effort effort) {
    effort
        .stress()
        .sequentialSpecification(Specification.class)
        .check(HashIndexLinearizabilityTest.class);
  }
}
