package dev.kvstore.testkit;

import dev.kvstore.StoreIoException;
import dev.kvstore.io.Access;
import dev.kvstore.io.Directory;
import dev.kvstore.io.DiskDirectory;
import dev.kvstore.io.FileHandle;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// A directory that fails and crashes at will, and knows what a power loss would take.
///
/// Each file is a real one, in memory where the system has such a place, behind a real
/// [DiskDirectory]: so mappings of one file share their pages, die with their arena, and the code
/// under test is the code of production. Beside each file stands what the *disk* would have of it: the
/// content as of the last force, and the names as of the last force of the directory.
///
/// - Calls that an operating system could refuse are numbered from 1. [#crashAt], [#failAt],
///   [#failWhen] say which of them do not go well. Writes through a mapping are no calls.
/// - Lifecycle: comes from [#empty] or [DiskImage#mount]; [#image] is its state at any time, after a
///   crash that of the crash; [#discard] ends it and whatever still is open or mapped.
/// - May be opened again after [#close]; calls go on counting.
/// - After `lock(READ)` every change is an [AssertionError]: who only reads must not write. After
///   [#requireLock] so is every change without the lock.
/// - Threads: any number; calls happen one after the other.
public final class SimulatedDirectory implements Directory {
  static final String LOCK = "LOCK";

  private static final byte[] STALE_LOCK =
      "pid=4194305\nhost=gone\nsince=2001-01-01T00:00:00Z\n".getBytes(StandardCharsets.US_ASCII);

  private record Rule(Predicate<Call> when, Fault fault) {}

  /// Is told of calls while they happen.
  public interface Observer {
    /// A call begins; or, a second time, half of the bytes that it writes are written.
    void at(Call call, boolean halfWay);
  }

  private final Path path;

  // Guarded by this.
  private DiskDirectory inner;
  private final Map<String, Inode> names;
  private final Map<String, Inode> durableNames;
  private final List<NameChange> pendingNames;
  private final List<SimulatedFile> opened = new ArrayList<>();
  private final List<Call> calls = new ArrayList<>();
  private final List<Rule> rules = new ArrayList<>();
  private BooleanSupplier arrivals = () -> false;
  private @Nullable Observer observer;
  private int failures;
  private @Nullable Access locked;
  private boolean lockFile;
  private boolean requireLock;
  private int crashAt;
  private boolean crashHalfWay;
  private volatile @Nullable DiskImage crashed;

