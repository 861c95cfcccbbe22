package dev.kvstore.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HexFormat;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;

/// A directory at one moment: what is in it, and how much of that is on the disk. Immutable.
///
/// As it is, it is what the death of the process leaves, since the system goes on; see
/// [#afterPowerLoss] for the rest. [#mount] makes it a directory again, as often as wanted.
public final class DiskImage {
  private static final int SECTOR_BYTES = 512;
  private static final String RECEIPT = "RECOVERY.json";

  private final Map<String, byte[]> files;
  private final Map<String, Inode> inodes;
  private final Map<String, Inode> durableNames;
  private final List<NameChange> pendingNames;
  private final boolean locked;

  /// Takes everything as it is; nobody may change it any more.
  ///
  /// @param files live content by name
  /// @param inodes what the disk has of them
  /// @param durableNames the directory on the disk
  /// @param pendingNames how it got from there to the names of now
  /// @param locked whether there is a file LOCK
  DiskImage(
      Map<String, byte[]> files,
      Map<String, Inode> inodes,
      Map<String, Inode> durableNames,
      List<NameChange> pendingNames,
      boolean locked) {
    this.files = files;
    this.inodes = inodes;
    this.durableNames = durableNames;
    this.pendingNames = pendingNames;
    this.locked = locked;
  }

  /// An image in which everything is durable.
  public static DiskImage of(Map<String, byte[]> files) {
    return of(files, false);
  }

  private static DiskImage of(Map<String, byte[]> files, boolean locked) {
    Map<String, Inode> inodes = new TreeMap<>();
    files.forEach((name, content) -> inodes.put(name, new Inode(content)));
    return new DiskImage(new TreeMap<>(files), inodes, inodes, List.of(), locked);
  }

