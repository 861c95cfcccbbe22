package dev.kvstore.bench;

import java.nio.file.Path;
import java.util.Locale;

/// The stores that can be measured.
enum PeerKind {
  KVSTORE("KvStore", KvStorePeer::new),
  ROCKSDB("RocksDB", RocksDbPeer::new),
  LMDB("LMDB", LmdbPeer::new);

  private interface Opener {
    Peer open(Path directory, Opening opening);
  }

  private final String title;
  private final Opener opener;

  PeerKind(String title, Opener opener) {
    this.title = title;
    this.opener = opener;
  }

  String title() {
    return title;
  }

  /// Its name on the command line.
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  Peer open(Path directory, Opening opening) {
    return opener.open(directory, opening);
  }
}
