package dev.kvstore.engine;

import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;

/// Chooses which segments to compact together, from the counts of one moment.
///
/// One thread at a time; made anew for each choice.
final class CompactionChoice {
  private static final int VICTIMS_MAX = 32;
  private static final int SMALL_SEGMENTS_MAX = 8;

  /// A run reads at most so many times the largest segment: its memory is in proportion to that.
  private static final int INPUT_SEGMENTS_MAX = 4;

  /// A segment that could be compacted.
  ///
  /// @param bytes of its file
  /// @param freeable garbage that will go for sure
  private record Candidate(Segment segment, SealedSegment sealed, long bytes, long freeable) {
    long copies() {
      return bytes - freeable;
    }

    /// Bytes freed for each byte copied.
    double gain() {
      return (double) freeable / (copies() + 1);
    }
  }

  private final List<Candidate> candidates = new ArrayList<>();
  private final long segmentBytesMax;

  /// @param all segments of the store
  /// @param except ids of those that must stay as they are
  CompactionChoice(List<Segment> all, Set<Long> except, long segmentBytesMax) {
    this.segmentBytesMax = segmentBytesMax;
    long lowest = Long.MAX_VALUE; // first sequences of the two oldest segments
    long second = Long.MAX_VALUE;
    for (Segment segment : all) {
      SealedSegment sealed = segment.sealed();
      if (sealed != null) {
        second = Math.min(second, Math.max(lowest, sealed.minSequence()));
        lowest = Math.min(lowest, sealed.minSequence());
      }
    }
    for (Segment segment : all) {
      SealedSegment sealed = segment.sealed();
      if (sealed == null || except.contains(segment.id())) {
        continue;
      }
      // Tombstones may have to stay, unless nothing elsewhere is older than they.
      long lowestElsewhere = sealed.minSequence() == lowest ? second : lowest;
      boolean mayHide = lowestElsewhere < sealed.maxSequence();
      long freeable = segment.garbageBytes() - (mayHide ? sealed.tombstoneBytes() : 0);
      candidates.add(new Candidate(segment, sealed, segment.end(), Math.max(0, freeable)));
    }
  }

  /// The segments that free most for each byte copied (the cost-benefit idea of Rosenblum and
  /// Ousterhout, "The Design and Implementation of a Log-Structured File System", SOSP 1991, without its
  /// age term). As few as will do: the next best are better by the time they are needed.
  ///
  /// @param ratioLeast share of a segment that must be freed, to be worth copying the rest
  /// @param copiedMost about how much may be copied
  List<Segment> best(double ratioLeast, long copiedMost) {
    List<Candidate> worth = new ArrayList<>();
    for (Candidate candidate : candidates) {
      if (candidate.freeable > ratioLeast * candidate.bytes) {
        worth.add(candidate);
      }
    }
    worth.sort(Comparator.comparingDouble(candidate -> -candidate.gain()));
    Group group = new Group(Math.min(copiedMost, segmentBytesMax));
    for (Candidate candidate : worth) {
      if (!group.add(candidate)) {
        break;
      }
    }
    return group.segments;
  }

  /// Victims that fit one run.
  private final class Group {
    private final List<Segment> segments = new ArrayList<>();
    private final long copiedMost;
    private long copied;
    private long read;

    Group(long copiedMost) {
      this.copiedMost = copiedMost;
    }

    /// False if it does not fit any more. The first always does.
    boolean add(Candidate candidate) {
      if (!segments.isEmpty()
          && (copied + candidate.copies() > copiedMost
              || read + candidate.bytes > INPUT_SEGMENTS_MAX * segmentBytesMax
              || segments.size() == VICTIMS_MAX)) {
        return false;
      }
      segments.add(candidate.segment);
      copied += candidate.copies();
      read += candidate.bytes;
      return true;
    }
  }

  /// Everything that holds garbage. First what holds nothing else, which needs no new segment and so
  /// works on a full disk; then oldest first, so that what a tombstone hides is gone before the tombstone
  /// is looked at; in sets that fit one new segment each. Later passes are for what earlier ones could not
  /// free.
  List<List<Segment>> groups(int pass) {
    long small = Math.max(1, segmentBytesMax / 8);
    boolean merge =
        candidates.stream().filter(candidate -> candidate.bytes < small).count()
            > SMALL_SEGMENTS_MAX;
    List<List<Segment>> groups = new ArrayList<>();
    List<Candidate> rest = new ArrayList<>();
    for (Candidate candidate : candidates) {
      long garbage = candidate.segment.garbageBytes();
      if (candidate.segment.liveBytes() == 0 && candidate.sealed.tombstoneBytes() == 0) {
        groups.add(List.of(candidate.segment));
      } else if (garbage > (pass == 0 ? 0 : candidate.bytes / 16)
          || (pass == 0 && merge && candidate.bytes < small)) {
        rest.add(candidate);
      }
    }
    rest.sort(Comparator.comparingLong(candidate -> candidate.sealed.minSequence()));
    Group group = new Group(segmentBytesMax);
    for (Candidate candidate : rest) {
      if (!group.add(candidate)) {
        groups.add(group.segments);
        group = new Group(segmentBytesMax);
        group.add(candidate);
      }
    }
    if (!group.segments.isEmpty()) {
      groups.add(group.segments);
    }
    return groups;
  }

  /// The segment with the largest share of garbage; empty if none has any.
  OptionalLong next() {
    return candidates.stream()
        .filter(candidate -> candidate.freeable > 0)
        .max(Comparator.comparingDouble(Candidate::gain))
        .map(candidate -> OptionalLong.of(candidate.segment.id()))
        .orElse(OptionalLong.empty());
  }
}
