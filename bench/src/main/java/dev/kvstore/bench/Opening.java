package dev.kvstore.bench;

/// What a store is opened for.
///
/// @param durable whether an acknowledged write has to survive power loss; otherwise the death of the
///     process is enough
/// @param dataBytes bytes of all keys and values, for those that must be sized in advance
record Opening(boolean durable, long dataBytes) {}
