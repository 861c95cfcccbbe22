package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.Locale;

/// The stores that can be measured.
enum PeerKind {
  KVSTORE("KvStore"),
  ROCKSDB("RocksDB"),
  LMDB("LMDB");

  private final String title;

  PeerKind(String title) {
    this.title = title;
  }

  String title() {
    return title;
  }

  /// Its name on the command line.
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  Peer open(Path directory, Opening opening) {
    return switch (this) {
      case KVSTORE -> new KvStorePeer(directory, opening);
      case ROCKSDB -> new RocksDbPeer(directory, opening);
      case LMDB -> new LmdbPeer(directory, opening);
    };
  }
}
