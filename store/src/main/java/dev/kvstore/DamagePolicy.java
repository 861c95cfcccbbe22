package dev.kvstore;

/// What `open` does when it meets damage: bytes that were durable and do not verify any more.
///
/// A torn tail, which every crash may leave, is not damage; it is cut and reported under both.
public enum DamagePolicy {
  /// Refuse with [StoreCorruptionException], change nothing. The default: a damaged record may hide
  /// an older version of its key, and an old value must not be served as if nothing had happened.
  REFUSE,

  /// Open, report the damage in [KvStore#recovery], serve every record that verifies. Keys whose
  /// newest record was lost may be absent or show an older version. A damaged store takes no writes
  /// and nothing in its directory is changed but the receipt: [StoreInspector#salvage] makes a whole one of it.
  SERVE_REST
}