  /// The regular files of a real directory, all of them durable. Leaves LOCK alone: closing it here
  /// would drop a lock that this process may have on it.
  public static DiskImage read(Path directory) {
    Map<String, byte[]> files = new TreeMap<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        String name = entry.getFileName().toString();
        if (Files.isRegularFile(entry) && !name.equals(SimulatedDirectory.LOCK)) {
          files.put(name, Files.readAllBytes(entry));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return of(files);
  }

  /// Live content by name, without LOCK. The arrays are shared: change copies.
  public Map<String, byte[]> files() {
    return new TreeMap<>(files);
  }

  /// This image with one file replaced or added; everything is durable in it.
  public DiskImage with(String name, byte[] content) {
    Map<String, byte[]> changed = files();
    changed.put(name, content);
    return of(changed, locked);
  }

  /// This image with another live content of a file of the same size; the disk has of it what it had.
  public DiskImage withStored(String name, byte[] content) {
    Map<String, byte[]> changed = files();
    changed.put(name, content);
    return new DiskImage(changed, inodes, durableNames, pendingNames, locked);
  }

  /// This image without a file; everything is durable in it.
  public DiskImage without(String name) {
    Map<String, byte[]> changed = files();
    changed.remove(name);
    return of(changed, locked);
  }

  /// This image with some bits of one byte turned over; everything is durable in it.
  public DiskImage withFlipped(String name, int offset, int mask) {
    byte[] content = files.get(name).clone();
    content[offset] ^= (byte) mask;
    return with(name, content);
  }

  /// A directory with these contents.
  public SimulatedDirectory mount() {
    DiskImage own = detached();
    return new SimulatedDirectory(
        files, own.inodes, own.durableNames, own.pendingNames, own.locked);
  }

  /// A copy that shares nothing that can change.
  DiskImage detached() {
    Map<Inode, Inode> copies = new IdentityHashMap<>();
    List<NameChange> pending = new ArrayList<>();
    for (NameChange change : pendingNames) {
      pending.add(new NameChange(change.from(), change.to(), copy(change.inode(), copies)));
    }
    return new DiskImage(files, copy(inodes, copies), copy(durableNames, copies), pending, locked);
  }

  private static Map<String, Inode> copy(Map<String, Inode> names, Map<Inode, Inode> copies) {
    Map<String, Inode> result = new TreeMap<>();
    names.forEach((name, inode) -> result.put(name, copy(inode, copies)));
    return result;
  }

  private static Inode copy(Inode inode, Map<Inode, Inode> copies) {
    return copies.computeIfAbsent(inode, Inode::new);
  }

  // ---- Power loss

  /// What is left after the power went at this moment.
  public DiskImage afterPowerLoss(PowerLoss mode, RandomGenerator random) {
    Map<String, Inode> names = new TreeMap<>(durableNames);
    BitSet kept = choose(pendingNames.size(), mode, random);
    if (mode == PowerLoss.SIZE_WITHOUT_DATA) {
      kept.set(0, pendingNames.size());
    }
    kept.stream().forEach(i -> pendingNames.get(i).applyTo(names));

    Map<Inode, byte[]> live = new IdentityHashMap<>();
    inodes.forEach((name, inode) -> live.put(inode, files.get(name)));
    Map<String, byte[]> left = new TreeMap<>();
    names.forEach((name, inode) ->
        left.put(name, content(inode, live.getOrDefault(inode, inode.unlinked()), mode, random)));
    return of(left, locked && random.nextBoolean());
  }

  /// What is left for each number of changes that had arrived, from none to all: of the sectors of
  /// all files in the order of their names, once with all changes of names and full sizes, once with
  /// none and sizes as far as sectors came; and of the names, in the order in which they were changed,
  /// once with all sectors, once with none.
  public List<DiskImage> afterEachPrefix() {
    List<Sector> sectors = changedSectors();
    List<DiskImage> images = new ArrayList<>();
    int names = pendingNames.size();
    for (int count = 0; count <= sectors.size(); count++) {
      Set<Sector> arrived = Set.copyOf(sectors.subList(0, count));
      images.add(with(first(names), arrived, true));
      images.add(with(first(0), arrived, false));
    }
    for (int count = 0; count <= names; count++) {
      images.add(with(first(count), Set.copyOf(sectors), true));
      images.add(with(first(count), Set.of(), false));
    }
    return images;
  }

  /// What is left for each set of changes of names that may have arrived, once with all sectors of files,
  /// once with none. A file system that keeps changes of one directory in order has only the prefixes.
  ///
  /// @param setsMax if there are more sets, as many of them are chosen
  public List<DiskImage> afterEachSetOfNames(int setsMax, RandomGenerator random) {
    Set<Sector> sectors = Set.copyOf(changedSectors());
    List<DiskImage> images = new ArrayList<>();
    int names = pendingNames.size();
    boolean all = names < 31 && 1 << names <= setsMax;
    for (int number = 0; number < (all ? 1 << names : setsMax); number++) {
      BitSet kept =
          all ? BitSet.valueOf(new long[] {number}) : choose(names, PowerLoss.SECTORS, random);
      images.add(with(kept, sectors, true));
      images.add(with(kept, Set.of(), false));
    }
    return images;
  }

  /// One changed sector.
  private record Sector(Inode inode, int number) {}

  private List<Sector> changedSectors() {
    List<Sector> sectors = new ArrayList<>();
    everyContent()
        .forEach((inode, live) -> {
          for (int number : changedPieces(inode.durable(), inode.reachable(live), SECTOR_BYTES)) {
            sectors.add(new Sector(inode, number));
          }
        });
    return sectors;
  }

  /// Files that are there, by name, then those that have lost their name and may get it back.
  private Map<Inode, byte[]> everyContent() {
    Map<Inode, byte[]> contents = new LinkedHashMap<>();
    inodes.forEach((name, inode) -> contents.put(inode, files.get(name)));
    durableNames.values().forEach(inode -> contents.putIfAbsent(inode, inode.unlinked()));
    pendingNames.forEach(change -> contents.putIfAbsent(change.inode(), change.inode().unlinked()));
    return contents;
  }

  private static BitSet first(int count) {
    BitSet first = new BitSet();
    first.set(0, count);
    return first;
  }

  private DiskImage with(BitSet keptNames, Set<Sector> arrived, boolean fullSizes) {
    Map<String, Inode> names = new TreeMap<>(durableNames);
    keptNames.stream().forEach(i -> pendingNames.get(i).applyTo(names));
    Map<Inode, byte[]> contents = everyContent();
    Map<String, byte[]> left = new TreeMap<>();
    names.forEach((name, inode) -> left.put(name, arrived(inode, contents, arrived, fullSizes)));
    return of(left, locked && fullSizes);
  }

  private static byte[] arrived(
      Inode inode, Map<Inode, byte[]> contents, Set<Sector> arrived, boolean fullSize) {
    byte[] durable = inode.durable();
    byte[] wanted = inode.reachable(contents.getOrDefault(inode, inode.unlinked()));
    byte[] result = Arrays.copyOf(durable, Math.max(durable.length, wanted.length));
    int end = durable.length;
    for (Sector sector : arrived) {
      if (sector.inode().equals(inode)) {
        Inode.copyPiece(wanted, result, sector.number(), SECTOR_BYTES);
        end = Math.max(end, (sector.number() + 1) * SECTOR_BYTES);
      }
    }
    return Arrays.copyOf(result, fullSize ? wanted.length : Math.min(result.length, end));
  }

  private byte[] content(Inode inode, byte[] live, PowerLoss mode, RandomGenerator random) {
    byte[] durable = inode.durable();
    byte[] wanted = inode.reachable(live);
    return switch (mode) {
      case NONE -> durable.clone();
      case ALL -> wanted;
      case SIZE_WITHOUT_DATA -> sizeWithoutData(durable, live, random);
      case PAGES -> someOf(durable, wanted, Inode.PAGE_BYTES, mode, random);
      case PREFIX, SECTORS, LAST_ONLY -> someOf(durable, wanted, SECTOR_BYTES, mode, random);
    };
  }

  private static byte[] someOf(
      byte[] durable, byte[] wanted, int pieceBytes, PowerLoss mode, RandomGenerator random) {
    int[] changed = changedPieces(durable, wanted, pieceBytes);
    int[] kept = choose(changed.length, mode, random).stream().map(i -> changed[i]).toArray();
    int size = Math.max(durable.length, wanted.length);
    byte[] result = Arrays.copyOf(durable, size);
    for (int piece : kept) {
      Inode.copyPiece(wanted, result, piece, pieceBytes);
    }
    if (random.nextBoolean()) {
      return Arrays.copyOf(result, wanted.length);
    }
    int last = kept.length == 0 ? 0 : (kept[kept.length - 1] + 1) * pieceBytes;
    return Arrays.copyOf(result, Math.min(size, Math.max(durable.length, last)));
  }

  private static int[] changedPieces(byte[] durable, byte[] wanted, int pieceBytes) {
    BitSet changed = new BitSet();
    for (int piece = 0; piece * pieceBytes < wanted.length; piece++) {
      byte[] now = Inode.piece(wanted, piece, pieceBytes);
      if (!Arrays.equals(now, Inode.piece(durable, piece, pieceBytes))) {
        changed.set(piece);
      }
    }
    return changed.stream().toArray();
  }

  /// The blocks were given to the file and never written: zeros, or what somebody left in them, which
  /// may be another file of ours.
  @SuppressWarnings("ReferenceEquality") // the very array
  private byte[] sizeWithoutData(byte[] durable, byte[] live, RandomGenerator random) {
    int size = live.length;
    byte[] result = Arrays.copyOf(durable, size);
    int from = Math.min(durable.length, size);
    List<byte[]> others = new ArrayList<>(files.values());
    pendingNames.forEach(change -> others.add(change.inode().unlinked()));
    others.removeIf(other -> other == live || other.length <= from);
    switch (random.nextInt(4)) {
      case 0 -> {
        byte[] garbage = new byte[size - from];
        random.nextBytes(garbage);
        System.arraycopy(garbage, 0, result, from, garbage.length);
      }
      case 1 -> {
        if (!others.isEmpty()) {
          byte[] other = others.get(random.nextInt(others.size()));
          System.arraycopy(other, from, result, from, Math.min(other.length, size) - from);
        }
      }
      default -> {}
    }
    return result;
  }

  private static BitSet choose(int count, PowerLoss mode, RandomGenerator random) {
    BitSet chosen = new BitSet();
    if (count == 0) {
      return chosen;
    }
    switch (mode) {
      case NONE, SIZE_WITHOUT_DATA -> {}
      case ALL -> chosen.set(0, count);
      case PREFIX -> chosen.set(0, random.nextInt(count + 1));
      case LAST_ONLY -> chosen.set(count - 1);
      case SECTORS, PAGES -> {
        for (int i = 0; i < count; i++) {
          chosen.set(i, random.nextBoolean());
        }
      }
    }
    return chosen;
  }

  // ---- Telling images apart

  /// The same for images that nothing could tell apart: names, contents, and how much of each is on
  /// the disk. The receipt of the last open is left out, which tells how long that took.
  public String fingerprint() {
    MessageDigest digest = newDigest();
    Map<Inode, Integer> numbers = new LinkedHashMap<>();
    everyContent()
        .forEach((inode, live) -> {
          numbers.put(inode, numbers.size());
          if (!isReceipt(inode)) {
            update(digest, live);
            if (!Arrays.equals(live, inode.durable()) || inode.hasDropped()) {
              update(digest, inode.durable());
              update(digest, inode.reachable(live));
            }
          }
        });
    for (Map<String, Inode> names : List.of(inodes, durableNames)) {
      names.forEach((name, inode) -> update(digest, name + numbers.get(inode)));
      update(digest, ".");
    }
    pendingNames.forEach(
        change -> update(digest, change.from() + ">" + change.to() + numbers.get(change.inode())));
    return HexFormat.of().formatHex(digest.digest(), 0, 16);
  }

  /// The same for images that no open could tell apart: names and contents, however much of that is on the
  /// disk, without receipts.
  public String fingerprintOfFiles() {
    MessageDigest digest = newDigest();
    files.forEach((name, content) -> {
      if (!name.startsWith(RECEIPT)) {
        update(digest, name);
        update(digest, content);
      }
    });
    return HexFormat.of().formatHex(digest.digest(), 0, 16);
  }

  private boolean isReceipt(Inode inode) {
    return Stream.of(inodes, durableNames)
            .flatMap(names -> names.entrySet().stream())
            .anyMatch(entry -> entry.getValue().equals(inode) && entry.getKey().startsWith(RECEIPT))
        || pendingNames.stream()
            .anyMatch(change ->
                change.inode().equals(inode) && String.valueOf(change.to()).startsWith(RECEIPT));
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }

  private static void update(MessageDigest digest, String text) {
    update(digest, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void update(MessageDigest digest, byte[] bytes) {
    digest.update((byte) (bytes.length >>> 24));
    digest.update((byte) (bytes.length >>> 16));
    digest.update((byte) (bytes.length >>> 8));
    digest.update((byte) bytes.length);
    digest.update(bytes);
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    files.forEach((name, content) ->
        text.append(name)
            .append(' ')
            .append(content.length)
            .append(" B, ")
            .append(inodes.get(name).durable().length)
            .append(" B forced\n"));
    return text.append(pendingNames.size()).append(" changes of names not forced").toString();
  }
}
