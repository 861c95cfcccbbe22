package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;

/// The stores that can be measured: what each promises, and which flags its JVM needs.
@SuppressWarnings("ImmutableEnumChecker") // sets and lists of Set.of and List.of
enum PeerKind {
  KVSTORE("KvStore", PeerClass.OURS, Promises.ALL, Flags.NONE, KvStorePeer::new),
  ROCKSDB("RocksDB", PeerClass.DURABLE, Promises.ALL, Flags.NATIVE, RocksDbPeer::new),
  LMDB("LMDB", PeerClass.DURABLE, Promises.ALL, Flags.LMDB, LmdbPeer::new),
  MVSTORE("MVStore", PeerClass.DURABLE, Promises.ALL, Flags.NONE, MvStorePeer::new),
  MAPDB("MapDB", PeerClass.DURABLE, Promises.BUT_KILL, Flags.NATIVE, MapDbPeer::new),
  XODUS("Xodus", PeerClass.DURABLE, Promises.ALL, Flags.NONE, XodusPeer::new),
  JE("Berkeley DB JE", PeerClass.DURABLE, Promises.ALL, Flags.NONE, JePeer::new),
  SQLITE("SQLite", PeerClass.DURABLE, Promises.ALL, Flags.NATIVE, SqlitePeer::new),
  LEVELDB("LevelDB", PeerClass.DURABLE, Promises.ALL, Flags.NATIVE, LevelDbPeer::new),
  CHRONICLE(
      "Chronicle Map",
      PeerClass.SHARED_MEMORY,
      Promises.MAPPED,
      Flags.CHRONICLE,
      ChronicleMapPeer::new),
  HEAPMAP("ConcurrentHashMap", PeerClass.CEILING, Promises.HEAP, Flags.NONE, HeapMapPeer::new);

  private final String title;
  private final PeerClass peerClass;
  private final Set<Promise> promises;
  private final List<String> jvmFlags;
  private final BiFunction<Path, Opening, Peer> adapter;

  PeerKind(
      String title,
      PeerClass peerClass,
      Set<Promise> promises,
      List<String> jvmFlags,
      BiFunction<Path, Opening, Peer> adapter) {
    this.title = title;
    this.peerClass = peerClass;
    this.promises = promises;
    this.jvmFlags = jvmFlags;
    this.adapter = adapter;
  }

  /// In constants of their own, because those of an enum are made before its other fields.
  private static final class Promises {
    static final Set<Promise> ALL = Set.of(Promise.values());
    static final Set<Promise> BUT_KILL =
        Set.of(Promise.REOPEN, Promise.DURABLE_PUT, Promise.GROWTH);
    static final Set<Promise> MAPPED = Set.of(Promise.REOPEN, Promise.SURVIVES_KILL);
    static final Set<Promise> HEAP = Set.of(Promise.GROWTH);
  }

  private static final class Flags {
    static final List<String> NONE = List.of();
    static final List<String> NATIVE = List.of("--enable-native-access=ALL-UNNAMED");

    /// It reaches into the buffers of the JDK; its own benchmarks run without its checks.
    static final List<String> LMDB =
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "-Dlmdbjava.disable.checks=true");

    /// What its documentation lists for Java 17 and later; and it is not to ask the network.
    static final List<String> CHRONICLE =
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
            "--add-exports=java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-exports=jdk.unsupported/sun.misc=ALL-UNNAMED",
            "--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED",
            "--add-opens=jdk.compiler/com.sun.tools.javac=ALL-UNNAMED",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "-Dchronicle.analytics.disable=true",
            "-Dchronicle.announcer.disable=true");
  }

  String title() {
    return title;
  }

  /// Its name on the command line.
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  PeerClass peerClass() {
    return peerClass;
  }

  /// Whether it can take part in what needs these promises.
  boolean promises(Set<Promise> needed) {
    return promises.containsAll(needed);
  }

  /// For the JVM in which it runs, and for no other.
  List<String> jvmFlags() {
    return jvmFlags;
  }

  Peer open(Path directory, Opening opening) {
    return adapter.apply(directory, opening);
  }
}
