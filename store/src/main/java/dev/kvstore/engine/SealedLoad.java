package dev.kvstore.engine;

import dev.kvstore.Damage;
import dev.kvstore.StoreCorruptionException;
import dev.kvstore.StoreVersionException;
import dev.kvstore.index.HashIndex;
import dev.kvstore.io.Directory;
import dev.kvstore.segment.HintEntries;
import dev.kvstore.segment.HintFile;
import dev.kvstore.segment.KeyHasher;
import dev.kvstore.segment.RecordFormat;
import dev.kvstore.segment.SealedSegment;
import dev.kvstore.segment.Segment;
import dev.kvstore.segment.SegmentFormat;
import dev.kvstore.segment.SegmentScanner;
import dev.kvstore.segment.StoreId;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Loads the keys of sealed segments: from their hint files where these are good, else record by
/// record.
///
/// Hint files are sorted by hash. So each thread takes a range of hashes of all of them at once: no
/// two threads meet in the index, and each shard of it is filled in one go while it is in the cache.
final class SealedLoad {
  private final Directory directory;
  private final StoreId store;
  private final KeyHasher hasher;
  private final HashIndex index;
  private final SegmentTable segments;
  private final Findings findings;
  private final DirectoryNames names;

  private final List<IndexLoader> loaders = new ArrayList<>();
  private final List<Segment> withoutHint = new ArrayList<>();

  SealedLoad(
      Directory directory,
      StoreId store,
      KeyHasher hasher,
      HashIndex index,
      SegmentTable segments,
      Findings findings,
      DirectoryNames names) {
    this.directory = directory;
    this.store = store;
    this.hasher = hasher;
    this.index = index;
    this.segments = segments;
    this.findings = findings;
    this.names = names;
  }

  /// Loads these segments. Tombstones stay in the index until [#removeTombstones].
  void run(List<Segment> sealed, Set<Segment> doubtful, Workers workers, int threads) {
    List<HintFile> hints = new ArrayList<>();
    List<Segment> hinted = new ArrayList<>();
    List<Segment> scanned = new ArrayList<>();
    try {
      for (Segment segment : sealed) {
        HintFile hint = doubtful.contains(segment) ? null : openHint(segment);
        if (hint == null) {
          scanned.add(segment);
        } else {
          hints.add(hint);
          hinted.add(segment);
          findings.hintLoaded(hint.bytes());
        }
      }
      loadHints(hints, hinted, workers, threads);
    } finally {
      hints.forEach(HintFile::close);
    }
    IndexLoader loader = newLoader();
    for (Segment segment : scanned) {
      boolean intact = scan(segment, loader);
      if (intact && !doubtful.contains(segment)) {
        withoutHint.add(segment);
      }
    }
  }

  private @Nullable HintFile openHint(Segment segment) {
    SealedSegment sealed = sealedOf(segment);
    String name = SegmentFormat.hintName(segment.id());
    if (!names.contains(name)) {
      findings.ignored(name, "missing");
      return null;
    }
    try {
      return HintFile.open(directory, store, sealed);
    } catch (StoreCorruptionException | StoreVersionException e) {
      findings.ignored(name, e.getMessage());
      return null;
    }
  }

  private static SealedSegment sealedOf(Segment segment) {
    SealedSegment sealed = segment.sealed();
    if (sealed == null) {
      throw new IllegalStateException(segment.name() + " is not sealed");
    }
    return sealed;
  }

  private void loadHints(List<HintFile> hints, List<Segment> hinted, Workers workers, int threads) {
    long entries = hints.stream().mapToLong(hint -> hint.entries().count()).sum();
    int slices = entries < 100_000 ? 1 : Math.min(threads, HashIndex.SHARDS);
    List<Runnable> tasks = new ArrayList<>();
    for (int slice = 0; slice < slices; slice++) {
      int firstShard = slice * HashIndex.SHARDS / slices;
      int endShard = (slice + 1) * HashIndex.SHARDS / slices;
      IndexLoader loader = newLoader();
      tasks.add(() -> loadShards(hints, hinted, firstShard, endShard, loader));
    }
    workers.all("store-load", tasks);
  }

  private static void loadShards(
      List<HintFile> hints,
      List<Segment> hinted,
      int firstShard,
      int endShard,
      IndexLoader loader) {
    long[] next = new long[hints.size()];
    for (int i = 0; i < next.length; i++) {
      next[i] = hints.get(i).entries().lowerBound((long) firstShard << 54);
    }
    for (int shard = firstShard; shard < endShard; shard++) {
      for (int i = 0; i < next.length; i++) {
        HintEntries hint = hints.get(i).entries();
        Segment segment = hinted.get(i);
        long entry = next[i];
        for (; entry < hint.count(); entry++) {
          long hash = hint.hash(entry);
          if (HashIndex.shardOf(hash) != shard) {
            break;
          }
          loader.load(
              segment,
              hint.offset(entry),
              hash,
              hint.recordBytes(entry),
              hint.sequence(entry),
              hint.isDelete(entry));
        }
        next[i] = entry;
      }
    }
  }

  /// Reads a sealed segment record by record. False if it is damaged.
  private boolean scan(Segment segment, IndexLoader loader) {
    return scan(segment, SegmentFormat.HEADER_BYTES, loader);
  }

  /// As above, from some record on.
  boolean scan(Segment segment, long from, IndexLoader loader) {
    byte[] key = new byte[0xFFFF];
    SegmentScanner scanner = new SegmentScanner(segment, from, segment.end());
    long records = 0;
    boolean intact = true;
    while (true) {
      if (scanner.next()) {
        records++;
        if (scanner.kind() == RecordFormat.PUT || scanner.kind() == RecordFormat.DELETE) {
          int keySize = scanner.copyKey(key);
          loader.load(
              segment,
              scanner.offset(),
              hasher.hash(key, 0, keySize),
              scanner.recordBytes(),
              scanner.sequence(),
              scanner.kind() == RecordFormat.DELETE);
        }
        continue;
      }
      String problem = scanner.problem();
      if (problem == null) {
        break;
      }
      intact = false;
      long damagedFrom = scanner.position();
      List<byte[]> keys = scanner.likelyKeys();
      boolean more = scanner.resync();
      findings.damage(
          new Damage(segment.name(), damagedFrom, scanner.position() - damagedFrom, problem, keys));
      if (!more) {
        break;
      }
    }
    findings.scanned(records, segment.end() - from);
    return intact;
  }

  IndexLoader newLoader() {
    IndexLoader loader = new IndexLoader(index, segments, findings);
    loaders.add(loader);
    return loader;
  }

  /// After everything has been loaded, the open segments too.
  void removeTombstones() {
    loaders.forEach(IndexLoader::removeTombstones);
  }

  /// Segments that are whole and should be given a hint file.
  List<Segment> withoutHint() {
    return withoutHint;
  }
}