  SimulatedDirectory(
      Map<String, byte[]> files,
      Map<String, Inode> names,
      Map<String, Inode> durableNames,
      List<NameChange> pendingNames,
      boolean lockFile) {
    this(ScratchDirectories.make(), names, durableNames, pendingNames, lockFile);
    try {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        Files.write(path.resolve(file.getKey()), file.getValue());
      }
      if (lockFile) {
        Files.write(path.resolve(LOCK), STALE_LOCK);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private SimulatedDirectory(
      Path path,
      Map<String, Inode> names,
      Map<String, Inode> durableNames,
      List<NameChange> pendingNames,
      boolean lockFile) {
    this.path = path;
    this.inner = DiskDirectory.open(path, Access.WRITE, false);
    this.names = names;
    this.durableNames = durableNames;
    this.pendingNames = pendingNames;
    this.lockFile = lockFile;
  }

  /// A directory with nothing in it.
  public static SimulatedDirectory empty() {
    return DiskImage.of(Map.of()).mount();
  }

  /// Another object for the same place, as a second process would have it; to try locks with.
  public SimulatedDirectory beside() {
    return new SimulatedDirectory(path, names, durableNames, pendingNames, lockFile);
  }

  // ---- What shall go wrong

  /// Crashes at this call, before it does anything.
  public synchronized SimulatedDirectory crashAt(int call) {
    crashAt = call;
    crashHalfWay = false;
    return this;
  }

  /// Crashes at this call after half of the bytes it writes; otherwise as [#crashAt].
  public synchronized SimulatedDirectory crashHalfWayAt(int call) {
    crashAt = call;
    crashHalfWay = true;
    return this;
  }

  /// Crashes now; its image is empty, so take it before.
  public synchronized void crashNow() {
    if (crashed == null) {
      crashed = DiskImage.of(Map.of());
    }
  }

  /// Fails this call, once.
  public SimulatedDirectory failAt(int call, Fault fault) {
    return failWhen(made -> made.number() == call, fault);
  }

  /// Fails this call and all that follow.
  public SimulatedDirectory failFrom(int call, Fault fault) {
    return failWhen(made -> made.number() >= call, fault);
  }

  /// Has some pages of a file arrive although the force of it fails, each with this chance. Without this
  /// none does.
  public synchronized SimulatedDirectory arriveInFailedForces(
      RandomGenerator random, double chance) {
    arrivals = () -> random.nextDouble() < chance;
    return this;
  }

  boolean arrivesAllTheSame() {
    return arrivals.getAsBoolean();
  }

  /// Fails every call of which this holds.
  public synchronized SimulatedDirectory failWhen(Predicate<Call> when, Fault fault) {
    rules.add(new Rule(when, fault));
    return this;
  }

  /// Tells somebody of each call from now on; [#image] is then what a crash at this moment would leave.
  public synchronized SimulatedDirectory observe(Observer other) {
    observer = other;
    return this;
  }

  /// Everything goes well again.
  public synchronized void heal() {
    rules.clear();
  }

  /// From now on nothing may be changed without the lock.
  public synchronized SimulatedDirectory requireLock() {
    requireLock = true;
    return this;
  }

  /// The system writes some of what is waiting to the disk by itself.
  public synchronized void writeBack(RandomGenerator random) {
    names.forEach(
        (name, inode) -> inode.writeBack(content(name), 512, sector -> random.nextInt(3) == 0));
    int arrived = random.nextInt(pendingNames.size() + 1);
    List<NameChange> first = pendingNames.subList(0, arrived);
    first.forEach(change -> change.applyTo(durableNames));
    first.clear();
  }

  // ---- What has happened

  /// How many calls have been made.
  public synchronized int calls() {
    return calls.size();
  }

  /// How many calls have failed as told.
  public synchronized int failures() {
    return failures;
  }

  /// All calls, for a message.
  public synchronized List<Call> log() {
    return List.copyOf(calls);
  }

  /// Whether the crash has come. What a caller was told before that was true counts.
  public boolean hasCrashed() {
    return crashed != null;
  }

  /// The state of now; after a crash, that of the crash.
  public synchronized DiskImage image() {
    DiskImage taken = crashed;
    if (taken != null) {
      return taken;
    }
    Map<String, byte[]> files = new TreeMap<>();
    names.keySet().forEach(name -> files.put(name, content(name)));
    DiskImage shared =
        new DiskImage(
            files, new TreeMap<>(names), durableNames, List.copyOf(pendingNames), lockFile);
    return shared.detached();
  }

  /// Files that are open and mappings that live.
  public synchronized List<String> open() {
    return opened.stream().flatMap(file -> file.open().stream()).collect(Collectors.toList());
  }

  /// A new directory in the state of this one, which ends.
  public SimulatedDirectory restart() {
    DiskImage image = image();
    discard();
    return image.mount();
  }

  /// Ends everything that is open or mapped, and the directory itself.
  public synchronized void discard() {
    crashNow();
    opened.forEach(SimulatedFile::discard);
    inner.close();
    ScratchDirectories.delete(path);
  }

  // ---- The directory

  @Override
  public synchronized Path path() {
    return inner.path();
  }

  @Override
  public synchronized List<String> list() {
    Call call = begin("list", ".");
    failBefore(call);
    List<String> entries = inner.list();
    failAfter(call);
    return entries;
  }

  @Override
  public synchronized boolean isFile(String name) {
    Call call = begin("isFile", name);
    failBefore(call);
    boolean is = inner.isFile(name);
    failAfter(call);
    return is;
  }

  @Override
  public synchronized FileHandle create(String name) {
    Call call = beginChange("create", name);
    failBefore(call);
    FileHandle file = inner.create(name);
    Inode inode = new Inode(new byte[0]);
    change(new NameChange(null, name, inode));
    SimulatedFile created = new SimulatedFile(this, file, inode, Access.WRITE);
    opened.add(created);
    failAfter(call, created);
    return created;
  }

  @Override
  public synchronized FileHandle open(String name, Access access) {
    Call call = access == Access.READ ? begin("open", name) : beginChange("open", name);
    failBefore(call);
    FileHandle file = inner.open(name, access);
    SimulatedFile there =
        new SimulatedFile(
            this, file, names.computeIfAbsent(name, n -> new Inode(content(n))), access);
    opened.add(there);
    failAfter(call, there);
    return there;
  }

  @Override
  public synchronized FileHandle openForCopies(String name) {
    Call call = begin("open", name);
    failBefore(call);
    FileHandle file = inner.openForCopies(name);
    SimulatedFile there =
        new SimulatedFile(
            this, file, names.computeIfAbsent(name, n -> new Inode(content(n))), Access.READ);
    opened.add(there);
    failAfter(call, there);
    return there;
  }

  @Override
  public synchronized void rename(String from, String to) {
    Call call = beginChange("rename", from + " to " + to);
    failBefore(call);
    Inode replaced = names.get(to);
    byte[] replacedContent = replaced == null ? new byte[0] : content(to);
    inner.rename(from, to);
    if (replaced != null) {
      replaced.unlink(replacedContent);
    }
    change(new NameChange(from, to, names.get(from)));
    failAfter(call);
  }

  @Override
  public synchronized void remove(String name) {
    Call call = beginChange("remove", name);
    failBefore(call);
    Inode removed = names.get(name);
    byte[] last = removed == null ? new byte[0] : content(name);
    inner.remove(name);
    if (removed != null) {
      removed.unlink(last);
      change(new NameChange(name, null, removed));
    }
    failAfter(call);
  }

  private void change(NameChange change) {
    change.applyTo(names);
    pendingNames.add(change);
  }

  @Override
  public synchronized void force() {
    Call call = beginChange("force", ".");
    Fault fault = faultOf(call);
    if (fault != null) {
      pendingNames.clear(); // gone, as the pages of a file that could not be forced
      throw failed(call, fault);
    }
    half(call);
    inner.force();
    pendingNames.forEach(change -> change.applyTo(durableNames));
    pendingNames.clear();
  }

  @Override
  public synchronized void lock(Access access) {
    Call call = begin("lock", ".");
    failBefore(call);
    inner.lock(access);
    locked = access;
    lockFile |= access == Access.WRITE;
    failAfter(call);
  }

  @Override
  public synchronized void close() {
    inner.close();
    locked = null;
    if (crashed == null) {
      inner = DiskDirectory.open(path, Access.WRITE, false);
    }
  }

  // ---- What the files need too

  Call beginChange(String operation, String file) {
    if (locked == Access.READ) {
      throw new AssertionError("a reader must not change anything: " + operation + " " + file);
    }
    if (requireLock && locked == null && crashed == null) {
      throw new AssertionError("changed without the lock: " + operation + " " + file);
    }
    return begin(operation, file);
  }

  Call begin(String operation, String file) {
    Call call = new Call(calls.size() + 1, operation, file);
    if (crashed != null) {
      throw new SimulatedCrash("after the crash, " + call);
    }
    calls.add(call);
    if (call.number() == crashAt && !crashHalfWay) {
      crash(call);
    }
    if (observer != null) {
      observer.at(call, false);
    }
    return call;
  }

  /// Crashes if it is to happen half-way through this call.
  void half(Call call) {
    if (observer != null && call.writes()) {
      observer.at(call, true);
    }
    if (call.number() == crashAt && crashHalfWay) {
      crash(call);
    }
  }

  private void crash(Call call) {
    crashed = image();
    inner.close();
    throw new SimulatedCrash("crashed at " + call);
  }

  /// Whether half of the bytes of this call are to be seen by somebody.
  boolean isHalfWay(Call call) {
    Fault fault = faultOf(call);
    return (observer != null && call.writes())
        || (fault != null && fault.isHalfWay())
        || (call.number() == crashAt && crashHalfWay);
  }

  @Nullable Fault faultOf(Call call) {
    for (Rule rule : rules) {
      if (rule.fault.hits(call) && rule.when.test(call)) {
        return rule.fault;
      }
    }
    return null;
  }

  void failBefore(Call call) {
    half(call);
    Fault fault = faultOf(call);
    if (fault != null && fault != Fault.IO_ERROR_AFTERWARDS) {
      throw failed(call, fault);
    }
  }

  void failAfter(Call call) {
    if (faultOf(call) == Fault.IO_ERROR_AFTERWARDS) {
      throw failed(call, Fault.IO_ERROR_AFTERWARDS);
    }
  }

  private void failAfter(Call call, SimulatedFile open) {
    try {
      failAfter(call);
    } catch (StoreIoException e) {
      open.close();
      throw e;
    }
  }

  StoreIoException failed(Call call, Fault fault) {
    failures++;
    String reason = fault.reason();
    return new StoreIoException(
        "simulated at " + call + ": " + reason, new IOException(reason), fault.isNoSpace(call));
  }

  private byte[] content(String name) {
    try {
      return Files.readAllBytes(path.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
