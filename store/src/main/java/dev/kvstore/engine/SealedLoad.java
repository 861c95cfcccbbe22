package dev.kvstore.engine;

import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.StoreId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/// Decides where the keys of each sealed segment are loaded from: its hint file if that is good, else its
/// records.
///
/// Lifecycle: hint files are open until [#close].
final class SealedLoad implements AutoCloseable {
  private final Directory directory;
  private final StoreId store;
  private final DirectoryNames names;
  private final Findings findings;

  private final List<HintFile> hints = new ArrayList<>();
  private final List<Segment> hinted = new ArrayList<>();
  private final Map<Segment, SealedScan> scanned = new LinkedHashMap<>();

  SealedLoad(Directory directory, StoreId store, DirectoryNames names, Findings findings) {
    this.directory = directory;
    this.store = store;
    this.names = names;
    this.findings = findings;
  }

  /// What became of a hint file.
  ///
  /// @param hint null if it is not to be used
  /// @param whyNot null if it is, or if nothing is wrong with it
  private record Attempt(@Nullable HintFile hint, @Nullable String whyNot) {}

  /// Opens the hint files of these segments and verifies them.
  ///
  /// @param doubtful those whose hint is not to be believed
  void open(
      List<Segment> sealed, Set<Segment> doubtful, KeyHasher hasher, Workers workers, int threads) {
    List<Segment> believed = new ArrayList<>();
    for (Segment segment : sealed) {
      if (doubtful.contains(segment)) {
        addScan(segment, SegmentFormat.HEADER_BYTES, hasher);
      } else {
        believed.add(segment);
      }
    }
    if (believed.isEmpty()) {
      return;
    }
    Attempt[] attempts = new Attempt[believed.size()];
    try {
      AtomicInteger next = new AtomicInteger();
      Runnable task =
          () -> {
            for (int i = next.getAndIncrement(); i < attempts.length; i = next.getAndIncrement()) {
              attempts[i] = openHint(believed.get(i));
            }
          };
      workers.all("store-load", Collections.nCopies(Math.clamp(attempts.length, 1, threads), task));
    } finally {
      for (Attempt attempt : attempts) {
        if (attempt != null && attempt.hint() != null) {
          hints.add(attempt.hint());
        }
      }
    }
    for (int i = 0; i < attempts.length; i++) {
      HintFile hint = attempts[i].hint();
      if (hint != null) {
        hinted.add(believed.get(i));
        findings.hintLoaded(
            SegmentFormat.hintName(believed.get(i).id()), hint.bytes(), hint.entries().count());
      } else {
        findings.ignored(
            SegmentFormat.hintName(believed.get(i).id()), String.valueOf(attempts[i].whyNot()));
        addScan(believed.get(i), SegmentFormat.HEADER_BYTES, hasher);
      }
    }
  }

  private Attempt openHint(Segment segment) {
    SealedSegment sealed = segment.sealed();
    if (sealed == null) {
      throw new IllegalStateException(segment.name() + " is not sealed");
    }
    if (!names.contains(SegmentFormat.hintName(segment.id()))) {
      return new Attempt(null, "missing");
    }
    try {
      return new Attempt(HintFile.open(directory, store, sealed), null);
    } catch (StoreCorruptionException | StoreVersionException e) {
      return new Attempt(null, e.getMessage());
    }
  }

  /// Has the records of a segment read from this one on.
  void addScan(Segment segment, long from, KeyHasher hasher) {
    scanned.put(segment, new SealedScan(segment, from, hasher, findings));
  }

  /// Whether there is nothing to load.
  boolean isEmpty() {
    return hints.isEmpty() && scanned.isEmpty();
  }

  /// Has everything loaded that these two will load.
  void addTo(OrderedScan scan, IndexLoad load) {
    for (Map.Entry<Segment, SealedScan> entry : scanned.entrySet()) {
      Segment segment = entry.getKey();
      scan.add(segment, entry.getValue().from(), segment.end(), false, entry.getValue());
    }
    for (int i = 0; i < hints.size(); i++) {
      load.addHint(hinted.get(i), hints.get(i));
    }
  }

  /// Segments that had no good hint file.
  List<Segment> withoutHint() {
    List<Segment> without = new ArrayList<>();
    for (Map.Entry<Segment, SealedScan> entry : scanned.entrySet()) {
      if (entry.getValue().from() == SegmentFormat.HEADER_BYTES) {
        without.add(entry.getKey());
      }
    }
    return without;
  }

  @Override
  public void close() {
    for (HintFile hint : hints) {
      hint.close();
    }
  }
}
