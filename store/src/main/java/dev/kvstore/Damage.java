package dev.kvstore;

import java.util.List;

/// A stretch of a file that was durable and does not verify any more.
///
/// @param file name of the file inside the store's directory
/// @param offset where the damage begins, in bytes
/// @param bytes how far it reaches; up to the next thing that verifies
/// @param problem what was found and what was expected
/// @param keys keys of the records concerned, where they still are readable; not guaranteed to be
///     right, since they are read from damaged bytes
public record Damage(String file, long offset, long bytes, String problem, List<byte[]> keys) {}
