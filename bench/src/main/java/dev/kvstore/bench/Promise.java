package dev.kvstore.bench;

/// What a work may need of a store and not every store gives. A store takes no part in the rows that
/// need what it does not promise.
enum Promise {
  /// What was closed is there when it is opened again, because the store keeps it.
  REOPEN,
  /// After `kill -9` it opens without help and has every put of before [Peer#handOver].
  SURVIVES_KILL,
  /// A put can be on the disk when it returns.
  DURABLE_PUT,
  /// It takes many more keys than it was opened for.
  GROWTH
}
