package dev.kvstore.bench;

/// What kind of store one is: stores of different kinds promise too different things for one contest.
enum PeerClass {
  /// This store.
  OURS,
  /// Keeps on disk what it acknowledged, grows with the data. The best peer of a row is one of these.
  DURABLE,
  /// A memory-mapped table, sized in advance, that nothing protects against power loss.
  SHARED_MEMORY,
  /// A map on the heap: what any store could reach at best.
  CEILING
}
