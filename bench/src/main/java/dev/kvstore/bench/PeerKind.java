package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiFunction;

/// The stores that can be measured: what each promises, and which flags its JVM needs.
enum PeerKind {
  KVSTORE("KvStore", PeerClass.OURS, Promises.ALL, Flags.NONE, KvStorePeer::new),
  ROCKSDB("RocksDB", PeerClass.DURABLE, Promises.ALL, Flags.NATIVE, RocksDbPeer::new),
  LMDB("LMDB", PeerClass.DURABLE, Promises.ALL, Flags.LMDB, LmdbPeer::new);

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
    static final Set<Promise> ALL = EnumSet.allOf(Promise.class);
  }

  private static final class Flags {
    static final List<String> NONE = List.of();
    static final List<String> NATIVE = List.of("--enable-native-access=ALL-UNNAMED");

    /// It reaches into the buffers of the JDK.
    static final List<String> LMDB =
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
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
