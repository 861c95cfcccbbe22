package dev.kvstore.testkit;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;

/// Which states of a disk have been opened after a crash, and what had happened in the lives that they
/// were taken from: so that a test can say how much it has tried, and fail if that is little.
///
/// Safe for threads.
public final class CrashStates {
  private final Set<String> fingerprints = ConcurrentHashMap.newKeySet();
  private final Set<String> found = ConcurrentHashMap.newKeySet();
  private final AtomicLong opens = new AtomicLong();
  private final Map<Happening, AtomicLong> happenings = new ConcurrentHashMap<>();

  /// A state is about to be opened.
  public void add(DiskImage image) {
    opens.incrementAndGet();
    fingerprints.add(image.fingerprint());
    found.add(image.fingerprintOfFiles());
  }

  /// All of another count too.
  public void addAll(CrashStates others) {
    fingerprints.addAll(others.fingerprints);
    found.addAll(others.found);
    opens.addAndGet(others.opens.get());
    others.happenings.forEach((happening, count) -> happened(happening, count.get()));
  }

  /// Something has happened before a crash.
  public void happened(Happening happening) {
    happened(happening, 1);
  }

  private void happened(Happening happening, long count) {
    happenings.computeIfAbsent(happening, h -> new AtomicLong()).addAndGet(count);
  }

  /// States that an open can tell apart: they differ in the names or contents of files, receipts left out.
  public int distinct() {
    return found.size();
  }

  /// States that differ in that, or in how much of it is on the disk, which a second crash can tell.
  public int distinctOnDisk() {
    return fingerprints.size();
  }

  /// What has happened at all.
  public Set<Happening> happenings() {
    return Set.copyOf(happenings.keySet());
  }

  /// One line for whoever reads the output of the tests.
  @Override
  public String toString() {
    String counts =
        new TreeMap<>(happenings)
            .entrySet().stream()
                .map(entry -> entry.getKey().words() + " " + entry.getValue())
                .collect(Collectors.joining(", "));
    return distinct()
        + " distinct, "
        + distinctOnDisk()
        + " with what is on the disk, of "
        + opens
        + " opened"
        + (counts.isEmpty() ? "" : "; ")
        + counts;
  }
}
