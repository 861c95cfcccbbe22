package dev.kvstore.testkit;

import dev.kvstore.index.HashIndex;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.StoreId;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/// Keys that look the same to the index, which knows 34 bits of their hashes.
public final class Twins {
  private static final int NAMES = 1_000_000;
  private static final int NUMBER_BITS = 20;
  private static final Map<StoreId, List<String>> FOUND = new ConcurrentHashMap<>();

  private Twins() {}

  /// Some thirty pairs for a store, the two of a pair behind each other.
  public static List<String> of(StoreId store) {
    return FOUND.computeIfAbsent(store, Twins::find);
  }

  private static List<String> find(StoreId store) {
    KeyHasher hasher = new KeyHasher(store);
    long[] positions = new long[NAMES];
    for (int i = 0; i < NAMES; i++) {
      long hash = hasher.hash(name(i).getBytes(StandardCharsets.UTF_8));
      positions[i] = (HashIndex.positionOf(hash) << NUMBER_BITS) | i;
    }
    Arrays.sort(positions);
    List<String> twins = new ArrayList<>();
    for (int i = 1; i < NAMES; i++) {
      if (positions[i] >>> NUMBER_BITS == positions[i - 1] >>> NUMBER_BITS) {
        twins.add(name(positions[i - 1] & ((1 << NUMBER_BITS) - 1)));
        twins.add(name(positions[i] & ((1 << NUMBER_BITS) - 1)));
      }
    }
    if (twins.size() < 20) {
      throw new IllegalStateException("only " + twins);
    }
    return List.copyOf(twins);
  }

  private static String name(long number) {
    return "twin" + number;
  }
}
